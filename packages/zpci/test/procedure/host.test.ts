import { type EndStep, type NotifyStep, type OperateStep, type Plain, type Step } from '@pci-recovery/core';
import { explore, type Input, type Monitor } from '@pci-recovery/core/exploration';
import { zpciHostProcedure } from '../../src/index.js';
import {
  EVERY_SHAPE,
  eventOf,
  everything,
  HOST_VALUES,
  scopeOf,
  TELLING_SHAPES,
  WHOLE,
  type Failures,
  type Shape,
} from './shapes.js';

/** Names of what happened on a path so far, in order: `hot_reset=ok`, `errorDetected=need_reset`, `perm_failure`. */
type Path = readonly string[];

const violated = (rule: string, detail: unknown): never => {
  throw new Error(`${rule}: ${JSON.stringify(detail)}`);
};

const any = (path: Path, start: string): boolean => path.some((one) => one.startsWith(start));

const isMediated = (path: Path): boolean => path.includes('store_record=stored') || path.includes('store_record=full');

const ABORT = /^(errorDetected|mmioEnabled|slotReset)=(disconnect|no_aer_driver|fault|nothing (?!no_callback))/;
const DOES = /^(unblock_load_store|clear_error_state|hot_reset)=/;

/** A rule: what it says, and whether `now` breaks it after `path`. */
type Rule<S> = readonly [says: string, broken: (path: Path, now: string, step: S) => boolean];

/** The invariants of `__zpci_event_error` for what is done to the function. */
const OPERATIONS: readonly Rule<OperateStep>[] = [
  ['nothing is done after perm_failure', (path) => path.includes('perm_failure')],
  [
    'a stale handle is looked for before anything else (R2.2)',
    (path, now, step) => path.length === 0 && !now.startsWith('refresh_handle=') && step.at !== 'store_failure',
  ],
  ['a mediated recovery does nothing to the function (R2.5)', (path, now) => DOES.test(now) && isMediated(path)],
  ['nothing is done to it after an abort', (path, now) => DOES.test(now) && path.some((one) => ABORT.test(one))],
  ['nothing is done to it before its driver is told', (path, now) => DOES.test(now) && !any(path, 'errorDetected=')],
  ['nothing is done to it after the reset', (path, now) => DOES.test(now) && path.includes('hot_reset=ok')],
  ['one reset per error', (path, now) => now.startsWith('hot_reset=') && any(path, 'hot_reset=')],
  [
    'DMA is never unblocked before MMIO (R2.6)',
    (path, now) => now.startsWith('clear_error_state=') && !path.includes('unblock_load_store=ok'),
  ],
  [
    'DMA is unblocked only after the driver looked',
    (path, now) => now.startsWith('clear_error_state=') && !any(path, 'mmioEnabled='),
  ],
  [
    'failure is told to user space once, and only after a reset or a last look',
    (path, now) =>
      now.startsWith('report_failed=') &&
      (any(path, 'report_failed=') || !(any(path, 'hot_reset=') || path.includes('clear_error_state=ok'))),
  ],
];

/** The same for what the driver is told. */
const NOTIFICATIONS: readonly Rule<NotifyStep>[] = [
  ['nothing is told after perm_failure', (path) => path.includes('perm_failure')],
  ['nothing is told after resume', (path) => any(path, 'resume=')],
  [
    'perm_failure is told right after the record was kept',
    (path, now) => now === 'perm_failure' && !path.at(-1)?.startsWith('store_record='),
  ],
  [
    'a mediated recovery tells error_detected only (R2.5)',
    (path, now) => isMediated(path) && !/^(errorDetected=|perm_failure)/.test(now),
  ],
  [
    'mmio_enabled comes right after register access works',
    (path, now) => now.startsWith('mmioEnabled=') && path.at(-1) !== 'unblock_load_store=ok',
  ],
  [
    'slot_reset comes right after the reset',
    (path, now) => now.startsWith('slotReset=') && path.at(-1) !== 'hot_reset=ok',
  ],
  [
    'resume only when DMA works again',
    (path, now) =>
      now.startsWith('resume=') && !path.includes('clear_error_state=ok') && !path.includes('hot_reset=ok'),
  ],
  ['resume cannot be stopped', (_, now, step) => now.startsWith('resume=') && step.stopped !== undefined],
  [
    'the channel is frozen until DMA works',
    (_, now, step) =>
      now !== 'perm_failure' && step.channel !== (/^(errorDetected|mmioEnabled)=/.test(now) ? 'frozen' : 'normal'),
  ],
];

const hasFailed = (path: Path): boolean => path.includes('perm_failure');
const hasResumed = (path: Path): boolean => any(path, 'resume=') && !path.includes('resume=fault');

/** And for how it ends: `now` is the result. */
const ENDS: readonly Rule<EndStep>[] = [
  ['recovered only after resume', (path, now) => now === 'recovered' && !hasResumed(path)],
  ['who recovered is usable', (_, now, step) => now === 'recovered' && step.usable.length !== 1],
  ['the host does not recover what is held', (path, now) => now === 'recovered' && isMediated(path)],
  ['nothing of a failed scope is usable', (_, now, step) => now === 'disconnected' && step.usable.length > 0],
  ['a failure is told', (path, now) => now === 'disconnected' && !hasFailed(path) && !path.includes('resume=fault')],
  ['perm_failure is final', (path, now) => hasFailed(path) && now !== 'disconnected'],
  ['a dropped event does nothing', (path, now) => now === 'ignored' && path.length > 1],
  [
    'handed over right after error_detected, when somebody holds it',
    (path, now) => now === 'handed_over' && (!isMediated(path) || path.length !== 3 || !any(path, 'errorDetected=')),
  ],
  ['who was handed over is not usable yet', (_, now, step) => now === 'handed_over' && step.usable.length > 0],
];

function check<S>(rules: readonly Rule<S>[], path: Path, now: string, step: S): void {
  for (const [says, broken] of rules) if (broken(path, now, step)) violated(says, [...path, now]);
}

const resultOf = (input: Input): string => {
  if (input.kind !== 'result') return 'stopped';
  if (!input.result.ok) return 'failed';
  return typeof input.result.value === 'string' && input.result.value !== '' ? input.result.value : 'ok';
};

const answerOf = (input: Input): string => {
  if (input.kind !== 'answers') return 'stopped';
  const [answer] = input.answers;
  if (answer === undefined) return 'nobody';
  if (answer.gave === 'vote') return answer.vote;
  return answer.gave === 'nothing' ? `nothing ${answer.why}` : answer.gave;
};

function after(path: Path, step: NotifyStep | OperateStep, input: Input): Path {
  if (step.do === 'operate') {
    const now = `${step.operation.name}=${resultOf(input)}`;
    check(OPERATIONS, path, now, step);
    return [...path, now];
  }
  const now = step.channel === 'perm_failure' ? 'perm_failure' : `${step.callback}=${answerOf(input)}`;
  check(NOTIFICATIONS, path, now, step);
  return [...path, now];
}

const LAW: Monitor<Path> = { initial: [], after, end: (path, step) => check(ENDS, path, step.result, step) };

const PECS = [0x04, 0x2a, 0x3b, 0x40];
const VERDICTS = ['recover', 'give_up'] as const;

const exploreShape = (
  shape: Shape | undefined,
  memoise = true,
  failures: Failures = 'all',
): ReturnType<typeof explore>[] =>
  PECS.flatMap((pec) =>
    VERDICTS.map((verdict) => {
      const scope = scopeOf(shape);
      const first = zpciHostProcedure.begin({ event: eventOf(pec), scope, verdict });
      return explore(first, { alphabet: everything(scope, HOST_VALUES, failures), monitor: LAW, memoise });
    }),
  );

describe('zpci_event_attempt_error_recovery keeps its law at every state', () => {
  it.each(EVERY_SHAPE.map((shape) => [JSON.stringify(shape), shape] as const))(
    'for %s: every answer, every result, every stop',
    (_, shape) => void exploreShape(shape),
  );

  it('for an event whose function has left', () => {
    const ends = exploreShape(undefined).flatMap((one) => [...one.ends]);
    expect(ends.some((end) => end === 'ignored: There is no PCI function for it.')).toBe(true);
  });

  it('and the memoised walk goes through the very same ends as the whole tree', () => {
    for (const shape of TELLING_SHAPES) {
      const ends = (memoise: boolean): string[][] =>
        exploreShape(shape, memoise, 'one').map((one) => [...one.ends].sort());
      expect(ends(true)).toEqual(ends(false));
    }
  });
});

describe('state determines the future', () => {
  it('so that equal places with equal states answer alike', () => {
    const futures = new Map<string, string>();
    const signature = (step: Step): string =>
      JSON.stringify([step.at, step.state, step.do === 'end' ? step.result : '']);
    for (const pec of PECS) {
      const scope = scopeOf(WHOLE);
      explore(zpciHostProcedure.begin({ event: eventOf(pec), scope, verdict: 'recover' }), {
        alphabet: everything(scope, HOST_VALUES, 'one'),
        memoise: false,
        monitor: { initial: null as Plain, after: () => null, end: () => undefined },
        edge: (from, input, to) => {
          const key = `${pec} ${signature(from)} ${JSON.stringify(input)}`;
          const before = futures.get(key);
          if (before !== undefined && before !== signature(to)) violated('state determines the future', key);
          futures.set(key, signature(to));
        },
      });
    }
    expect(futures.size).toBeGreaterThan(100);
  });
});
