import { compareBdf, type Bdf, type Clock, type OperationResult } from '@pci-recovery/core';
import { awaitHost } from './await-host.js';
import { classify, counted, UNKNOWN, type Evidence } from './classify.js';
import { type EventMaker } from './event-maker.js';
import { type Diagnosis } from './diagnosis.js';
import { concernedBy } from './neighbourhood.js';
import { type AerOwnerTimings } from './owner-timings.js';
import { type AerLinuxEvent, type AerLinuxRecord } from './record.js';

/** One error of the host, from the first signal until the host has ended: the kernel signals every function below a port. */
interface Incident {
  readonly origin: AerLinuxRecord['origin'];
  /** The root port above. */
  readonly root: Bdf;
  /** The held functions that it concerns; grows while it is worked out whose error it is. */
  readonly concerns: Set<Bdf>;
  /** So often uevents had been lost when it opened. */
  readonly losses: number;
  /** It is not yet known whose error it is: whoever is signalled below the same root port belongs to it. */
  unexplored: boolean;
}

/** What incidents need. */
export interface IncidentSurroundings {
  readonly evidence: Evidence;
  readonly events: EventMaker;
  readonly clock: Clock;
  readonly timings: AerOwnerTimings;
  /** Aborts when the platform closes. */
  readonly closing: AbortSignal;
}

/** Ends of the host that nobody has asked for are forgotten beyond that number: their errors were recorded only. */
const MOST_ENDS = 256;

/**
 * Errors of held devices, one for each recovery of the host's: its signals at several functions, and the one that it gives up with,
 * are the same error. A signal that comes after the host's end is the next one.
 */
export class Incidents {
  readonly #around: IncidentSurroundings;
  readonly #running = new Set<Incident>();
  readonly #hostEnds = new Map<number, Promise<OperationResult>>();

  constructor(around: IncidentSurroundings) {
    this.#around = around;
  }

  /** The function belongs to an error that the host still recovers. */
  concerns(bdf: Bdf): boolean {
    return this.#of(bdf) !== undefined;
  }

  /** The ERR eventfd of a function was signalled: the event, when it is a new error and it is known what it is. Never rejects. */
  async signalled(bdf: Bdf): Promise<AerLinuxEvent | undefined> {
    const root = this.#around.evidence.watch.rootOf(bdf);
    const known = this.#of(bdf) ?? [...this.#running].find((one) => one.unexplored && one.root === root);
    if (known) {
      known.concerns.add(bdf);
      return undefined;
    }
    const incident = this.#open(bdf, 'signal');
    const diagnosis = await classify(this.#around.evidence, incident).catch(() => UNKNOWN);
    return diagnosis ? this.#report(incident, diagnosis) : this.#unexplained(incident);
  }

  /** A function was found broken. */
  found(bdf: Bdf, severity: Diagnosis['severity']): AerLinuxEvent {
    const diagnosis: Diagnosis = { severity, evidence: 'status', sources: [bdf], errors: [] };
    return this.#report(this.#open(bdf, 'survey'), diagnosis);
  }

  /** How the host's own recovery from an error ended, by the number of its event: {@link awaitHost}. */
  hostEnd(sequence: number): Promise<OperationResult> {
    const end = this.#hostEnds.get(sequence);
    this.#hostEnds.delete(sequence);
    return end ?? Promise.resolve({ ok: false, why: 'failed', detail: 'Nothing is known of this error any more.' });
  }

  #of(bdf: Bdf): Incident | undefined {
    return [...this.#running].find(({ concerns }) => concerns.has(bdf));
  }

  #open(bdf: Bdf, origin: Incident['origin']): Incident {
    const { watch } = this.#around.evidence;
    const { losses } = watch.cycles;
    const incident = { origin, root: watch.rootOf(bdf), concerns: new Set([bdf]), losses, unexplored: true };
    this.#running.add(incident);
    return incident;
  }

  /** From here on it is known whom it concerns. */
  #report(incident: Incident, diagnosis: Diagnosis): AerLinuxEvent {
    incident.unexplored = false;
    const { watch, heldOf } = this.#around.evidence;
    for (const source of diagnosis.sources)
      for (const bdf of concernedBy(watch.topology, source)) if (heldOf(bdf)) incident.concerns.add(bdf);
    const event = this.#event(incident, diagnosis.severity, diagnosis);
    this.#hostEnds.set(event.sequence, this.#followHost(incident, diagnosis));
    const [oldest] = this.#hostEnds.keys();
    if (this.#hostEnds.size > MOST_ENDS) this.#hostEnds.delete(oldest!);
    return event;
  }

  #unexplained(incident: Incident): AerLinuxEvent {
    this.#running.delete(incident);
    return this.#event(incident, 'informative', { evidence: 'none', sources: [], errors: [] });
  }

  #event(
    { origin, root, concerns }: Incident,
    severity: AerLinuxRecord['severity'],
    known: Pick<AerLinuxRecord, 'evidence' | 'sources' | 'errors' | 'tlpHeader'>,
  ): AerLinuxEvent {
    const { heldOf } = this.#around.evidence;
    const { evidence, sources, errors, tlpHeader } = known;
    const whom = [...concerns].sort(compareBdf);
    const bdf = sources.find(heldOf) ?? whom[0]!;
    return this.#around.events.make(
      severity,
      { bdf, generation: heldOf(bdf)?.generation ?? 0 },
      { origin, root, severity, evidence, sources, errors, ...(tlpHeader ? { tlpHeader } : {}), concerns: whom },
    );
  }

  /** Runs beside the recovery, which asks for its end: also an error that nobody recovers ends. */
  async #followHost(incident: Incident, { severity }: Diagnosis): Promise<OperationResult> {
    const { evidence, clock, timings, closing } = this.#around;
    const { cycles } = evidence.watch;
    const functions = [...incident.concerns];
    const devices = functions.flatMap((bdf) => evidence.heldOf(bdf) ?? []);
    const blind = (): boolean => incident.origin === 'survey' || cycles.losses > incident.losses;
    const recovery = { functions, devices, fatal: severity === 'fatal', blind };
    try {
      const end = await awaitHost(recovery, cycles, clock, timings, closing);
      // What was counted meanwhile belongs to this error, as its signals did.
      await counted(evidence, incident);
      return end;
    } catch (error) {
      return { ok: false, why: closing.aborted ? 'stopped' : 'failed', detail: String(error) };
    } finally {
      cycles.settle(functions);
      this.#running.delete(incident);
    }
  }
}
