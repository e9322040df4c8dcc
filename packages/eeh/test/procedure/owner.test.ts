import { type NotifyStep, type OperateStep, type RecoveryScope } from '@pci-recovery/core';
import { explore, type Input, type Monitor } from '@pci-recovery/core/exploration';
import { eehOwnerProcedure } from '../../src/procedure/owner.js';
import { violated } from './law.js';
import { combinations, eventOf, ownerAlphabet, scopeOf, TELLING_SHAPES, EVERY_SHAPE, type Shape } from './shapes.js';

type Memory = { readonly path: readonly string[] };

function afterOperation(path: readonly string[], { operation, at }: OperateStep, input: Input): Memory {
  const { name } = operation;
  if (name !== 'finish' && !path.includes('errorDetected')) violated('listeners are told at once (R3.8)', path);
  if (name !== 'await_available' && name !== 'finish' && !path.includes('await_available')) {
    violated('nothing is touched while the host recovers', at);
  }
  if (name === 'unfreeze_dma' && !path.includes('unfreeze_io')) violated('DMA never before MMIO (R4.5)', path);
  if (name === 'reset_pe' && path.includes('reset_pe')) violated('one reset per error (R3.5)', path);
  if (input.kind !== 'result') return { path };
  return { path: [...path, input.result.ok ? name : `${name} failed`] };
}

function afterNotify(path: readonly string[], step: NotifyStep): Memory {
  if (path.includes('perm_failure')) violated('nothing after perm_failure', path);
  if (step.callback === 'mmioEnabled' && path.at(-1) !== 'unfreeze_io') violated('looks right after the thaw', path);
  if (step.callback === 'slotReset' && path.at(-1) !== 'reset_pe') violated('slot_reset right after a reset', path);
  if (step.callback === 'resume' && path.some((one) => one.endsWith('failed'))) violated('resume after success', path);
  return { path: [...path, step.channel === 'perm_failure' ? 'perm_failure' : step.callback] };
}

/** What must hold on every path of the owner's procedure. */
const LAW: Monitor<Memory> = {
  initial: { path: [] },
  after: ({ path }, step, input) =>
    step.do === 'operate' ? afterOperation(path, step, input) : afterNotify(path, step),
  end({ path }, { result, usable }) {
    const thawed = path.includes('unfreeze_dma') || path.includes('reset_pe');
    if (result === 'recovered' && !path.includes('resume')) violated('recovered only after resume', path);
    if (result === 'recovered' && !thawed) violated('recovered only when thawed', path);
    if (result === 'disconnected' && usable.length > 0) violated('nothing of a failed scope is usable', usable);
    if (result === 'disconnected' && !path.includes('perm_failure') && !path.includes('resume')) {
      violated('a failure is told', path);
    }
  },
};

const CAPABILITIES = [{ pe_reset: true as const }, { pe_reset: { absent: 'PE#2 has another owner' } }, {}];

function exploreScope(shapes: readonly Shape[], capabilities: RecoveryScope['capabilities'], memoise = true) {
  const scope = { ...scopeOf(shapes), capabilities };
  return (['recover', 'give_up'] as const).map((verdict) =>
    explore(eehOwnerProcedure.begin({ event: eventOf('frozen_pe'), scope, verdict }), {
      alphabet: ownerAlphabet(shapes),
      monitor: LAW,
      memoise,
    }),
  );
}

describe("the owner's recovery keeps its law at every state", () => {
  it.each(CAPABILITIES.map((one) => [JSON.stringify(one), one] as const))('with %s', (_, capabilities) => {
    for (const shape of EVERY_SHAPE.filter(({ state }) => !state)) exploreScope([shape], capabilities);
    for (const shapes of combinations(TELLING_SHAPES.slice(0, 3), 2)) exploreScope(shapes, capabilities);
  });

  it('and the memoised walk has the very same ends as the whole tree', () => {
    const ends = (memoise: boolean) =>
      exploreScope([TELLING_SHAPES[0]!], { pe_reset: true }, memoise).map((one) => [...one.ends].sort());
    expect(ends(true)).toEqual(ends(false));
  });
});

it('refuses the reset that it has no right to, and says why (R4.9)', () => {
  const ends = exploreScope([TELLING_SHAPES[0]!], CAPABILITIES[1]!).flatMap((one) => [...one.ends]);
  expect(ends).toContain('disconnected: A reset is needed and not possible: PE#2 has another owner.');
});
