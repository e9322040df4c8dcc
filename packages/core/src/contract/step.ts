import { type Plain } from '../plain.js';
import { type ChannelState, type DeviceRef, type RecoveryScope } from './device.js';
import { type ErsResult, type Telling, type Voting } from './handlers.js';

/**
 * Something that only the platform can do (thaw, reset, collect a log …). The set is open: the core runs operations and
 * never reads them. A `wait` gives way to an abort at once; a `change` always runs to its end, so that no device is left
 * half reset. Further properties are the operation's parameters.
 */
export interface Operation {
  readonly name: string;
  readonly nature: 'wait' | 'change';
  readonly [parameter: string]: Plain | undefined;
}

/** Why an operation did not succeed. `stopped`: a wait that an abort cut short. */
export type OperationFailure = 'failed' | 'refused' | 'unsupported' | 'timeout' | 'gone' | 'stopped';

/** All failures of an operation. */
export const OPERATION_FAILURES: readonly OperationFailure[] = [
  'failed',
  'refused',
  'unsupported',
  'timeout',
  'gone',
  'stopped',
];

/** How an operation ended. Operations that plug or unplug functions return the new membership. */
export type OperationResult =
  | { readonly ok: true; readonly value?: Plain; readonly scope?: RecoveryScope }
  | { readonly ok: false; readonly why: OperationFailure; readonly detail?: string };

/**
 * One function's answer to one callback, with where it came from: a missing handler is no vote on one platform and a
 * vote on another, and only the procedure knows. `faulted`: an earlier callback of this function failed in this
 * recovery, so it was not called. `withheld`: the procedure asked that it be walked but not called.
 */
export type Answer = DeviceRef &
  (
    | { readonly gave: 'vote'; readonly vote: ErsResult }
    | { readonly gave: 'told' }
    | { readonly gave: 'nothing'; readonly why: 'no_driver' | 'no_callback' | 'gone' | 'faulted' | 'withheld' }
    | { readonly gave: 'fault'; readonly why: 'threw' | 'overran' | 'nonsense' | 'stopped' }
  );

/** Every form that an answer can take, without its device: the alphabet of an exhaustive exploration. */
export type AnswerForm = Answer extends infer A ? (A extends DeviceRef ? Omit<A, keyof DeviceRef> : never) : never;

/** How a recovery ends. `handed_over`: someone else drives the rest (zPCI's mediated recovery). */
export type RecoveryResult = 'recovered' | 'disconnected' | 'handed_over' | 'ignored';

/** What every step has. */
export interface StepBase {
  /** Where in the procedure this is: a short name, unique per place. */
  readonly at: string;
  /** Together with `at` it determines all that can follow: plain data. */
  readonly state: Plain;
  /** What an abort means here. Absent: it can no longer be stopped. */
  stopped?(): Step;
}

/** Runs one callback over functions, one after the other, in this order. */
export interface NotifyStep extends StepBase {
  readonly do: 'notify';
  readonly callback: Voting | Telling;
  /** The channel state that each function has from just before its own callback on. */
  readonly channel: ChannelState;
  /** Everyone who is walked, in order. */
  readonly to: readonly DeviceRef[];
  /** Those of `to` that are walked but not called; they answer `withheld`. */
  readonly withheld?: readonly DeviceRef[];
  then(answers: readonly Answer[]): Step;
}

/** Has the platform do something. */
export interface OperateStep extends StepBase {
  readonly do: 'operate';
  readonly operation: Operation;
  then(result: OperationResult): Step;
}

/** The end: the result, and which functions may be used again. */
export interface EndStep extends StepBase {
  readonly do: 'end';
  readonly result: RecoveryResult;
  readonly why: string;
  readonly usable: readonly DeviceRef[];
}

/** What a procedure wants next. An immutable tree: it reads in the order in which things happen. */
export type Step = NotifyStep | OperateStep | EndStep;
