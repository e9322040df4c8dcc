import { type ChannelState, type DeviceRef } from './device.js';
import { type Telling, type Voting } from './handlers.js';
import { type Arrival, type Extent } from './procedure.js';
import { type Answer, type Operation, type OperationResult, type RecoveryResult } from './step.js';

/** What happened at one moment of a recovery. */
export type TraceHappening =
  | /** `why`: the policy's reason, or that of whoever gave it up. */
    { readonly what: 'begin'; readonly verdict: 'recover' | 'give_up'; readonly why: string }
  | {
      readonly what: 'call';
      readonly callback: Voting | Telling;
      readonly device: DeviceRef;
      readonly channel: ChannelState;
    }
  | { readonly what: 'answer'; readonly callback: Voting | Telling; readonly answer: Answer }
  | { readonly what: 'late_answer'; readonly callback: Voting | Telling; readonly device: DeviceRef }
  | { readonly what: 'operate'; readonly operation: Operation }
  | { readonly what: 'operated'; readonly operation: Operation; readonly result: OperationResult }
  | { readonly what: 'arrival'; readonly sequence: number; readonly extent: Extent; readonly arrival: Arrival }
  | { readonly what: 'stopped'; readonly reason: string }
  | {
      readonly what: 'end';
      readonly result: RecoveryResult;
      readonly why: string;
      readonly usable: readonly DeviceRef[];
    };

/** One line of a trace: when (nanoseconds, the engine's monotonic clock), where in the procedure, what. */
export type TraceEntry = { readonly time: number; readonly at: string } & TraceHappening;
