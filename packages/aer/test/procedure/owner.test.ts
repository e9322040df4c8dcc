import { type NotifyStep, type OperateStep, type RecoveryScope } from '@pci-recovery/core';
import { explore, type Input, type Monitor } from '@pci-recovery/core/exploration';
import { aerOwnerProcedure } from '../../src/procedure/owner.js';
import { combinations, EVERY_SHAPE, eventOf, everything, scopeOf, TELLING_SHAPES } from './shapes.js';

type Memory = {
  /** Names of what happened, in order. */
  readonly path: readonly string[];
};

const violated = (rule: string, detail: unknown): never => {
  throw new Error(`${rule}: ${JSON.stringify(detail)}`);
};

const RESETS = ['await_host=reset', 'hot_reset=ok'];

const happened = (path: readonly string[]): boolean => path.some((one) => RESETS.includes(one));

function afterOperation(path: readonly string[], step: OperateStep, input: Input): Memory {
  const { name } = step.operation;
  const hostEnded = path.some((one) => one.startsWith('await_host='));
  if (name !== 'await_host' && !hostEnded) violated('touches nothing before the host has ended (R3.5)', path);
  if (name === 'hot_reset' && happened(path)) violated('one physical reset per error (R3.5)', path);
  if (name === 'restore_config' && !happened(path)) violated('restores only after a reset', path);
  if (input.kind !== 'result') return { path: [...path, `${name}=stopped`] };
  const value = input.result.ok ? (input.result.value as string) || 'ok' : 'failed';
  return { path: [...path, `${name}=${value}`] };
}

function afterNotify(path: readonly string[], step: NotifyStep): Memory {
  if (path.length === 0 && step.callback !== 'errorDetected') violated('listeners are told at once (R3.8)', path);
  if (path.includes('perm_failure')) violated('nothing after perm_failure', path);
  if (step.callback === 'slotReset') {
    if (!happened(path)) violated('slot_reset only after a reset', path);
    if (!path.includes('errorDetected(frozen)')) violated('an error that ends in a reset is promoted (R1.5)', path);
    if (!path.includes('restore_config=ok')) violated('nobody is told of the reset before the restore (R2.7)', path);
  }
  const failed = path.some((one) => one.endsWith('=failed') && !one.startsWith('clear_status'));
  if (step.callback === 'resume' && failed) violated('resume only after everything succeeded', path);
  return { path: [...path, step.channel === 'perm_failure' ? 'perm_failure' : `${step.callback}(${step.channel})`] };
}

/** What must hold on every path of the owner's procedure. */
const LAW: Monitor<Memory> = {
  initial: { path: [] },
  after: ({ path }, step, input) =>
    step.do === 'operate' ? afterOperation(path, step, input) : afterNotify(path, step),
  end({ path }, step) {
    const failed = path.includes('perm_failure');
    if (step.result === 'recovered' && !path.includes('resume(normal)')) violated('recovered only after resume', path);
    if (step.result === 'disconnected' && !failed && !path.includes('resume(normal)'))
      violated('a failure is told', path);
    if (step.result === 'disconnected' && step.usable.length > 0) violated('nothing of a failed scope is usable', step);
    if (failed && step.result === 'recovered') violated('perm_failure is final', path);
  },
};

const VALUES: Readonly<Record<string, readonly string[]>> = { await_host: ['reset', 'left', 'gave_up', 'nonsense'] };

const CAPABILITIES = [
  { hot_reset: true as const },
  { hot_reset: { absent: 'A function of another group is affected.' } },
  {},
];

function exploreScope(scope: RecoveryScope, memoise = true): ReturnType<typeof explore>[] {
  return (['nonfatal', 'fatal'] as const).flatMap((severity) =>
    (['recover', 'give_up'] as const).map((verdict) =>
      explore(aerOwnerProcedure.begin({ event: eventOf(severity), scope, verdict }), {
        alphabet: everything(scope, VALUES),
        monitor: LAW,
        memoise,
      }),
    ),
  );
}

describe("the owner's recovery keeps its law at every state", () => {
  it.each(CAPABILITIES.map((one) => [JSON.stringify(one), one] as const))(
    'for every shape of one function, with %s',
    (_, capabilities) => {
      for (const shape of EVERY_SHAPE) exploreScope(scopeOf([shape], capabilities));
    },
  );

  it.each(CAPABILITIES.map((one) => [JSON.stringify(one), one] as const))(
    'for two functions of every kind, with %s',
    (_, capabilities) => {
      for (const shapes of combinations(TELLING_SHAPES, 2)) exploreScope(scopeOf(shapes, capabilities));
    },
  );

  it('and the memoised walk has the very same ends as the whole tree', () => {
    const scope = scopeOf([TELLING_SHAPES[0]!], { hot_reset: true });
    const ends = (memoise: boolean): string[][] => exploreScope(scope, memoise).map((one) => [...one.ends].sort());
    expect(ends(true)).toEqual(ends(false));
  });
});

it('refuses the reset that it has no right to, and says why (R3.11, R4.2)', () => {
  const scope = scopeOf([TELLING_SHAPES[0]!], { hot_reset: { absent: '0000:01:00.1 is not owned' } });
  const ends = exploreScope(scope).flatMap((one) => [...one.ends]);
  expect(ends).toContain('disconnected: A hot reset is needed and not possible: 0000:01:00.1 is not owned.');
});
