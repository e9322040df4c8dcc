import { type EndStep, type NotifyStep, type OperateStep, type Plain, type Step } from '@pci-recovery/core';
import { explore, type Input, type Monitor } from '@pci-recovery/core/exploration';
import { aerHostProcedure } from '../../src/procedure/host.js';
import {
  combinations,
  EVERY_SHAPE,
  VOTING_SHAPES,
  eventOf,
  everything,
  scopeOf,
  TELLING_SHAPES,
  type Shape,
} from './shapes.js';

/** What a path has seen so far. */
type Memory = {
  readonly frozen: boolean;
  readonly resets: number;
  readonly resetFailed: boolean;
  readonly told: readonly string[];
  readonly faulted: readonly string[];
};

const INITIAL: Memory = { frozen: false, resets: 0, resetFailed: false, told: [], faulted: [] };

const violated = (rule: string, detail: unknown): never => {
  throw new Error(`${rule}: ${JSON.stringify(detail)}`);
};

/** The invariants of pcie_do_recovery, at every state of every path. */
const LAW: Monitor<Memory> = {
  initial: INITIAL,
  after: (memory, step, input) =>
    step.do === 'notify' ? afterNotify(memory, step, input) : afterOperation(memory, step, input),
  end(memory, step) {
    if (step.result === 'recovered' && memory.resetFailed) violated('a failed reset is never recovered', memory);
    if (step.result === 'recovered' && !memory.told.includes('resume')) violated('recovered only after resume', memory);
    if (step.result === 'disconnected' && step.usable.length > 0) violated('nothing of a failed scope is usable', step);
    if (step.result === 'disconnected' && !memory.told.includes('perm_failure') && !memory.told.includes('resume')) {
      violated('a failure is told as perm_failure', memory);
    }
    if (step.result === 'ignored' && memory.told.length > 0) violated('ignored only before anybody was told', memory);
    for (const device of step.usable)
      if (memory.faulted.includes(device.bdf)) violated('a failed callback is not handed back', step);
  },
};

function afterNotify(memory: Memory, step: NotifyStep, input: Input): Memory {
  const name = step.channel === 'perm_failure' ? 'perm_failure' : step.callback;
  if (memory.told.includes('perm_failure')) violated('nothing after perm_failure', step.at);
  if (memory.told.includes('resume')) violated('nothing is told after resume', step.at);
  if (step.callback === 'slotReset' && memory.resets === 0) violated('slot_reset only after a reset', memory);
  if (step.callback === 'mmioEnabled' && memory.resets > 0) violated('mmio_enabled never after the reset', memory);
  if (step.callback === 'resume') {
    if (memory.resetFailed) violated('resume only after every reset succeeded', memory);
    if (memory.frozen && memory.resets === 0) violated('a frozen channel is never resumed without a reset', memory);
    if (step.stopped) violated('resume cannot be stopped', step.at);
  }
  if (input.kind !== 'answers') return memory;
  const faulted = input.answers.filter((answer) => answer.gave === 'fault').map((answer) => answer.bdf);
  return {
    ...memory,
    frozen: memory.frozen || step.channel === 'frozen',
    told: [...memory.told, name],
    faulted: faulted.length === 0 ? memory.faulted : [...new Set([...memory.faulted, ...faulted])].sort(),
  };
}

function afterOperation(memory: Memory, step: OperateStep, input: Input): Memory {
  if (memory.told.includes('perm_failure')) violated('nothing is done after perm_failure', step.at);
  if (step.operation.name !== 'reset_subordinates' || input.kind !== 'result') return memory;
  if (memory.resets > 0) violated('one reset per error (R3.5)', memory);
  if (!memory.told.includes('errorDetected')) violated('nobody is reset before being told', memory);
  return { ...memory, resets: memory.resets + 1, resetFailed: memory.resetFailed || !input.result.ok };
}

const VALUES = { confirm_source: ['error', 'broken', 'none'] };
const SEVERITIES = ['nonfatal', 'fatal'] as const;
const VERDICTS = ['recover', 'give_up'] as const;

function exploreShapes(
  shapes: readonly Shape[],
  options: { memoise: boolean; native?: boolean; verdicts?: readonly ('recover' | 'give_up')[] },
): ReturnType<typeof explore>[] {
  const capabilities = { native_aer: options.native === false ? { absent: 'firmware' } : (true as const) };
  const scope = scopeOf(shapes, capabilities);
  return SEVERITIES.flatMap((severity) =>
    (options.verdicts ?? VERDICTS).map((verdict) =>
      explore(aerHostProcedure.begin({ event: eventOf(severity), scope, verdict }), {
        alphabet: everything(scope, VALUES),
        monitor: LAW,
        memoise: options.memoise,
      }),
    ),
  );
}

describe('pcie_do_recovery keeps its law at every state', () => {
  it('for every shape of one function, every answer, every result, every stop', () => {
    for (const shape of EVERY_SHAPE) exploreShapes([shape], { memoise: true });
  });

  it('for every pair of shapes that can vote differently', () => {
    for (const shapes of combinations(VOTING_SHAPES, 2))
      exploreShapes(shapes, { memoise: true, verdicts: ['recover'] });
  }, 120_000);

  it('for three functions of every kind that the law tells apart', () => {
    for (const shapes of combinations(TELLING_SHAPES, 3))
      exploreShapes(shapes, { memoise: true, verdicts: ['recover'] });
  }, 120_000);

  it('without control of AER', () => {
    for (const shapes of combinations(TELLING_SHAPES, 2)) exploreShapes(shapes, { memoise: true, native: false });
  });

  it('and the memoised walk goes through the very same ends as the whole tree', () => {
    for (const shape of EVERY_SHAPE) {
      const memoised = exploreShapes([shape], { memoise: true });
      const whole = exploreShapes([shape], { memoise: false });
      expect(memoised.map((one) => [...one.ends].sort())).toEqual(whole.map((one) => [...one.ends].sort()));
    }
  });
});

describe('state determines the future', () => {
  it('so that equal places with equal states answer alike', () => {
    const scope = scopeOf(TELLING_SHAPES.slice(0, 2), { native_aer: true });
    const futures = new Map<string, string>();
    const signature = (step: Step): string =>
      JSON.stringify([step.at, step.state, step.do === 'end' ? (step satisfies EndStep).result : '']);
    for (const severity of SEVERITIES) {
      explore(aerHostProcedure.begin({ event: eventOf(severity), scope, verdict: 'recover' }), {
        alphabet: everything(scope, VALUES),
        memoise: false,
        monitor: { initial: null as Plain, after: () => null, end: () => undefined },
        edge: (from, input, to) => {
          const key = `${severity} ${signature(from)} ${JSON.stringify(input)}`;
          const before = futures.get(key);
          if (before !== undefined && before !== signature(to)) violated('state determines the future', key);
          futures.set(key, signature(to));
        },
      });
    }
    expect(futures.size).toBeGreaterThan(1000);
  });
});
