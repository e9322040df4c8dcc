import { type Bdf } from '../bdf.js';
import { type Clock } from '../contract/clock.js';
import { type DeviceRef, type Member, type RecoveryScope } from '../contract/device.js';
import { type ErrorEvent } from '../contract/event.js';
import { type PciErrorHandlers } from '../contract/handlers.js';
import { type RecoveryOutcome } from '../contract/outcome.js';
import { type PerformContext, type RecoveryPlatform } from '../contract/platform.js';
import { type RecoveryPolicy } from '../contract/policy.js';
import {
  type Answer,
  type EndStep,
  type NotifyStep,
  type OperateStep,
  type OperationResult,
  type Step,
} from '../contract/step.js';
import { type TraceEntry, type TraceHappening } from '../contract/trace.js';
import { describeError } from '../errors/describe-error.js';
import { type Attachments, UNCALLABLE } from './attachments.js';
import { adopt, answerOf, callCallback, isThenable, type Pending, type Waiter } from './callback.js';
import { LazyCallbackContext } from './callback-context.js';
import { deadlineOf } from './deadline.js';
import { DeadlineTimer } from './deadline-timer.js';
import { type Observers } from './observers.js';
import { cuttable, UncutContext } from './operation-context.js';
import { unawaited } from './floating.js';
import { failedBy, readResult } from './read-result.js';
import { type CallbackFrame, type CallbackFrames } from './reentrancy.js';
import { silence } from './silence.js';
import { refuseUnknown, refuseUnknownResult } from './step-check.js';

/** What a run needs of its engine. */
export interface RunSurroundings {
  readonly clock: Clock;
  readonly policy: RecoveryPolicy;
  readonly attachments: Attachments;
  readonly observers: Observers;
  readonly frames: CallbackFrames;
  /** The membership changed in the middle of the recovery. */
  rescoped(run: RecoveryRun): void;
}

/** More steps than any platform's law has: a procedure that goes on longer goes round in circles. */
const MOST_STEPS = 10_000;

/** So many members are looked through; more are looked up, or walks over thousands of functions would take as long as their square. */
const FEW = 8;

const byAddress = (members: readonly Member[]): ReadonlyMap<Bdf, Member> =>
  new Map(members.map((one) => [one.bdf, one]));

/** Executes one recovery: the steps of its platform's procedure, one after the other, until the end. */
export class RecoveryRun implements CallbackFrame, PerformContext, Waiter {
  readonly recovery: number;
  readonly platform: RecoveryPlatform;
  readonly event: ErrorEvent;
  scope: RecoveryScope;
  /** The addresses that nobody else may touch meanwhile. */
  readonly held = new Set<Bdf>();
  /** Errors that were counted with this recovery: what each does with its outcome. */
  readonly folded: ((outcome: RecoveryOutcome) => void)[] = [];
  /** The current step. */
  at = 'begin';
  /** What the current step waits for. */
  pending: Pending | undefined;
  readonly #around: RunSurroundings;
  readonly #trace: TraceEntry[] = [];
  /** Whose callbacks have failed; made with the first of them. */
  #faulted: Set<Bdf> | undefined;
  #uncut: UncutContext | undefined;
  #indexed: { readonly members: readonly Member[]; readonly byAddress: ReadonlyMap<Bdf, Member> } | undefined;
  readonly #timer: DeadlineTimer;
  #abortReason: string | undefined;
  #controller: AbortController | undefined;
  #stoppable = false;
  #running = true;

  constructor(
    recovery: number,
    platform: RecoveryPlatform,
    event: ErrorEvent,
    scope: RecoveryScope,
    around: RunSurroundings,
  ) {
    this.recovery = recovery;
    this.platform = platform;
    this.event = event;
    this.#around = around;
    this.#timer = new DeadlineTimer(around.clock);
    this.scope = scope;
    this.#take(scope);
  }

  /** For a `wait` that can be stopped; made only when somebody looks at it. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason);
    return this.#controller.signal;
  }

  holds(bdf: Bdf): boolean {
    return this.#running && this.held.has(bdf);
  }

  /** Gives up at the next place where the procedure allows it. */
  abort(reason: string): void {
    if (this.#abortReason !== undefined || !this.#running) return;
    this.#abortReason = reason;
    this.#controller?.abort(reason);
    if (this.#stoppable) this.pending?.stop();
  }

  #now(): number {
    return this.#around.clock.monotonic();
  }

  /** Whether its end has not come yet. */
  get running(): boolean {
    return this.#running;
  }

  /** Writes down what happened, and tells the observers. After the end, only they hear of it: the outcome stays. */
  note(happening: TraceHappening): void {
    this.#noted({ time: this.#now(), at: this.at, ...happening });
  }

  /** The same for what happens often: a literal of its own per kind, since copying into one costs more than the rest of it. */
  #noted(entry: TraceEntry): void {
    if (this.#running) this.#trace.push(entry);
    if (entry.what === 'end') this.#running = false;
    const { observers } = this.#around;
    if (observers.any) observers.emit({ type: 'trace', recovery: this.recovery, event: this.event, entry });
  }

  async execute(verdict: 'recover' | 'give_up', why: string): Promise<RecoveryOutcome> {
    const startedAt = this.#now();
    this.#noted({ time: startedAt, at: this.at, what: 'begin', verdict, why });
    let end: EndStep;
    let usable: DeviceRef[];
    try {
      end = await this.#walk(this.platform.procedure.begin({ event: this.event, scope: this.scope, verdict }));
      usable = this.#usable(end);
    } catch (error) {
      end = this.#broken(`The procedure of "${this.platform.name}" failed: ${describeError(error)}.`);
      usable = [];
    }
    return this.#finish(end, usable, startedAt);
  }

  async #walk(first: Step): Promise<EndStep> {
    let step = first;
    for (let steps = 0; steps < MOST_STEPS; steps++) {
      if (this.#abortReason !== undefined && step.stopped) {
        this.note({ what: 'stopped', reason: this.#abortReason });
        step = step.stopped();
      }
      this.at = step.at;
      this.#stoppable = step.stopped !== undefined;
      if (step.do === 'end') return step;
      refuseUnknown(step);
      if (step.do === 'notify') {
        const answers: Answer[] = [];
        const rest = this.#notify(step, answers);
        if (rest) await rest;
        step = step.then(answers);
      } else {
        const result = this.#operate(step);
        step = step.then(result instanceof Promise ? await result : result);
      }
    }
    return this.#broken(`The procedure of "${this.platform.name}" does not end.`);
  }

  /** Asks one after the other; `answers` gets one answer each. A promise where there is something to wait for. */
  #notify(step: NotifyStep, answers: Answer[]): Promise<void> | undefined {
    while (answers.length < step.to.length) {
      const pending = this.#ask(step, step.to[answers.length]!, answers);
      if (pending) return answers.length + 1 < step.to.length ? this.#notifyRest(step, answers, pending) : pending;
    }
    return undefined;
  }

  async #notifyRest(step: NotifyStep, answers: Answer[], pending: Promise<void>): Promise<void> {
    await pending;
    while (answers.length < step.to.length) await this.#ask(step, step.to[answers.length]!, answers);
  }

  #ask(step: NotifyStep, device: DeviceRef, answers: Answer[]): Promise<void> | undefined {
    const member = this.#memberOf(device);
    const { callback, channel } = step;
    this.#tellPlatform('beforeCallback', () => this.platform.beforeCallback?.(device, callback, channel), undefined);
    const handlers = this.#handlersOf(device);
    const faulted = this.#faulted?.has(device.bdf) === true;
    const why = silence(step, device, {
      member,
      handlers,
      faulted,
      cut: this.#abortReason !== undefined && this.#stoppable,
    });
    if (why === undefined) return this.#call(step, device, handlers!, answers);
    this.#answered(step, answerOf(device, { gave: 'nothing', why }), answers);
    return undefined;
  }

  #memberOf({ bdf, generation }: DeviceRef): Member | undefined {
    const { members } = this.scope;
    if (members.length <= FEW) return members.find((one) => one.bdf === bdf && one.generation === generation);
    if (this.#indexed?.members !== members) this.#indexed = { members, byAddress: byAddress(members) };
    const member = this.#indexed.byAddress.get(bdf);
    return member?.generation === generation ? member : undefined;
  }

  /** A platform that cannot say has drivers that cannot be called. */
  #handlersOf(device: DeviceRef): PciErrorHandlers | undefined {
    const { attachments } = this.#around;
    return this.#tellPlatform('handlersOf', () => attachments.of(device, this.platform), UNCALLABLE);
  }

  #call(step: NotifyStep, device: DeviceRef, handlers: PciErrorHandlers, answers: Answer[]): Promise<void> | undefined {
    const { callback, channel } = step;
    const { policy, observers, frames } = this.#around;
    const calledAt = this.#now();
    this.#noted({ time: calledAt, at: this.at, what: 'call', callback, device, channel });
    return callCallback({
      handlers,
      callback,
      channel,
      context: new LazyCallbackContext(device, this.event, this.recovery),
      frames,
      run: this,
      timer: this.#timer,
      calledAt,
      deadline: deadlineOf(policy, observers, device, callback),
      answered: (form) => this.#answered(step, answerOf(device, form), answers),
      late: () => this.note({ what: 'late_answer', callback, device }),
    });
  }

  #answered(step: NotifyStep, answer: Answer, answers: Answer[]): void {
    if (answer.gave === 'fault' && answer.why !== 'stopped') (this.#faulted ??= new Set()).add(answer.bdf);
    const { callback, channel } = step;
    this.#noted({ time: this.#now(), at: this.at, what: 'answer', callback, answer });
    this.#tellPlatform('afterCallback', () => this.platform.afterCallback?.(answer, callback, channel), undefined);
    answers.push(answer);
  }

  #tellPlatform<T>(where: string, tell: () => T, otherwise: T): T {
    try {
      const told = tell();
      if (isThenable(told)) unawaited(told, (error) => this.#failed(where, error));
      return told;
    } catch (error) {
      this.#failed(where, error);
      return otherwise;
    }
  }

  #failed(where: string, error: unknown): void {
    this.#around.observers.emit({ type: 'trouble', where: `${where} of platform "${this.platform.name}"`, error });
  }

  #operate(step: OperateStep): OperationResult | Promise<OperationResult> {
    const { operation } = step;
    this.#noted({ time: this.#now(), at: this.at, what: 'operate', operation });
    let result: unknown;
    try {
      result = this.platform.perform(operation, cuttable(step) ? this : this.#uncutContext());
      if (isThenable(result)) return this.#patience(step, result).then((one) => this.#operated(step, one));
    } catch (error) {
      return this.#operated(step, failedBy(error));
    }
    return this.#operated(step, readResult(result));
  }

  /** One for as long as the membership is the same. */
  #uncutContext(): UncutContext {
    if (this.#uncut?.scope !== this.scope) this.#uncut = new UncutContext(this);
    return this.#uncut;
  }

  /** A `wait` is abandoned by an abort also when the platform does not look at its signal. */
  #patience(step: OperateStep, result: PromiseLike<unknown>): Promise<OperationResult> {
    const settled = adopt(result).then(readResult, failedBy);
    if (!cuttable(step)) return settled;
    return new Promise((resolve) => {
      this.pending = { stop: () => resolve({ ok: false, why: 'stopped' }) };
      void settled.then(resolve);
      if (this.#abortReason !== undefined) resolve({ ok: false, why: 'stopped' });
    });
  }

  #operated(step: OperateStep, given: OperationResult): OperationResult {
    let result = given;
    if (result.ok && result.scope) {
      this.scope = this.#around.attachments.overlay(result.scope, this.platform);
      const { value } = result;
      result = value === undefined ? { ok: true, scope: this.scope } : { ok: true, value, scope: this.scope };
      this.#take(this.scope);
      this.#around.rescoped(this);
    }
    this.#noted({ time: this.#now(), at: this.at, what: 'operated', operation: step.operation, result });
    return result;
  }

  /** What was held stays held: a function that left may come back before the end. */
  #take(scope: RecoveryScope): void {
    for (const member of scope.members) this.held.add(member.bdf);
  }

  #broken(why: string): EndStep {
    return { do: 'end', at: this.at, state: null, result: 'disconnected', why, usable: [] };
  }

  /** Fail closed: nobody of an end that is none, only present functions in the generation that was recovered, and none whose callback failed. */
  #usable(end: EndStep): DeviceRef[] {
    refuseUnknownResult(end);
    return end.usable
      .filter((device) => this.#memberOf(device) && !this.#faulted?.has(device.bdf))
      .map(({ bdf, generation }) => ({ bdf, generation }));
  }

  #finish(end: EndStep, usable: readonly DeviceRef[], startedAt: number): RecoveryOutcome {
    const { result, why } = end;
    const { recovery, platform, event, scope } = this;
    const endedAt = this.#now();
    this.#timer[Symbol.dispose]();
    this.#noted({ time: endedAt, at: this.at, what: 'end', result, why, usable });
    return {
      recovery,
      platform: platform.name,
      event,
      scope,
      result,
      why,
      usable,
      startedAt,
      endedAt,
      trace: this.#trace,
    };
  }
}
