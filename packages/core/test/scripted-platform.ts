import {
  createEngine,
  formatBdf,
  refOf,
  type Answer,
  type Bdf,
  type DeviceRef,
  type EndStep,
  type EngineEvent,
  type ErrorEvent,
  type Member,
  type OperationResult,
  type RecoveryEngine,
  type RecoveryInput,
  type RecoveryPlatform,
  type RecoveryProcedure,
  type RecoveryScope,
  type Step,
  type TraceEntry,
  type Voting,
  type Telling,
  type ChannelState,
} from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';

/** A function's address by a small number. */
export const address = (n: number): Bdf => formatBdf({ domain: 0, bus: n, device: 0, function: 0 });

export const ref = (n: number, generation = 0): DeviceRef => ({ bdf: address(n), generation });

export const member = (n: number, more: Partial<Member> = {}): Member => ({
  ...ref(n),
  bridge: false,
  channel: 'normal',
  driver: false,
  handles: new Set(),
  ...more,
});

export const scopeOf = (...functions: number[]): RecoveryScope => ({
  id: `scope ${functions.join('+')}`,
  members: functions.map((n) => member(n)),
  capabilities: {},
});

let sequence = 0;

/** An error that function `n` detected; every one has its own sequence number. */
export const errorAt = (n: number, more: Partial<ErrorEvent> = {}): ErrorEvent => ({
  platform: 'scripted',
  sequence: sequence++,
  monotonic: 0,
  wall: 0,
  severity: 'fatal',
  device: ref(n),
  record: {},
  ...more,
});

/** One stage of a scripted procedure. `stoppable`: it has `stopped()`. */
export type Stage =
  | { readonly notify: Voting | Telling; readonly channel?: ChannelState; readonly stoppable?: boolean }
  | { readonly wait: string; readonly stoppable?: boolean }
  | { readonly change: string; readonly stoppable?: boolean };

const endOf = (at: string, result: EndStep['result'], why: string, usable: readonly DeviceRef[]): EndStep => ({
  do: 'end',
  at,
  state: why,
  result,
  why,
  usable,
});

/** The failure path: everybody is told, nobody is usable. It cannot be stopped. */
export const failurePath = (members: readonly DeviceRef[], why: string): Step => ({
  do: 'notify',
  at: 'failed',
  state: why,
  callback: 'errorDetected',
  channel: 'perm_failure',
  to: members.map(refOf),
  then: () => endOf('end_failed', 'disconnected', why, []),
});

const isBad = (answer: Answer): boolean =>
  answer.gave === 'fault' || (answer.gave === 'vote' && answer.vote === 'disconnect');

/** One stage after the other; a bad answer or a failed operation leads to the failure path. `bad`: which answers are. */
export function linear(stages: readonly Stage[], { scope, verdict }: RecoveryInput, bad = isBad): Step {
  const go = (index: number, members: readonly DeviceRef[]): Step => {
    const stage = stages[index];
    if (!stage) return endOf('end', 'recovered', 'All stages were gone through.', members);
    const base = {
      at: `${index}`,
      state: index,
      ...(stage.stoppable && { stopped: () => failurePath(members, 'stopped') }),
    };
    if ('notify' in stage) {
      const { notify: callback, channel = 'frozen' } = stage;
      const then = (answers: readonly Answer[]): Step =>
        answers.some(bad) ? failurePath(members, 'a bad answer') : go(index + 1, members);
      return { ...base, do: 'notify', callback, channel, to: members.map(refOf), then };
    }
    const operation =
      'wait' in stage
        ? ({ name: stage.wait, nature: 'wait' } as const)
        : ({ name: stage.change, nature: 'change' } as const);
    const then = (result: OperationResult): Step =>
      result.ok
        ? go(index + 1, result.scope?.members.map(refOf) ?? members)
        : failurePath(members, `${operation.name} ${result.why}`);
    return { ...base, do: 'operate', operation, then };
  };
  return verdict === 'give_up' ? failurePath(scope.members, 'given up') : go(0, scope.members);
}

/** What can be scripted; everything has a default that works. */
export interface Script extends Partial<Omit<RecoveryPlatform, 'procedure'>>, Partial<RecoveryProcedure> {
  readonly stages?: readonly Stage[];
}

/** By default: errorDetected, a stoppable change `reset`, slotReset, resume; one lane for each scope; errors queue. */
export const STAGES: readonly Stage[] = [
  { notify: 'errorDetected', stoppable: true },
  { change: 'reset', stoppable: true },
  { notify: 'slotReset', channel: 'normal', stoppable: true },
  { notify: 'resume', channel: 'normal' },
];

/** A platform that does what a script says. */
export function scripted({ stages = STAGES, begin, lane, order, arrival, ...platform }: Script = {}): RecoveryPlatform {
  return {
    name: 'scripted',
    capabilities: {},
    procedure: {
      begin: begin ?? ((input) => linear(stages, input)),
      lane: lane ?? ((_, scope) => scope.id),
      order: order ?? 'fifo',
      arrival: arrival ?? (() => 'queue'),
    },
    events: async function* ({ signal }) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    },
    survey: () => Promise.resolve([]),
    scopeOf: (event) => ({ ...scopeOf(), id: event.device.bdf, members: [{ ...member(0), ...event.device }] }),
    perform: () => ({ ok: true }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
    ...platform,
  };
}

/** An engine over scripted platforms, with time under control and everything that it reports. */
export interface Bench {
  readonly clock: VirtualClock;
  readonly engine: RecoveryEngine;
  readonly platform: RecoveryPlatform;
  readonly seen: EngineEvent[];
  /** Submits and lets time pass until there is an outcome. */
  recover(event: ErrorEvent): ReturnType<RecoveryEngine['submit']>;
}

export function bench(
  script: Script = {},
  options: Partial<Parameters<typeof createEngine>[0]> & { readonly observe?: (event: EngineEvent) => void } = {},
): Bench {
  const clock = new VirtualClock();
  const platform = scripted(script);
  const seen: EngineEvent[] = [];
  const { observe = () => {}, ...settings } = options;
  const engine = createEngine({
    platforms: [platform],
    clock,
    observers: [(event) => void seen.push(event), observe],
    ...settings,
  });
  return { clock, engine, platform, seen, recover: (event) => clock.drive(engine.submit(event)) };
}

/** A promise and its settling. */
export function gate<T = OperationResult>(): { readonly promise: Promise<T>; open(value: T): void } {
  let open!: (value: T) => void;
  const promise = new Promise<T>((resolve) => (open = resolve));
  return { promise, open };
}

/** Everything that can happen without time passing has happened. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A trace as words: `call errorDetected 0000:01:00.0`, `answer vote`, `operated reset ok`, … */
export function words(trace: readonly TraceEntry[]): string[] {
  return trace.map((entry) => {
    if (entry.what === 'call') return `call ${entry.callback}`;
    if (entry.what === 'answer') {
      const { answer } = entry;
      return `answer ${answer.gave === 'vote' ? answer.vote : 'why' in answer ? `${answer.gave} ${answer.why}` : answer.gave}`;
    }
    if (entry.what === 'operate') return `operate ${entry.operation.name}`;
    if (entry.what === 'operated')
      return `operated ${entry.operation.name} ${entry.result.ok ? 'ok' : entry.result.why}`;
    if (entry.what === 'arrival') return `arrival ${entry.extent} ${entry.arrival}`;
    if (entry.what === 'end') return `end ${entry.result}`;
    return entry.what;
  });
}

/** The troubles that an engine reported. */
export const troubles = (seen: readonly EngineEvent[]): string[] =>
  seen.flatMap((event) => (event.type === 'trouble' ? [event.where] : []));
