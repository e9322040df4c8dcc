import {
  createEngine,
  isPciRecoveryError,
  KernelPolicy,
  parseBdf,
  type Bdf,
  type EngineEvent,
  type ErsResult,
  type KernelPolicyOptions,
  type PciErrorHandlers,
  type RecoveryEngine,
  type RecoveryOutcome,
  type RecoveryPlatform,
  type TraceEntry,
  type Voting,
} from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { ZpciPlatform, type ZpciHappening, type ZpciNotification, type ZpciPlatformOptions } from '../src/index.js';
import { simulateZpci, type SimulatedZpci, type ZpciFact, type ZpciMachineDescription } from '../src/sim/index.js';

/** Where the functions of the test machine are, by their ids. */
export const AT = { 1: parseBdf('0001:00:00.0'), 2: parseBdf('0002:00:00.0'), 3: parseBdf('0002:00:00.1') } as const;

/** A machine with three functions, two of them on one bus. */
export function machine(change: Partial<ZpciMachineDescription> = {}): {
  clock: VirtualClock;
  hardware: SimulatedZpci;
} {
  const clock = new VirtualClock();
  const functions = Object.entries(AT).map(([fid, bdf]) => ({ fid: Number(fid), bdf, driver: 'mlx5_core' }));
  return { clock, hardware: simulateZpci({ clock, functions, ...change }) };
}

/** What a driver answers; what it does not name it has no callback for. */
export type Votes = Readonly<Partial<Record<Voting, ErsResult>>> & { readonly resume?: true };

/** A driver that looks at its device and goes on. */
export const LOOKING: Votes = {
  errorDetected: 'can_recover',
  mmioEnabled: 'recovered',
  slotReset: 'recovered',
  resume: true,
};

/** A driver that wants a reset. */
export const RESETTING: Votes = { ...LOOKING, errorDetected: 'need_reset' };

/** A driver that answers at some later time, as real ones do; `calls` gets every call. */
export function driver(bdf: string, votes: Votes, calls: string[]): PciErrorHandlers {
  const say = async <T>(what: string, vote: T): Promise<T> => {
    calls.push(what);
    await Promise.resolve();
    return vote;
  };
  const { errorDetected, mmioEnabled, slotReset, resume } = votes;
  return {
    ...(errorDetected && { errorDetected: (_, channel) => say(`errorDetected ${bdf} ${channel}`, errorDetected) }),
    ...(mmioEnabled && { mmioEnabled: () => say(`mmioEnabled ${bdf}`, mmioEnabled) }),
    ...(slotReset && { slotReset: () => say(`slotReset ${bdf}`, slotReset) }),
    ...(resume && { resume: () => say(`resume ${bdf}`, undefined) }),
  };
}

/** An engine that runs, with what it told. */
export interface Running {
  readonly clock: VirtualClock;
  readonly engine: RecoveryEngine;
  readonly outcomes: readonly RecoveryOutcome[];
  /** Everything that the engine told its observers. */
  readonly told: readonly EngineEvent[];
  /** Every callback as it was called: `errorDetected 0001:00:00.0 frozen`. */
  readonly calls: string[];
  /** Lets time pass until that many errors have come to their end. */
  readonly ended: (count: number) => Promise<readonly RecoveryOutcome[]>;
  /** Lets everything happen that needs no time. */
  readonly settled: () => Promise<void>;
}

/** Starts an engine with a platform, and drivers by address. */
export async function running(
  clock: VirtualClock,
  platform: RecoveryPlatform,
  drivers: Readonly<Record<string, Votes | PciErrorHandlers>>,
  policy: KernelPolicyOptions = {},
): Promise<Running> {
  const outcomes: RecoveryOutcome[] = [];
  const told: EngineEvent[] = [];
  const calls: string[] = [];
  const engine = createEngine({ platforms: [platform], clock, policy: new KernelPolicy(policy) });
  let wake = (): void => undefined;
  engine.observe((event) => {
    told.push(event);
    if (event.type !== 'ended') return;
    outcomes.push(event.outcome);
    wake();
  });
  for (const [bdf, given] of Object.entries(drivers)) {
    const handlers = Object.values(given).some((one) => typeof one === 'function');
    engine.attach(parseBdf(bdf), handlers ? (given as PciErrorHandlers) : driver(bdf, given as Votes, calls));
  }
  await clock.drive(engine.start());
  const reached = async (count: number): Promise<void> => {
    while (outcomes.length < count) await new Promise<void>((resolve) => void (wake = resolve));
  };
  const ended = async (count: number): Promise<readonly RecoveryOutcome[]> => {
    await clock.drive(reached(count));
    return outcomes;
  };
  const settled = async (): Promise<void> => {
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
  };
  return { clock, engine, outcomes, told, calls, ended, settled };
}

/** A host that runs on a machine. */
export interface Host extends Running {
  readonly hardware: SimulatedZpci;
  readonly platform: ZpciPlatform;
  readonly happenings: readonly ZpciHappening[];
}

export interface HostOptions {
  readonly drivers?: Readonly<Record<string, Votes | PciErrorHandlers>>;
  readonly machine?: Partial<ZpciMachineDescription>;
  readonly options?: ZpciPlatformOptions;
  readonly policy?: KernelPolicyOptions;
}

export async function host({ drivers, machine: change, options, policy }: HostOptions = {}): Promise<Host> {
  const { clock, hardware } = machine(change);
  const happenings: ZpciHappening[] = [];
  const platform: ZpciPlatform = new ZpciPlatform(hardware, clock, {
    observe: (happening) => happenings.push(happening),
    ...options,
  });
  const run = await running(clock, platform, drivers ?? { [AT[1]]: LOOKING }, policy);
  hardware.clearLog();
  return { ...run, hardware, platform, happenings };
}

/** The entries of a trace in which the platform was asked to do something. */
export const operated = ({ trace }: Pick<RecoveryOutcome, 'trace'>): string[] =>
  trace.flatMap((entry: TraceEntry) => (entry.what === 'operate' ? [entry.operation.name] : []));

/** What the witness saw of a function, without firmware's calls. */
export const seen = (hardware: SimulatedZpci, bdf: Bdf = AT[1]): string[] =>
  hardware.log
    .filter((fact) => fact.bdf === bdf && fact.kind !== 'firmware_call')
    .map((fact: ZpciFact) => (fact.kind === 'uevent' ? fact.event : fact.kind));

/** What the machine has said so far. */
export async function said(hardware: SimulatedZpci): Promise<ZpciNotification[]> {
  const closing = new AbortController();
  const all: ZpciNotification[] = [];
  const taking = (async () => {
    for await (const one of hardware.notifications(closing)) all.push(one);
  })();
  await new Promise((resolve) => setImmediate(resolve));
  closing.abort();
  await taking;
  return all;
}

/** The code of the error that a call throws; undefined when it throws none. */
export function codeOf(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    return isPciRecoveryError(error) ? error.code : String(error);
  }
}
