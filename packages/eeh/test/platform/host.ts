import {
  createEngine,
  KernelPolicy,
  parseBdf,
  type EngineEvent,
  type ErsResult,
  type KernelPolicyOptions,
  type PciErrorHandlers,
  type RecoveryEngine,
  type RecoveryOutcome,
  type Voting,
} from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { EehPlatform, type EehLog, type EehPlatformOptions } from '../../src/index.js';
import {
  simulateEeh,
  type EehFact,
  type EehMachineDescription,
  type SimulatedEehHardware,
} from '../../src/sim/index.js';

/** A simulated machine and the platform on it, with time under control. Reads of all ones are looked into. */
export interface Host {
  readonly clock: VirtualClock;
  readonly hardware: SimulatedEehHardware;
  readonly platform: EehPlatform;
  readonly logs: readonly EehLog[];
}

export type Machine = Omit<EehMachineDescription, 'clock'>;

export const FLAVOURS = ['opal', 'rtas'] as const;

/** One root port, below it a card with two functions. */
export const CARD: Machine = {
  hostBridges: [
    {
      phb: 0,
      below: [
        {
          kind: 'root_port',
          bdf: '00:00.0',
          below: [
            { kind: 'endpoint', bdf: '01:00.0', driver: 'nvme' },
            { kind: 'endpoint', bdf: '01:00.1', driver: 'nvme' },
          ],
        },
      ],
    },
  ],
};

export const A = parseBdf('0000:01:00.0');
export const B = parseBdf('0000:01:00.1');

export function host(machine: Machine, options: EehPlatformOptions = {}): Host {
  const clock = new VirtualClock();
  const hardware = simulateEeh({ clock, ...machine });
  const logs: EehLog[] = [];
  const platform = new EehPlatform(hardware, clock, { logged: (log) => void logs.push(log), ...options });
  hardware.onAllOnes((bdf) => void platform.checkFailure(bdf));
  return { clock, hardware, platform, logs };
}

/** The facts of some kinds. */
export const factsOf = <K extends EehFact['kind']>(
  hardware: SimulatedEehHardware,
  ...kinds: K[]
): (EehFact & { readonly kind: K })[] =>
  hardware.log.filter((fact): fact is EehFact & { readonly kind: K } => (kinds as string[]).includes(fact.kind));

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
  /** A driver reads: that is how a freeze is found. */
  read(bdf: string): void;
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

/** A driver that wants a reset, and one that looks first. */
export const NEEDY: Votes = {
  errorDetected: 'need_reset',
  mmioEnabled: 'recovered',
  slotReset: 'recovered',
  resume: true,
};
export const LOOKING: Votes = { ...NEEDY, errorDetected: 'can_recover' };

/** Starts an engine on a host, with drivers by address. */
export async function running(
  on: Host,
  drivers: Readonly<Record<string, Votes | PciErrorHandlers>>,
  policy: KernelPolicyOptions = {},
): Promise<Running> {
  const outcomes: RecoveryOutcome[] = [];
  const told: EngineEvent[] = [];
  const calls: string[] = [];
  const { clock, platform, hardware } = on;
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
  return { ...on, engine, outcomes, told, calls, ended, read: (bdf) => void hardware.readMemory(bdf, 0) };
}

/** The places of the procedure that a recovery went through. */
export const placesOf = ({ trace }: Pick<RecoveryOutcome, 'trace'>): string[] => [
  ...new Set(trace.flatMap((entry) => (entry.what === 'operate' || entry.what === 'call' ? [entry.at] : []))),
];

/** The operations that failed, with their reasons. */
export const failuresOf = ({ trace }: Pick<RecoveryOutcome, 'trace'>): string[] =>
  trace.flatMap((entry) =>
    entry.what === 'operated' && !entry.result.ok ? [`${entry.operation.name}: ${entry.result.why}`] : [],
  );
