import { inject, injectable, multiInject, optional } from 'inversify';
import { type Clock } from '../contract/clock.js';
import { type RecoveryPolicy } from '../contract/policy.js';
import { TOKENS } from '../tokens.js';
import { type Bdf } from '../bdf.js';
import { type RecoveryScope } from '../contract/device.js';
import { type RecoveryEngine, type RequestOptions } from '../contract/engine.js';
import { type EngineEvent } from '../contract/engine-event.js';
import { type ErrorEvent } from '../contract/event.js';
import { type PciErrorHandlers } from '../contract/handlers.js';
import { type RecoveryOutcome } from '../contract/outcome.js';
import { type RecoveryPlatform } from '../contract/platform.js';
import { describeError } from '../errors/describe-error.js';
import { PciRecoveryError } from '../errors/pci-recovery-error.js';
import { type Awaitable } from '../plain.js';
import { Attachments } from './attachments.js';
import { type EngineSettings } from './engine-settings.js';
import { runExclusively } from './exclusive.js';
import { extentOf } from './extent.js';
import { refusedAnyway, unawaited } from './floating.js';
import { takeIn } from './intake.js';
import { arrivalOf, laneOf } from './law.js';
import { Observers } from './observers.js';
import { readScope } from './read-scope.js';
import { Recorder } from './recorder.js';
import { RecoveryRun } from './recovery-run.js';
import { CallbackFrames } from './reentrancy.js';
import { Roster } from './roster.js';
import { Scheduler } from './scheduler.js';
import { type Submission, unrecovered } from './submission.js';

/**
 * The engine: policy, queueing and the execution of recoveries, for any number of platforms. It takes everything from
 * outside; {@link createEngine} builds it by hand, {@link coreModule} lets a container build it.
 */
@injectable()
export class DefaultRecoveryEngine implements RecoveryEngine {
  readonly #policy: RecoveryPolicy;
  readonly #clock: Clock;
  readonly #mostQueued: number;
  readonly #platforms = new Map<string, RecoveryPlatform>();
  readonly #attachments = new Attachments();
  readonly #observers = new Observers();
  readonly #frames = new CallbackFrames();
  readonly #scheduler = new Scheduler();
  readonly #active = new Roster<Submission>();
  readonly #recorder: Recorder;
  readonly #closing = new AbortController();
  #started: Promise<void> | undefined;
  #recoveries = 0;

  /** @throws PciRecoveryError `ERR_PCI_DUPLICATE_PLATFORM` when two platforms have one name, `ERR_PCI_BAD_SETTING`. */
  constructor(
    @multiInject(TOKENS.platform) @optional() platforms: readonly RecoveryPlatform[] | undefined,
    @inject(TOKENS.policy) policy: RecoveryPolicy,
    @inject(TOKENS.clock) clock: Clock,
    @multiInject(TOKENS.observer) @optional() observers?: readonly ((event: EngineEvent) => void)[],
    @inject(TOKENS.settings) @optional() settings: EngineSettings = {},
  ) {
    this.#policy = policy;
    this.#clock = clock;
    this.#mostQueued = settings.mostQueued ?? 1024;
    if (!(this.#mostQueued >= 1 && (Number.isInteger(this.#mostQueued) || this.#mostQueued === Infinity))) {
      throw new PciRecoveryError('ERR_PCI_BAD_SETTING', 'mostQueued is a whole number from 1, or Infinity.');
    }
    this.#recorder = new Recorder(policy, clock, this.#attachments, this.#observers);
    for (const platform of platforms ?? []) {
      if (this.#platforms.has(platform.name)) {
        throw new PciRecoveryError('ERR_PCI_DUPLICATE_PLATFORM', `Two platforms are named "${platform.name}".`);
      }
      this.#platforms.set(platform.name, platform);
    }
    for (const observer of observers ?? []) this.#observers.add(observer);
  }

  attach(bdf: Bdf, handlers: PciErrorHandlers): Disposable {
    this.#refuseWhenClosed();
    const attachment = this.#attachments.add(bdf, handlers);
    this.#observers.emit({ type: 'attached', bdf });
    return {
      [Symbol.dispose]: () => {
        if (this.#attachments.remove(bdf, attachment)) this.#observers.emit({ type: 'detached', bdf });
      },
    };
  }

  observe(listener: (event: EngineEvent) => void): Disposable {
    return this.#observers.add(listener);
  }

  submit(event: ErrorEvent, { signal }: RequestOptions = {}): Promise<RecoveryOutcome> {
    return new Promise((resolve) => this.#submit(event, signal, resolve));
  }

  exclusive<T>(scope: RecoveryScope, work: () => Awaitable<T>, options: RequestOptions = {}): Promise<T> {
    return runExclusively(scope, work, options, {
      scheduler: this.#scheduler,
      frames: this.#frames,
      refuseWhenClosed: () => this.#refuseWhenClosed(),
    });
  }

  async start(): Promise<void> {
    this.#refuseWhenClosed();
    await (this.#started ??= this.#takeIn());
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([this.#scheduler.idle(), this.#recorder.idle()]);
  }

  async abort(reason: string): Promise<void> {
    this.#closing.abort();
    for (const submission of this.#active.list()) this.#giveUp(submission, reason);
    await this.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #refuseWhenClosed(): void {
    if (!this.#closing.signal.aborted) return;
    throw new PciRecoveryError('ERR_PCI_ENGINE_CLOSED', 'The engine is closed: it takes in nothing more.');
  }

  #emit(event: EngineEvent): void {
    if (this.#observers.any) this.#observers.emit(event);
  }

  #ended(outcome: RecoveryOutcome): void {
    const report = (error: unknown): void => this.#observers.emit({ type: 'trouble', where: 'the policy', error });
    try {
      unawaited(this.#policy.ended?.(outcome), report);
    } catch (error) {
      report(error);
    }
    this.#emit({ type: 'ended', outcome });
  }

  async #takeIn(): Promise<void> {
    const { signal } = this.#closing;
    const intake = { signal, observers: this.#observers, submit: (event: ErrorEvent) => this.#submitQuietly(event) };
    await Promise.all([...this.#platforms.values()].map((platform) => takeIn(platform, intake)));
  }

  /** A platform's own event: nobody waits for its outcome, so no promise is made for it. */
  #submitQuietly(event: ErrorEvent): void {
    try {
      this.#submit(event, undefined, () => undefined);
    } catch (error) {
      this.#observers.emit({ type: 'trouble', where: 'submit', error });
    }
  }

  /** @throws PciRecoveryError `ERR_PCI_ENGINE_CLOSED`, `ERR_PCI_UNKNOWN_PLATFORM` */
  #submit(event: ErrorEvent, signal: AbortSignal | undefined, resolve: (outcome: RecoveryOutcome) => void): void {
    this.#refuseWhenClosed();
    const platform = this.#platforms.get(event.platform);
    if (!platform) {
      const known = [...this.#platforms.keys()].join(', ') || 'none';
      throw new PciRecoveryError(
        'ERR_PCI_UNKNOWN_PLATFORM',
        `No platform "${event.platform}" here; there is: ${known}.`,
      );
    }
    this.#emit({ type: 'received', event });
    this.#decide(platform, event, signal, (outcome) => {
      this.#ended(outcome);
      resolve(outcome);
    });
  }

  #decide(
    platform: RecoveryPlatform,
    event: ErrorEvent,
    signal: AbortSignal | undefined,
    ended: (outcome: RecoveryOutcome) => void,
  ): void {
    const time = this.#clock.monotonic();
    try {
      let scope: RecoveryScope | undefined;
      const judged = this.#policy.judge(event, () => (scope ??= readScope(platform, event)));
      const { verdict, why } = unawaited(judged, refusedAnyway);
      if (verdict === 'recover' || verdict === 'give_up') {
        scope ??= readScope(platform, event);
        const lane = `${platform.name}/${laneOf(platform, event, scope)}`;
        return this.#admit({ platform, event, verdict, why }, scope, lane, signal, ended);
      }
      if (verdict !== 'record' && verdict !== 'ignore') {
        throw new PciRecoveryError('ERR_PCI_BAD_VERDICT', `"${String(verdict)}" is no verdict.`);
      }
      this.#emit({ type: verdict === 'record' ? 'recorded' : 'ignored', event, why });
      const outcome = unrecovered({ platform, event }, time, 'ignored', why, scope);
      if (verdict === 'ignore') ended(outcome);
      else void this.#recorder.record(platform, event).then(() => ended(outcome));
    } catch (error) {
      this.#observers.emit({ type: 'trouble', where: 'the decision on an error', error });
      const why = `It could not be decided: ${describeError(error)}.`;
      ended(unrecovered({ platform, event }, time, 'disconnected', why));
    }
  }

  #admit(
    { platform, event, verdict, why }: Pick<Submission, 'platform' | 'event' | 'verdict' | 'why'>,
    scope: RecoveryScope,
    lane: string,
    signal: AbortSignal | undefined,
    ended: (outcome: RecoveryOutcome) => void,
  ): void {
    const givenUp = (): void => this.#giveUp(submission, 'Its caller gave it up.');
    const submission: Submission = {
      platform,
      event,
      verdict,
      why,
      waiting: undefined,
      purges: false,
      run: undefined,
      earlier: undefined,
      later: undefined,
      resolve(outcome) {
        signal?.removeEventListener('abort', givenUp);
        ended(outcome);
      },
    };
    this.#active.add(submission);
    if (signal?.aborted) givenUp();
    else signal?.addEventListener('abort', givenUp, { once: true });
    this.#place(submission, scope, lane);
  }

  #giveUp(submission: Submission, reason: string): void {
    submission.verdict = 'give_up';
    submission.why = reason;
    submission.run?.abort(reason);
  }

  /** Runs it at once when nothing is in the way; otherwise the platform's law says what becomes of it. */
  #place(submission: Submission, scope: RecoveryScope, lane: string): void {
    const { platform, event } = submission;
    const obstacle = this.#scheduler.obstacle(lane, scope);
    const reserved = this.#scheduler.reserved(scope) && !this.#frames.current();
    if (!obstacle && !reserved && this.#scheduler.queued(lane) === 0) return this.#run(submission, scope, lane);
    if (obstacle instanceof RecoveryRun && obstacle.running) {
      const extent = extentOf(scope, obstacle.held, obstacle.scope.id);
      const arrival = arrivalOf(platform, obstacle, event, extent, this.#observers);
      obstacle.note({ what: 'arrival', sequence: event.sequence, extent, arrival });
      this.#emit({ type: 'arrived', event, recovery: obstacle.recovery, arrival });
      if (arrival === 'fold') return this.#fold(submission, obstacle);
      submission.purges = arrival === 'queue_and_purge';
    }
    this.#enqueue(submission, scope, lane);
  }

  #fold(submission: Submission, run: RecoveryRun): void {
    const { event } = submission;
    run.folded.push((outcome) => this.#settle(submission, { ...outcome, event, foldedInto: run.recovery }));
  }

  #enqueue(submission: Submission, scope: RecoveryScope, lane: string): void {
    const { platform, event } = submission;
    if (this.#scheduler.queued(lane) >= this.#mostQueued) {
      this.#observers.emit({ type: 'overflowed', event, lane });
      const why = `${this.#mostQueued} errors already wait in lane "${lane}".`;
      return this.#settle(submission, unrecovered(submission, this.#clock.monotonic(), 'disconnected', why, scope));
    }
    submission.waiting = {
      scope: () => this.#freshScope(submission, scope),
      start: (fresh) => this.#run(submission, fresh, lane),
    };
    this.#scheduler.enqueue(lane, platform.procedure.order, submission.waiting);
  }

  /** Membership is read when a recovery starts; when that fails, what was known at its arrival has to do. */
  #freshScope({ platform, event }: Submission, known: RecoveryScope): RecoveryScope {
    try {
      return readScope(platform, event);
    } catch (error) {
      this.#observers.emit({ type: 'trouble', where: `scopeOf of platform "${platform.name}"`, error });
      return known;
    }
  }

  #run(submission: Submission, read: RecoveryScope, lane: string): void {
    const { platform, event } = submission;
    if (submission.purges) this.#purge(submission, read);
    const scope = this.#attachments.overlay(read, platform);
    const run = new RecoveryRun(++this.#recoveries, platform, event, scope, {
      clock: this.#clock,
      policy: this.#policy,
      attachments: this.#attachments,
      observers: this.#observers,
      frames: this.#frames,
      rescoped: (changed) => this.#scheduler.hold(changed),
    });
    submission.run = run;
    this.#scheduler.occupy(lane, platform.procedure.order, run);
    void run.execute(submission.verdict, submission.why).then((outcome) => {
      this.#settle(submission, outcome);
      for (const settle of run.folded) settle(outcome);
      this.#scheduler.release(lane, run);
    });
  }

  /** Errors of the same platform that wait inside the scope of `submission` go with it. */
  #purge(submission: Submission, scope: RecoveryScope): void {
    const inside = new Set(scope.members.map((member) => member.bdf));
    for (const other of this.#active.list()) {
      if (!other.waiting || other.run || other === submission || other.platform !== submission.platform) continue;
      const extent = extentOf(other.waiting.scope(), inside, scope.id);
      if ((extent !== 'same' && extent !== 'inside') || !this.#scheduler.withdraw(other.waiting)) continue;
      this.#emit({ type: 'purged', event: other.event, by: submission.event });
      const why = `It was purged by error ${submission.event.sequence}, whose scope holds it.`;
      this.#settle(other, { ...unrecovered(other, this.#clock.monotonic(), 'ignored', why), usable: [] });
    }
  }

  #settle(submission: Submission, outcome: RecoveryOutcome): void {
    this.#active.delete(submission);
    submission.resolve(outcome);
  }
}
