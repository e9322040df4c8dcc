import {
  KernelPolicy,
  createEngine,
  isPciRecoveryError,
  type Clock,
  type EngineEvent,
  type OperationResult,
  type PciErrorHandlers,
  type PerformContext,
  type RecoveryOutcome,
  type RecoveryScope,
} from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { type Act, type Deed, type World } from './random-world.js';
import { address, errorAt, linear, member, scripted } from './scripted-platform.js';

/** What was seen of a run. */
export interface Seen {
  readonly outcomes: readonly RecoveryOutcome[];
  readonly events: readonly EngineEvent[];
  /** What must never be, as it was found. */
  readonly violations: readonly string[];
  /** Timers of the engine that nobody disposed of. */
  readonly timersLeft: number;
}

/** A clock that knows which of its timers are still set. */
function counting(clock: VirtualClock): Clock & { readonly left: Set<object> } {
  const left = new Set<object>();
  return {
    left,
    monotonic: () => clock.monotonic(),
    wall: () => clock.wall(),
    after(delay, then) {
      const key = {};
      left.add(key);
      const timer = clock.after(delay, () => (left.delete(key), then()));
      return { [Symbol.dispose]: () => (left.delete(key), timer[Symbol.dispose]()) };
    },
  };
}

/** Who holds which function, by what the platform and exclusive work see: a second holder is a violation. */
class Holders {
  readonly violations: string[] = [];
  readonly #holders = new Map<string, string>();

  take(who: string, { members }: RecoveryScope): void {
    for (const { bdf } of members) {
      const holder = this.#holders.get(bdf);
      if (holder !== undefined && holder !== who) this.violations.push(`${who} and ${holder} hold ${bdf}`);
      this.#holders.set(bdf, who);
    }
  }

  give(who: string): void {
    for (const [bdf, holder] of this.#holders) if (holder === who) this.#holders.delete(bdf);
  }
}

const numberOf = (bdf: string): number => Number.parseInt(bdf.slice(5, 7), 16);

/** Answers one after the other, and begins again. */
const cycle = <T>(all: readonly T[]): (() => T) => {
  let next = 0;
  return () => all[next++ % all.length]!;
};

/** The platform of a world. `changing` counts the changes of a recovery that have not come to their end. */
function platformOf(world: World, clock: VirtualClock, holders: Holders, changing: Map<number, number>) {
  const generations = new Map<string, number>();
  const scopeFor = (n: number): RecoveryScope => {
    const numbers = [1, 2, 3, 4, 5, 6].filter(
      (m) => m <= world.functions && (m === n || world.scopes[n - 1]! & (1 << (m - 1))),
    );
    const members = numbers.map((m) => member(m, { generation: generations.get(address(m)) ?? 0 }));
    return { id: `scope of ${numbers.join()}`, members, capabilities: {} };
  };
  const replugged = (scope: RecoveryScope, keep: number): RecoveryScope => {
    const members = scope.members.slice(0, keep).map((one) => ({ ...one, generation: one.generation + 1 }));
    for (const { bdf, generation } of members) generations.set(bdf, generation);
    return { ...scope, members };
  };
  const deeds: Record<string, (deed: Deed, context: PerformContext, nature: string) => unknown> = {
    ok: () => ({ ok: true }),
    slow: ({ ms }) => new Promise((resolve) => clock.after(ms, () => resolve({ ok: true }))),
    heeds: ({ ms }, { signal }) =>
      new Promise((resolve, reject) => {
        clock.after(ms, () => resolve({ ok: true }));
        signal.addEventListener('abort', () => reject(new Error('aborted')));
      }),
    fail: () => Promise.resolve({ ok: false, why: 'timeout' }),
    throw: () => {
      throw new Error('deed');
    },
    reject: () => Promise.reject(new Error('deed')),
    nonsense: () => 'nonsense',
    replug: (_, { scope }) => ({ ok: true, scope: replugged(scope, scope.members.length) }),
    unplug: (_, { scope }) => Promise.resolve({ ok: true, scope: replugged(scope, 1) }),
    never: (deed, context, nature) =>
      nature === 'wait' && world.end.how === 'abort' ? new Promise(() => {}) : deeds['slow']!(deed, context, nature),
  };
  // A wait that never ends by itself has to be one that can be stopped.
  const patient = world.deeds.every(({ kind }) => kind !== 'never');
  const stages = world.stages.map((one) => ('wait' in one && !patient ? { ...one, stoppable: true } : one));
  const nextDeed = cycle(world.deeds);
  const platform = scripted({
    lane: (event) => `${world.lanes[numberOf(event.device.bdf) - 1]}`,
    order: world.order,
    arrival: (_, __, ___, extent) => world.law[extent],
    scopeOf: (event) => scopeFor(numberOf(event.device.bdf)),
    begin: (input) => {
      holders.take(`error ${input.event.sequence}`, input.scope);
      return world.lenient ? linear(stages, input, () => false) : linear(stages, input);
    },
    perform: ({ nature }, context) => {
      const deed = nextDeed();
      const given = deeds[deed.kind]!(deed, context, nature) as OperationResult | Promise<OperationResult>;
      if (!(given instanceof Promise) || nature === 'wait') return given;
      const add = (by: number): void => void changing.set(context.recovery, (changing.get(context.recovery) ?? 0) + by);
      add(1);
      return given.finally(() => add(-1));
    },
  });
  return { platform, scopeFor };
}

/** Runs a world to its end. */
export async function live(world: World): Promise<Seen> {
  const clock = new VirtualClock();
  const engineClock = counting(clock);
  const holders = new Holders();
  const { violations } = holders;
  const events: EngineEvent[] = [];
  const changing = new Map<number, number>();
  const { platform, scopeFor } = platformOf(world, clock, holders, changing);
  const note = (event: EngineEvent): void => {
    events.push(event);
    if (event.type !== 'trace' || event.entry.what !== 'end') return;
    holders.give(`error ${event.event.sequence}`);
    if (changing.get(event.recovery)) violations.push(`recovery ${event.recovery} ended within a change`);
  };
  const engine = createEngine({
    platforms: [platform],
    policy: new KernelPolicy({ deadlineMs: 30 }),
    clock: engineClock,
    mostQueued: world.mostQueued,
    observers: [note],
  });

  const submitted: Promise<RecoveryOutcome | undefined>[] = [];
  const onlyClosed = (error: unknown): undefined => {
    if (isPciRecoveryError(error) && error.code === 'ERR_PCI_ENGINE_CLOSED') return;
    violations.push(`rejected: ${String(error)}`);
  };
  const submit = (n: number, correctable = false, signal?: AbortSignal): void => {
    const event = errorAt(n, { severity: correctable ? 'correctable' : 'fatal', monotonic: clock.monotonic() });
    submitted.push(engine.submit(event, signal ? { signal } : {}).catch(onlyClosed));
  };

  const attached = new Map<number, Disposable>();
  const detach = (n: number): void => {
    attached.get(n)?.[Symbol.dispose]();
    attached.delete(n);
  };
  const nextBehaviour = cycle(world.behaviours);
  // Handlers that submit would go on for ever otherwise.
  let more = 4;
  const call = (n: number): unknown => {
    const { kind, vote, ms } = nextBehaviour();
    const behaviours: Record<string, () => unknown> = {
      vote: () => vote,
      promise: () => Promise.resolve(vote),
      slow: () => new Promise((resolve) => clock.after(ms, () => resolve(vote))),
      throw: () => {
        throw new Error('handler');
      },
      reject: () => Promise.reject(new Error('handler')),
      hang: () => ({ then: () => {} }),
      nonsense: () => 42,
      detach: () => (detach(n), vote),
      submit: () => (more-- > 0 && submit(n), vote),
    };
    return behaviours[kind]!();
  };
  const attach = (n: number): void => {
    if (attached.has(n)) return;
    const one = (): never => call(n) as never;
    const handlers: Required<PciErrorHandlers> = {
      ...{ errorDetected: one, mmioEnabled: one, slotReset: one },
      ...{ resetPrepare: one, resetDone: one, resume: one, corErrorDetected: one },
    };
    attached.set(n, engine.attach(address(n), handlers));
  };
  for (let n = 1; n <= world.functions; n++) if (n % 3 !== 0) attach(n);

  const inWorld = (n: number): number => ((n - 1) % world.functions) + 1;
  const does: { [D in Act['do']]: (one: Extract<Act, { do: D }>) => void } = {
    submit: ({ fn, abortAfter, correctable }) => {
      const stop = new AbortController();
      if (abortAfter !== null) clock.after(abortAfter, () => stop.abort('caller'));
      submit(inWorld(fn), correctable, stop.signal);
    },
    attach: ({ fn }) => attach(inWorld(fn)),
    detach: ({ fn }) => detach(inWorld(fn)),
    exclusive: ({ fn, for: time }) => {
      const scope = scopeFor(inWorld(fn));
      const who = `work ${submitted.length}`;
      const work = async (): Promise<undefined> => {
        holders.take(who, scope);
        await new Promise<void>((resolve) => void clock.after(time, resolve));
        holders.give(who);
      };
      submitted.push(engine.exclusive(scope, work));
    },
  };
  let closed = false;
  for (const one of world.acts) clock.after(one.ms, () => closed || does[one.do](one as never));
  const end = new Promise<void>((resolve) => void clock.after(world.end.ms, resolve)).then(() => {
    closed = true;
    return world.end.how === 'close' ? engine.close() : engine.abort('the end');
  });
  await clock.drive(end);
  const outcomes = (await clock.drive(Promise.all(submitted))).filter((outcome) => outcome !== undefined);
  return { outcomes, events, violations, timersLeft: engineClock.left.size };
}
