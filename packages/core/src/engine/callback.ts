import { types } from 'node:util';
import { type ChannelState, type DeviceRef } from '../contract/device.js';
import { ERS_RESULTS, type ErsResult, type PciErrorHandlers, type Telling, type Voting } from '../contract/handlers.js';
import { type Answer, type AnswerForm } from '../contract/step.js';
import { type LazyCallbackContext } from './callback-context.js';
import { type DeadlineTimer, type Overrunnable } from './deadline-timer.js';
import { type CallbackFrame, type CallbackFrames } from './reentrancy.js';

const VOTES: ReadonlySet<unknown> = new Set(ERS_RESULTS);

const isVote = (value: unknown): value is ErsResult => VOTES.has(value);

const isVoting = (callback: Voting | Telling): callback is Voting =>
  callback === 'errorDetected' || callback === 'mmioEnabled' || callback === 'slotReset';

/** Whether `await` would wait for it. Reading `then` of a foreign object can throw. */
export const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
  typeof (value as { then?: unknown }).then === 'function';

/** A promise as `async` functions make them, with nothing of its own put on it. */
const isOrdinary = <T>(value: PromiseLike<T>): value is Promise<T> =>
  types.isPromise(value) &&
  Object.getPrototypeOf(value) === Promise.prototype &&
  !Object.hasOwn(value, 'then') &&
  !Object.hasOwn(value, 'constructor');

/**
 * A promise that settles at most once and never throws, whatever the `then` and the `constructor` of a foreign one do:
 * one of our own, unless the foreign one is an ordinary promise. `Promise.resolve` would look only at its `constructor`.
 */
export const adopt = <T>(foreign: PromiseLike<T>): Promise<T> =>
  isOrdinary(foreign) ? foreign : new Promise((resolve) => resolve(foreign));

/** An answer form with its device. */
export function answerOf({ bdf, generation }: DeviceRef, form: AnswerForm): Answer {
  if (form.gave === 'vote') return { bdf, generation, gave: 'vote', vote: form.vote };
  return form.gave === 'told' ? { bdf, generation, gave: 'told' } : { bdf, generation, ...form };
}

/** What a returned value counts as: anything but a vote is nonsense where a vote was asked for. */
function judge(callback: Voting | Telling, value: unknown): AnswerForm {
  if (!isVoting(callback)) return { gave: 'told' };
  return isVote(value) ? { gave: 'vote', vote: value } : { gave: 'fault', why: 'nonsense' };
}

/** What is waited for, and an abort cuts short. */
export interface Pending {
  stop(): void;
}

/** Who waits, for one thing at a time. */
export interface Waiter {
  pending: Pending | undefined;
}

/** One call of one callback. */
export interface CallbackCall {
  readonly handlers: PciErrorHandlers;
  readonly callback: Voting | Telling;
  readonly channel: ChannelState;
  readonly context: LazyCallbackContext;
  /** What it is followed in; only the callback itself runs inside. */
  readonly frames: CallbackFrames;
  /** Whose call it is: it waits until the call is answered. */
  readonly run: CallbackFrame & Waiter;
  readonly timer: DeadlineTimer;
  /** When it was called, nanoseconds on the clock. */
  readonly calledAt: number;
  /** Milliseconds from then on; `Infinity`: none. */
  readonly deadline: number;
  /** The answer is there: called once, before what was waited for goes on. Must not throw. */
  readonly answered: (form: AnswerForm) => void;
  /** An answer came when nobody waited for it any more. */
  readonly late: () => void;
}

/** Calls a callback. Whatever it does, there is an answer, at the latest at its deadline. A promise where that has to be waited for. */
export function callCallback(call: CallbackCall): Promise<void> | undefined {
  let form: AnswerForm;
  try {
    const value: unknown = call.frames.run(call.run, () => entered(call));
    if (value instanceof Promise) return settle(call, value);
    form = judge(call.callback, value);
  } catch {
    form = { gave: 'fault', why: 'threw' };
  }
  call.answered(form);
  return undefined;
}

/** What it returned: no thenable but a promise of our own making, or an ordinary one. A foreign `then` can do the callback's work. */
function entered({ handlers, callback, context, channel }: CallbackCall): unknown {
  const value: unknown = handlers[callback]!(context, channel);
  return isThenable(value) ? adopt(value) : value;
}

/** Waits for a promised answer, its deadline, or a stop: whichever is first. */
function settle(call: CallbackCall, promised: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const pending = new PendingAnswer(call, resolve);
    promised.then(
      (value) => pending.finish(judge(call.callback, value)),
      () => pending.finish({ gave: 'fault', why: 'threw' }),
    );
  });
}

/** An answer that is waited for, until it is there. A class, for a recovery makes three of them, and closures would be a dozen each. */
class PendingAnswer implements Pending, Overrunnable {
  readonly #call: CallbackCall;
  readonly #resolve: () => void;
  #open = true;

  constructor(call: CallbackCall, resolve: () => void) {
    this.#call = call;
    this.#resolve = resolve;
    const { timer, calledAt, deadline, run } = call;
    timer.begin(this, calledAt, deadline);
    run.pending = this;
  }

  stop(): void {
    this.#cut('stopped');
  }

  overrun(): void {
    this.#cut('overran');
  }

  finish(form: AnswerForm): void {
    if (!this.#open) return this.#call.late();
    this.#open = false;
    this.#call.timer.end();
    this.#call.run.pending = undefined;
    this.#call.answered(form);
    this.#resolve();
  }

  #cut(why: 'overran' | 'stopped'): void {
    if (!this.#open) return;
    this.#call.context.abort(why);
    this.finish({ gave: 'fault', why });
  }
}
