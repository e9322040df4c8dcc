import {
  createEngine,
  KernelPolicy,
  parseBdf,
  PciRecoveryError,
  type Bdf,
  type EngineEvent,
  type ErsResult,
  type KernelPolicyOptions,
  type OperationResult,
  type PciErrorHandlers,
  type RecoveryEngine,
  type RecoveryOutcome,
  type TraceEntry,
  type Voting,
} from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { type AER, CAPABILITY_ID, EXTENDED_CAPABILITY_ID, type PCIE } from '@pci-recovery/pci';
import { AerPlatform, type AerHostPort, type AerPlatformOptions } from '../../src/index.js';
import { findCapability, findExtendedCapability } from '../../src/platform/registers.js';
import { simulate, type BusFact, type MachineDescription, type SimulatedHardware } from '../../src/sim/index.js';

/** A simulated machine and the platform on it, with time under control. */
export interface Host {
  readonly clock: VirtualClock;
  readonly hardware: SimulatedHardware;
  readonly platform: AerPlatform;
}

export type Machine = Omit<MachineDescription, 'clock'>;

/** `port`: what the platform sees of the hardware; default: all of it. */
export function host(
  machine: Machine,
  options: AerPlatformOptions & { readonly port?: (hardware: SimulatedHardware) => AerHostPort } = {},
): Host {
  const clock = new VirtualClock();
  const hardware = simulate({ clock, ...machine });
  return { clock, hardware, platform: new AerPlatform(options.port?.(hardware) ?? hardware, clock, options) };
}

/** Hardware of which software sees something else. */
export const altered = (hardware: SimulatedHardware, changes: Partial<AerHostPort>): AerHostPort => ({
  get topology() {
    return changes.topology ?? hardware.topology;
  },
  nativeAer: hardware.nativeAer,
  generationOf: (bdf) => hardware.generationOf(bdf),
  readConfig: (bdf, offset, width) => hardware.readConfig(bdf, offset, width),
  writeConfig: (bdf, offset, width, value) => hardware.writeConfig(bdf, offset, width, value),
  interrupts: (stoppable) => hardware.interrupts(stoppable),
  ...changes,
});

type AerRegister = (typeof AER)[keyof typeof AER];
type PcieRegister = (typeof PCIE)[keyof typeof PCIE];

export const aerOf = (hardware: AerHostPort, bdf: Bdf): number =>
  findExtendedCapability(hardware, bdf, EXTENDED_CAPABILITY_ID.AER);
export const pcieOf = (hardware: AerHostPort, bdf: Bdf): number => findCapability(hardware, bdf, CAPABILITY_ID.PCIE);
export const readAer = (hardware: AerHostPort, bdf: Bdf, register: AerRegister): number =>
  hardware.readConfig(bdf, aerOf(hardware, bdf) + register, 4);
export const writeAer = (hardware: AerHostPort, bdf: Bdf, register: AerRegister, value: number): void =>
  hardware.writeConfig(bdf, aerOf(hardware, bdf) + register, 4, value);
export const readPcie = (hardware: AerHostPort, bdf: Bdf, register: PcieRegister): number =>
  hardware.readConfig(bdf, pcieOf(hardware, bdf) + register, 2);
export const writePcie = (hardware: AerHostPort, bdf: Bdf, register: PcieRegister, value: number): void =>
  hardware.writeConfig(bdf, pcieOf(hardware, bdf) + register, 2, value);

/** The facts of some kinds. */
export const factsOf = <K extends BusFact['kind']>(
  hardware: SimulatedHardware,
  ...kinds: K[]
): (BusFact & { readonly kind: K })[] =>
  hardware.log.filter((fact): fact is BusFact & { readonly kind: K } => (kinds as string[]).includes(fact.kind));

/** Resets what an error of `bdf` concerns; how that ended, and how many milliseconds it took. */
export async function reset({ clock, platform }: Host, bdf: Bdf): Promise<[OperationResult, ms: number]> {
  const begin = clock.monotonic();
  const operation = { name: 'reset_subordinates', nature: 'change', device: bdf } as const;
  const result = await clock.drive(Promise.resolve(platform.perform(operation)));
  return [result, (clock.monotonic() - begin) / 1e6];
}

/** A host whose engine runs. */
export interface Running extends Host {
  readonly engine: RecoveryEngine;
  readonly outcomes: readonly RecoveryOutcome[];
  /** Everything that the engine told its observers. */
  readonly told: readonly EngineEvent[];
  /** Every callback as it was called: `errorDetected 0000:01:00.0 frozen`. */
  readonly calls: readonly string[];
  /** Lets time pass until that many errors have come to their end. */
  ended(count: number): Promise<readonly RecoveryOutcome[]>;
}

/** What a driver answers; what it does not name it has no callback for. */
export type Votes = Readonly<Partial<Record<Voting, ErsResult>>> & { readonly resume?: true };

/** A driver that answers at some later time, as real ones do. */
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

export const WORKING: Votes = {
  errorDetected: 'need_reset',
  mmioEnabled: 'recovered',
  slotReset: 'recovered',
  resume: true,
};

/** Starts an engine on a host, with drivers by address. */
export async function running(
  on: Host,
  drivers: Readonly<Record<string, Votes | PciErrorHandlers>>,
  policy: KernelPolicyOptions = {},
): Promise<Running> {
  const outcomes: RecoveryOutcome[] = [];
  const told: EngineEvent[] = [];
  const calls: string[] = [];
  const { clock, platform } = on;
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
  return { ...on, engine, outcomes, told, calls, ended };
}

/** The entries of a trace in which the platform was asked to do something. */
export const operated = ({ trace }: Pick<RecoveryOutcome, 'trace'>): string[] =>
  trace.flatMap((entry: TraceEntry) => (entry.what === 'operate' ? [entry.operation.name] : []));

/** The error that a call throws. */
export function refusalOf(call: () => unknown): PciRecoveryError {
  try {
    call();
  } catch (error) {
    if (error instanceof PciRecoveryError) return error;
    throw error;
  }
  throw new Error('Nothing was thrown.');
}
