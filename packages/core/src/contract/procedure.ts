import { type RecoveryScope } from './device.js';
import { type ErrorEvent } from './event.js';
import { type Step } from './step.js';

/** What a recovery starts from. `give_up`: policy (or an abort) wants the platform's own failure path at once. */
export interface RecoveryInput {
  readonly event: ErrorEvent;
  readonly scope: RecoveryScope;
  readonly verdict: 'recover' | 'give_up';
}

/** How the scope of a new error lies to the scope of the recovery that it meets. */
export type Extent = 'same' | 'inside' | 'wider' | 'crossing' | 'disjoint';

/**
 * What becomes of an error that meets a running recovery: it is counted with it (`fold`), waits for its turn (`queue`),
 * or waits and, when its turn comes, takes with it every queued error that lies inside its scope (`queue_and_purge`).
 */
export type Arrival = 'fold' | 'queue' | 'queue_and_purge';

/** The recovery that a new error meets. */
export interface RunningRecovery {
  readonly recovery: number;
  readonly event: ErrorEvent;
  readonly scope: RecoveryScope;
}

/**
 * A platform's law as pure functions: nothing here awaits, reads a clock or touches a device, so it can be explored
 * exhaustively, drawn, and compared with the kernel's truth tables.
 */
export interface RecoveryProcedure {
  begin(input: RecoveryInput): Step;
  /** Recoveries of one lane run one at a time, also when their scopes are disjoint. */
  lane(event: ErrorEvent, scope: RecoveryScope): string;
  /** The order in which a lane's waiting errors get their turn. */
  readonly order: 'fifo' | 'lifo';
  /** The law for an error that meets a running recovery of its lane or of an overlapping scope. `at`: its step. */
  arrival(running: RunningRecovery, at: string, event: ErrorEvent, extent: Extent): Arrival;
}
