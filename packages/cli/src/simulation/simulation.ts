import { type Clock, type EngineEvent, type ErrorEvent, type RecoveryOutcome } from '@pci-recovery/core';

/** A fault that can be simulated. */
export interface SimulatedFault {
  readonly name: string;
  /** One sentence. */
  readonly title: string;
  /** How it is meant to end. */
  readonly ends: RecoveryOutcome['result'];
}

/** What a simulation needs from the command. */
export interface SimulationRun {
  readonly observe: (event: EngineEvent) => void;
}

/** How a simulation ended. */
export interface SimulationEnd {
  /** One per error, in the order in which they ended. */
  readonly outcomes: readonly RecoveryOutcome[];
  /** Virtual time. */
  readonly clock: Clock;
}

/** A platform on simulated hardware, as the command shows it. */
export interface Simulation {
  readonly platform: string;
  readonly faults: readonly SimulatedFault[];
  readonly defaultFault: string;
  /** What a record says, in a word or two. */
  describe(event: ErrorEvent): string;
  /** Lets one of `faults` happen on a new machine, and waits for its end. */
  run(fault: string, run: SimulationRun): Promise<SimulationEnd>;
}
