import {
  createEngine,
  isPciRecoveryError,
  KernelPolicy,
  wait,
  type Bdf,
  type EngineEvent,
  type EngineOptions,
  type ErrorEvent,
  type RecoveryEngine,
  type RecoveryOutcome,
  type RecoveryPolicy,
} from '@pci-recovery/core';
import { ConformanceFailure, holds } from '../failure.js';
import { type FactKind } from '../fact.js';
import { type Harness, type Subject, type SubjectOptions } from '../harness.js';
import { type DriverScript, type Script } from '../law/script.js';
import { type Layout } from '../profile.js';
import { DEADLINE_MS, scriptedHandlers, type Interlude } from './driver.js';
import { JournalWriter } from './journal.js';
import { resetsOf, timelineOf, ueventsOf, type SeenReset } from './timeline.js';

/** What a bench is set up with. */
export interface BenchOptions extends SubjectOptions {
  /** Default: every endpoint has a driver that votes `can_recover`, then `recovered`. */
  readonly script?: Script;
  /** Default: the kernel's, with a deadline of one second. */
  readonly policy?: RecoveryPolicy;
  readonly settings?: Pick<EngineOptions, 'mostQueued'>;
  /** Trouble that the engine reports is part of the case. */
  readonly toleratesTrouble?: boolean;
}

/** Longer than anything that a scripted driver still does: after it, nothing more is to come. */
export const QUIET_MS = 15 * DEADLINE_MS;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** So often time is let pass before it is clear that something never ends. */
const MOST_PASSES = 200;

/** Turns of the event loop after which everything that needs no timer has happened. */
const SETTLING_TURNS = 30;

/** The engine under test: the harness's own, or this project's. */
export const engineOf = (harness: Harness, options: EngineOptions): RecoveryEngine =>
  harness.createEngine?.(options) ?? createEngine(options);

/** One subject with an engine, scripted drivers and a journal around it. */
export class Bench {
  readonly subject: Subject;
  readonly engine: RecoveryEngine;
  readonly journal: JournalWriter;
  readonly layout: Layout;
  readonly names: ReadonlyMap<Bdf, string>;
  readonly outcomes: RecoveryOutcome[] = [];
  readonly received: ErrorEvent[] = [];
  readonly happened: EngineEvent[] = [];
  readonly attached = new Map<string, Disposable>();
  /** Runs inside every scripted callback, before its answer. */
  interlude?: Interlude;
  readonly #guard: Promise<never>;
  readonly #waiting = new Set<() => void>();
  readonly #options: BenchOptions;
  #closed = false;

  constructor(harness: Harness, subject: Subject, options: BenchOptions, guard: Promise<never>) {
    this.subject = subject;
    this.#options = options;
    this.#guard = guard;
    this.layout = harness.profile.layouts[options.layout]!;
    this.names = new Map(Object.entries(subject.functions).map(([name, bdf]) => [bdf, name]));
    const { clock, platform } = subject;
    this.journal = new JournalWriter(
      () => subject.witness().length,
      () => clock.monotonic(),
    );
    this.engine = engineOf(harness, {
      platforms: [platform],
      policy: options.policy ?? new KernelPolicy({ deadlineMs: DEADLINE_MS }),
      clock,
      observers: [(event) => this.#observe(event)],
      ...options.settings,
    });
    for (const name of Object.keys(this.layout.functions)) this.#attachScripted(name);
  }

  /** The address of a function of the layout. */
  bdf(name: string): Bdf {
    const bdf = this.subject.functions[name];
    holds(bdf !== undefined, `The subject has no function "${name}", which layout "${this.#options.layout}" has.`);
    return bdf;
  }

  /** The layout's name of a function; its address, if it has none. */
  nameOf(bdf: Bdf): string {
    return this.names.get(bdf) ?? bdf;
  }

  attach(name: string, driver: DriverScript): void {
    const { journal } = this;
    const interlude: Interlude = (entry) => this.interlude?.(entry);
    const handlers = scriptedHandlers(name, driver, { journal, clock: this.subject.clock, interlude });
    this.attached.set(name, this.engine.attach(this.bdf(name), handlers));
  }

  /** Has the engine take in events, and waits until the platform listens. */
  async start(): Promise<this> {
    await this.drive(this.engine.start(), 'The engine starts.');
    await this.settle();
    return this;
  }

  /**
   * Lets time pass until `promise` settles.
   * @throws ConformanceFailure when nothing can happen any more.
   */
  async drive<T>(promise: Promise<T>, rule: string): Promise<T> {
    try {
      return await this.subject.clock.drive(Promise.race([promise, this.#guard]));
    } catch (error) {
      if (isPciRecoveryError(error) && error.code === 'ERR_PCI_STALLED') {
        throw new ConformanceFailure(
          `${rule} It never happens: nothing is under way any more.${this.#trouble() ?? ''}`,
        );
      }
      throw error;
    }
  }

  /** Waits until `condition` holds; it is looked at whenever the engine reports something. */
  async until(condition: () => boolean, rule: string): Promise<void> {
    if (condition()) return;
    let look!: () => void;
    const held = new Promise<void>((resolve) => (look = () => void (condition() && resolve())));
    this.#waiting.add(look);
    try {
      await this.drive(held, rule);
    } finally {
      this.#waiting.delete(look);
    }
  }

  /** Waits until `count` errors have their outcome. */
  ended(count: number): Promise<void> {
    return this.until(() => this.outcomes.length >= count, `There are outcomes of ${count} errors.`);
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    for (let count = 0; count < SETTLING_TURNS; count++) await turn();
  }

  /** Lets time pass. */
  pass(ms: number): Promise<void> {
    return this.drive(wait(this.subject.clock, ms), `${ms} ms pass.`);
  }

  /** Lets the hardware have one error, and waits for its outcome and for whatever comes after it. */
  async recover(incident: string, at: string): Promise<RecoveryOutcome> {
    const before = this.outcomes.length;
    this.subject.inject(incident, at);
    await this.ended(before + 1);
    await this.pass(QUIET_MS);
    return this.outcomes[before]!;
  }

  /** Lets time pass until everything that was taken in has an outcome and nothing more comes. */
  async calm(): Promise<void> {
    for (let passes = 0; passes < MOST_PASSES; passes++) {
      const { length } = this.received;
      await this.pass(QUIET_MS);
      if (this.received.length === length && this.outcomes.length >= length) return;
    }
    const { received, outcomes } = this;
    throw new ConformanceFailure(
      `Of ${received.length} errors that were taken in, ${outcomes.length} have an outcome; no more come.`,
    );
  }

  timeline(kinds: readonly FactKind[]): string[] {
    const { names } = this;
    return timelineOf({ entries: this.journal.entries, facts: this.subject.witness(), names, kinds: new Set(kinds) });
  }

  uevents(): string[] {
    return ueventsOf({ facts: this.subject.witness(), names: this.names });
  }

  resets(): SeenReset[] {
    return resetsOf(this.subject.witness());
  }

  /** Names of functions, sorted. */
  sorted(functions: readonly { readonly bdf: Bdf }[]): string[] {
    return functions.map(({ bdf }) => this.nameOf(bdf)).sort();
  }

  /** Comes to an end in good order. Nothing may have gone wrong behind the engine's back. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.drive(this.engine.close(), 'The engine closes.');
    await this.drive(Promise.resolve(this.subject[Symbol.asyncDispose]()), 'The subject is disposed of.');
    const trouble = this.#trouble();
    if (trouble !== undefined && !this.#options.toleratesTrouble) throw new ConformanceFailure(trouble.trim());
  }

  /** Comes to an end after a failure: whatever still runs is given up, and further failures do not matter. */
  async discard(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const ending = this.engine.abort('The case has failed.').then(() => this.subject[Symbol.asyncDispose]());
    await this.drive(ending, 'The subject is disposed of.').catch(() => undefined);
  }

  /** The first thing that went wrong behind the engine's back. */
  #trouble(): string | undefined {
    const trouble = this.happened.find((event) => event.type === 'trouble');
    if (trouble?.type !== 'trouble') return undefined;
    return ` The engine reported trouble with ${trouble.where}: ${String(trouble.error)}`;
  }

  #observe(event: EngineEvent): void {
    this.happened.push(event);
    if (event.type === 'received') this.received.push(event.event);
    if (event.type === 'ended') this.outcomes.push(event.outcome);
    for (const look of this.#waiting) look();
  }

  #attachScripted(name: string): void {
    const scripted = this.#options.script?.[name];
    if (scripted) this.attach(name, scripted);
    else if (scripted === undefined && this.layout.functions[name]!.kind === 'endpoint') this.attach(name, {});
  }
}
