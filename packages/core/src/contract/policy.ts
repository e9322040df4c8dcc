import { type DeviceRef, type RecoveryScope } from './device.js';
import { type ErrorEvent } from './event.js';
import { type Callback } from './handlers.js';
import { type RecoveryOutcome } from './outcome.js';

/** What is done with an error, and why. */
export interface Judgement {
  readonly verdict: 'ignore' | 'record' | 'recover' | 'give_up';
  /** One sentence. */
  readonly why: string;
}

/** Decides what is recovered and how long callbacks may take. Synchronous and free of I/O. */
export interface RecoveryPolicy {
  /** `scope` is worked out only when it is asked for. */
  judge(event: ErrorEvent, scope: () => RecoveryScope): Judgement;
  /** Milliseconds that a callback may take; `Infinity`: no limit. */
  deadline(device: DeviceRef, callback: Callback): number;
  /** Told of every outcome. */
  ended?(outcome: RecoveryOutcome): void;
}
