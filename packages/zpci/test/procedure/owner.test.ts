import { type NotifyStep, type OperateStep, type RecoveryScope } from '@pci-recovery/core';
import { explore, type Input, type Monitor } from '@pci-recovery/core/exploration';
import { zpciOwnerProcedure } from '../../src/index.js';
import { EVERY_SHAPE, eventOf, everything, scopeOf, TELLING_SHAPES, WHOLE, type Failures } from './shapes.js';

type Memory = { readonly path: readonly string[] };

const violated = (rule: string, detail: unknown): never => {
  throw new Error(`${rule}: ${JSON.stringify(detail)}`);
};

const wasReset = (path: readonly string[]): boolean =>
  path.includes('vfio_reset=ok') || path.includes('vfio_hot_reset=ok');

function checkOperation(path: readonly string[], name: string): void {
  if (path.includes('perm_failure')) violated('nothing is done after perm_failure', path);
  if (name === 'confirm_error' && path.length > 0) violated('it is looked first whether it is over', path);
  if (name !== 'confirm_error' && !path.includes('errorDetected')) violated('the listener is told first (R3.8)', path);
  if (name.endsWith('reset') && wasReset(path)) violated('one reset per error', path);
  if (name === 'vfio_hot_reset' && !/^vfio_reset=(unsupported|refused)$/.test(path.at(-1) ?? '')) {
    violated('the next method is used only where the first cannot be (R2.9)', path);
  }
  if (name === 'restore_config' && !wasReset(path)) violated('restores only after a reset', path);
  if (name === 'enable_bus_master' && path.at(-1) !== 'restore_config=ok') violated('DMA last of all', path);
}

function afterOperation(path: readonly string[], step: OperateStep, input: Input): Memory {
  const { name } = step.operation;
  checkOperation(path, name);
  if (input.kind !== 'result') return { path: [...path, `${name}=stopped`] };
  return { path: [...path, `${name}=${input.result.ok ? 'ok' : input.result.why}`] };
}

function afterNotify(path: readonly string[], step: NotifyStep): Memory {
  if (path.includes('perm_failure')) violated('nothing after perm_failure', path);
  if (step.callback === 'mmioEnabled') violated('a holder cannot unblock register access', path);
  if (step.callback === 'slotReset' && path.at(-1) !== 'enable_bus_master=ok') {
    violated('nobody is told of the reset before the restore (R2.7)', path);
  }
  if (step.callback === 'resume' && path.at(-1) !== 'slotReset') violated('resume right after slot_reset', path);
  return { path: [...path, step.channel === 'perm_failure' ? 'perm_failure' : step.callback] };
}

const LAW: Monitor<Memory> = {
  initial: { path: [] },
  after: ({ path }, step, input) =>
    step.do === 'operate' ? afterOperation(path, step, input) : afterNotify(path, step),
  end({ path }, step) {
    const failed = path.includes('perm_failure');
    if (step.result === 'recovered' && !path.includes('resume')) violated('recovered only after resume', path);
    if (step.result === 'disconnected' && !failed && !path.includes('resume')) violated('a failure is told', path);
    if (step.result === 'disconnected' && step.usable.length > 0) violated('nothing of a failed scope is usable', path);
    if (step.result === 'ignored' && path.length > 1) violated('nothing is done for an error that is over', path);
    if (failed && step.result !== 'disconnected') violated('perm_failure is final', path);
  },
};

const CAPABILITIES = [{ hot_reset: true as const }, { hot_reset: { absent: 'A function of another group.' } }, {}];

const exploreScope = (scope: RecoveryScope, memoise = true, failures: Failures = 'all'): ReturnType<typeof explore>[] =>
  [0x04, 0x3b].flatMap((pec) =>
    (['recover', 'give_up'] as const).map((verdict) =>
      explore(zpciOwnerProcedure.begin({ event: eventOf(pec), scope, verdict }), {
        alphabet: everything(scope, { confirm_error: ['error', 'over', null] }, failures),
        monitor: LAW,
        memoise,
      }),
    ),
  );

describe.each(CAPABILITIES.map((one) => [JSON.stringify(one), one] as const))(
  "the owner's recovery keeps its law at every state, with %s",
  (_, capabilities) => {
    it('for every shape of the function', () => {
      for (const shape of EVERY_SHAPE) exploreScope(scopeOf(shape, capabilities));
    });

    it('and the memoised walk has the very same ends as the whole tree', () => {
      for (const shape of TELLING_SHAPES) {
        const scope = scopeOf(shape, capabilities);
        const ends = (memoise: boolean): string[][] =>
          exploreScope(scope, memoise, 'one').map((one) => [...one.ends].sort());
        expect(ends(true)).toEqual(ends(false));
      }
    });
  },
);

it('refuses the reset that it has no right to, and says why (R2.9)', () => {
  const scope = scopeOf(WHOLE, { hot_reset: { absent: '0001:00:00.1 is not owned' } });
  expect(exploreScope(scope).flatMap((one) => [...one.ends])).toContain(
    'disconnected: The reset did not succeed: unsupported. A hot reset is not possible: 0001:00:00.1 is not owned.',
  );
});

it('tells of a permanent failure without a reset (R2.1)', () => {
  const first = zpciOwnerProcedure.begin({ event: eventOf(0x40), scope: scopeOf(WHOLE), verdict: 'recover' });
  expect(first).toMatchObject({ do: 'notify', channel: 'perm_failure', callback: 'errorDetected' });
});
