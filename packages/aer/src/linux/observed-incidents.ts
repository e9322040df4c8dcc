import { type Bdf, type Clock, type OperationResult } from '@pci-recovery/core';
import { type AerTraceEvent } from '@pci-recovery/core/linux';
import { type CounterWatch } from './counters.js';
import { diagnose, type Diagnosis } from './diagnosis.js';
import { type KernelWatch } from './kernel-watch.js';
import { concernedBy, possibleSources } from './neighbourhood.js';
import { followHost, ObservedIncident } from './observed-incident.js';
import { type AerObserverTimings } from './observer-timings.js';

/** What observed incidents need. */
export interface ObservedSurroundings {
  readonly watch: KernelWatch;
  readonly counters: CounterWatch<'fatal' | 'nonfatal'>;
  readonly clock: Clock;
  readonly timings: AerObserverTimings;
  readonly closing: AbortSignal;
  /** Makes an event of an error, and answers its number. Undefined: nobody wants to know of it. */
  readonly report: (incident: ObservedIncident, diagnosis: Diagnosis) => number | undefined;
}

const UNKNOWN: Diagnosis = { severity: 'fatal', evidence: 'recovery', sources: [], errors: [] };
/** Ends of the host that nobody has asked for are forgotten beyond that number. */
const MOST_ENDS = 1024;

/** Errors that the host recovers by itself: one event for each that is traced, or for each recovery that nothing traced. */
export class ObservedIncidents {
  readonly #around: ObservedSurroundings;
  readonly #running = new Set<ObservedIncident>();
  readonly #ends = new Map<number, Promise<OperationResult>>();

  constructor(around: ObservedSurroundings) {
    this.#around = around;
  }

  /** The host recovers a function, as far as is known. */
  concerns(bdf: Bdf): boolean {
    return [...this.#running].some(({ concerns }) => concerns.has(bdf));
  }

  /** The kernel traced an uncorrectable error; its recovery begins. */
  traced({ bdf, severity, errors, tlpHeader }: AerTraceEvent): void {
    const diagnosis: Diagnosis = {
      severity: severity === 'fatal' ? 'fatal' : 'nonfatal',
      evidence: 'trace',
      sources: [bdf],
      errors,
      ...(tlpHeader ? { tlpHeader } : {}),
    };
    const concerns = concernedBy(this.#around.watch.topology, bdf);
    this.#explain(this.#join(concerns) ?? this.#open('kernel', bdf, concerns), diagnosis);
    this.#around.watch.cycles.bell.ring();
  }

  /** The host's own recovery of a function went on. `isNew`: it was not known to run. */
  recovering(bdf: Bdf, isNew: boolean): void {
    const { watch } = this.#around;
    if (this.#join([bdf])) watch.cycles.bell.ring();
    else if (isNew) void this.#workOut(this.#open('uevent', bdf, concernedBy(watch.topology, bdf)));
    else watch.cycles.settle([bdf]);
  }

  /** A function was found broken. */
  found(bdf: Bdf, severity: Diagnosis['severity']): void {
    const concerns = concernedBy(this.#around.watch.topology, bdf);
    const diagnosis: Diagnosis = { severity, evidence: 'status', sources: [bdf], errors: [] };
    this.#explain(this.#open('survey', bdf, concerns), diagnosis);
  }

  /** How the host's own recovery from an error ended, by the number of its event. */
  hostEnd(sequence: number): Promise<OperationResult> {
    const end = this.#ends.get(sequence);
    this.#ends.delete(sequence);
    return end ?? Promise.resolve({ ok: false, why: 'failed', detail: 'Nothing is known of this error any more.' });
  }

  /** An error of functions that are recovered already is waited for with them: the host takes one after the other. */
  #join(functions: Iterable<Bdf>): ObservedIncident | undefined {
    const all = [...functions];
    const known = [...this.#running].find(({ concerns }) => all.some((bdf) => concerns.has(bdf)));
    known?.happened(all);
    return known;
  }

  #open(origin: ObservedIncident['origin'], bdf: Bdf, concerns: Iterable<Bdf>): ObservedIncident {
    const incident = new ObservedIncident(origin, this.#around.watch.rootOf(bdf), concerns);
    this.#running.add(incident);
    void this.#follow(incident);
    return incident;
  }

  #explain(incident: ObservedIncident, diagnosis: Diagnosis): void {
    incident.explained = true;
    incident.fatal ||= diagnosis.severity === 'fatal';
    const sequence = this.#around.report(incident, diagnosis);
    if (sequence === undefined) return;
    this.#ends.set(sequence, incident.over);
    const [oldest] = this.#ends.keys();
    if (this.#ends.size > MOST_ENDS) this.#ends.delete(oldest!);
  }

  /** Nothing was traced yet: it may come a moment later, or counters tell, or nobody. */
  async #workOut(incident: ObservedIncident): Promise<void> {
    const { watch, clock, timings, closing } = this.#around;
    const until = clock.monotonic() + timings.grace * 1e6;
    try {
      while (watch.traces && !incident.explained && clock.monotonic() < until)
        await watch.cycles.bell.within((until - clock.monotonic()) / 1e6, closing);
    } catch {
      return;
    }
    const diagnosis = (incident.explained ? undefined : await this.#counted(incident)) ?? UNKNOWN;
    if (incident.explained) return;
    for (const source of diagnosis.sources)
      for (const bdf of concernedBy(watch.topology, source)) incident.concerns.add(bdf);
    this.#explain(incident, diagnosis);
  }

  /** What functions counted since the last time that can have concerned those of an incident. */
  async #counted({ concerns }: ObservedIncident): Promise<Diagnosis | undefined> {
    const { watch, counters } = this.#around;
    const sources = [...concerns].flatMap((bdf) => [...possibleSources(watch.topology, bdf)]);
    return diagnose(await counters.moved(new Set(sources)), []);
  }

  async #follow(incident: ObservedIncident): Promise<void> {
    const { watch, clock, timings, closing } = this.#around;
    try {
      let end: OperationResult;
      let seen: number;
      do {
        end = await followHost(incident, watch.cycles, clock, timings, closing);
        seen = incident.happenings;
        // What was counted meanwhile belongs to it, and not to a later error that nothing traces.
        if (incident.explained) await this.#counted(incident);
      } while (incident.happenings !== seen && end.ok);
      this.#close(incident, end);
    } catch (error) {
      this.#close(incident, { ok: false, why: closing.aborted ? 'stopped' : 'failed', detail: String(error) });
    }
  }

  #close(incident: ObservedIncident, end: OperationResult): void {
    this.#running.delete(incident);
    // What was told of a function belongs to whoever still waits for it, too.
    const own = [...incident.concerns].filter((bdf) => !this.concerns(bdf));
    this.#around.watch.cycles.settle(own, end.ok);
    incident.close(end);
  }
}
