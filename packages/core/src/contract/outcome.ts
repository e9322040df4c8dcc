import { type DeviceRef, type RecoveryScope } from './device.js';
import { type ErrorEvent } from './event.js';
import { type RecoveryResult } from './step.js';
import { type TraceEntry } from './trace.js';

/** How one submitted error ended. A failed recovery is an outcome too: look at `result` and `usable`. */
export interface RecoveryOutcome {
  /** Counts the recoveries of one engine from 1. 0: no recovery was run for this error. */
  readonly recovery: number;
  readonly platform: string;
  readonly event: ErrorEvent;
  /** The membership at the end. */
  readonly scope: RecoveryScope;
  readonly result: RecoveryResult;
  /** One sentence. */
  readonly why: string;
  /** The functions that may be used again. Everyone else of the scope may not: fail closed. */
  readonly usable: readonly DeviceRef[];
  /** This error was counted with the recovery of that number. */
  readonly foldedInto?: number;
  /** Nanoseconds on the engine's monotonic clock. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** Every step, in order. */
  readonly trace: readonly TraceEntry[];
}
