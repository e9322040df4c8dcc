import { compareBdf, type Bdf, type Clock, type OperationResult } from '@pci-recovery/core';
import { awaitHost, type HostRecovery } from './await-host.js';
import { classify, counted, UNKNOWN, type Evidence } from './classify.js';
import { type Diagnosis } from './diagnosis.js';
import { type EventMaker } from './event-maker.js';
import { Incident } from './incident.js';
import { LateSignals } from './late-signals.js';
import { concernedBy } from './neighbourhood.js';
import { type AerOwnerTimings } from './owner-timings.js';
import { type AerLinuxEvent, type AerLinuxRecord } from './record.js';

/** What incidents need. */
export interface IncidentSurroundings {
  readonly evidence: Evidence;
  readonly events: EventMaker;
  readonly clock: Clock;
  readonly timings: AerOwnerTimings;
  /** Where new errors go. */
  readonly report: (event: AerLinuxEvent) => void;
}

/** Ends of the host that nobody has asked for are forgotten beyond that number: their errors were recorded only. */
const MOST_ENDS = 256;

const LEFT: OperationResult = { ok: true, value: 'left' };

/**
 * Errors of held devices, one for each recovery of the host's: its signals at several functions, and the one that it gives up with,
 * are the same error. Signals and uevents both tell of an error, and either may come first, or alone. What comes after the host's end is
 * the next one.
 */
export class Incidents {
  readonly #around: IncidentSurroundings;
  readonly #running = new Set<Incident>();
  readonly #hostEnds = new Map<number, Promise<OperationResult>>();
  readonly #late: LateSignals;
  /** What was counted while an incident below a root port ended: it may be the next one's, whose signal comes a moment later. */
  readonly #spare = new Map<Bdf, { readonly diagnosis: Diagnosis; readonly at: number }>();

  constructor(around: IncidentSurroundings) {
    this.#around = around;
    this.#late = new LateSignals(around.clock, around.timings.grace);
  }

  /** The function belongs to an error that the host still recovers. */
  concerns(bdf: Bdf): boolean {
    return this.#of(bdf) !== undefined;
  }

  /** The ERR eventfd of a held function was signalled. */
  signalled(bdf: Bdf, signals: number): void {
    const fresh = this.#late.newOf(bdf, signals);
    if (fresh > 0) this.#happened(bdf, fresh, 'signal', true);
  }

  /** The host's own recovery of a held function went on. `isNew`: it was not known to run. */
  recovering(bdf: Bdf, isNew: boolean): void {
    this.#happened(bdf, 0, 'uevent', isNew);
  }

  /** A function was found broken. */
  found(bdf: Bdf, severity: Diagnosis['severity']): AerLinuxEvent {
    const diagnosis: Diagnosis = { severity, evidence: 'status', sources: [bdf], errors: [] };
    return this.#explain(this.#open(bdf, 'survey'), diagnosis);
  }

  /** Nobody holds a function any more: nothing is waited for on its account. */
  release(bdf: Bdf): void {
    this.#late.forget(bdf);
    for (const incident of this.#running) incident.release(bdf);
    this.#around.evidence.watch.cycles.bell.ring();
  }

  /** How the host's own recovery from an error ended, by the number of its event: {@link awaitHost}. */
  hostEnd(sequence: number): Promise<OperationResult> {
    const end = this.#hostEnds.get(sequence);
    this.#hostEnds.delete(sequence);
    return end ?? Promise.resolve({ ok: false, why: 'failed', detail: 'Nothing is known of this error any more.' });
  }

  /** How the host ended what it recovers some functions from now; nothing when it does not. Nobody may touch them before (R3.5). */
  async calm(functions: readonly Bdf[]): Promise<readonly OperationResult[]> {
    const ends: OperationResult[] = [];
    for (let open = this.#openFor(functions); open; open = this.#openFor(functions)) ends.push(await open.over);
    return ends;
  }

  #openFor(functions: readonly Bdf[]): Incident | undefined {
    return [...this.#running].find(({ concerns }) => functions.some((bdf) => concerns.has(bdf)));
  }

  #of(bdf: Bdf): Incident | undefined {
    return this.#openFor([bdf]);
  }

  /** A signal, or a uevent: it belongs to a running incident, or begins one, or is the end of one that is not waited for any longer. */
  #happened(bdf: Bdf, signals: number, origin: 'signal' | 'uevent', mayBegin: boolean): void {
    const { cycles } = this.#around.evidence.watch;
    const root = this.#around.evidence.watch.rootOf(bdf);
    const known = this.#of(bdf) ?? [...this.#running].find((one) => one.unexplored && one.root === root);
    if (known) known.happened(bdf, signals);
    else if (mayBegin) void this.#begin(bdf, signals, origin);
    else cycles.settle([bdf]);
    cycles.bell.ring();
  }

  async #begin(bdf: Bdf, signals: number, origin: 'signal' | 'uevent'): Promise<void> {
    const { evidence, report } = this.#around;
    const incident = this.#open(bdf, origin);
    incident.happened(bdf, signals);
    let seen: number;
    let diagnosis: Diagnosis | undefined;
    do {
      seen = incident.happenings;
      diagnosis = (await classify(evidence, incident).catch(() => UNKNOWN)) ?? this.#spareOf(incident);
    } while (!diagnosis && incident.happenings !== seen);
    report(diagnosis ? this.#explain(incident, diagnosis) : this.#unexplained(incident));
  }

  #spareOf({ root, opened }: Incident): Diagnosis | undefined {
    const { clock, timings } = this.#around;
    const spare = this.#spare.get(root);
    if (spare && clock.monotonic() - spare.at > timings.host * 1e6) this.#spare.delete(root);
    return spare && opened - spare.at <= timings.grace * 1e6 ? spare.diagnosis : undefined;
  }

  #open(bdf: Bdf, origin: Incident['origin']): Incident {
    const { watch } = this.#around.evidence;
    const incident = new Incident(origin, bdf, watch.rootOf(bdf), watch.cycles.losses, this.#around.clock.monotonic());
    // What was lost a moment ago may have been its begin.
    incident.blind = !watch.cycles.hearsAll(this.#around.timings.calm);
    this.#running.add(incident);
    return incident;
  }

  /** From here on it is known whom it concerns: whoever was signalled, and everybody whom the kernel recovers with them. */
  #explain(incident: Incident, diagnosis: Diagnosis): AerLinuxEvent {
    const { watch, heldOf } = this.#around.evidence;
    incident.unexplored = false;
    incident.fatal = diagnosis.severity === 'fatal';
    for (const source of [...diagnosis.sources, ...incident.concerns])
      for (const bdf of concernedBy(watch.topology, source)) if (heldOf(bdf)) incident.concerns.add(bdf);
    const event = this.#event(incident, diagnosis.severity, diagnosis);
    this.#hostEnds.set(event.sequence, incident.over);
    const [oldest] = this.#hostEnds.keys();
    if (this.#hostEnds.size > MOST_ENDS) this.#hostEnds.delete(oldest!);
    void this.#followHost(incident);
    return event;
  }

  #unexplained(incident: Incident): AerLinuxEvent {
    this.#running.delete(incident);
    incident.close(LEFT);
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
    const bdf = sources.find(heldOf) ?? whom[0] ?? root;
    return this.#around.events.make(
      severity,
      { bdf, generation: heldOf(bdf)?.generation ?? 0 },
      { origin, root, severity, evidence, sources, errors, ...(tlpHeader ? { tlpHeader } : {}), concerns: whom },
    );
  }

  /** Runs beside the recovery, which asks for its end: also an error that nobody recovers ends. */
  async #followHost(incident: Incident): Promise<void> {
    const { evidence, clock, timings } = this.#around;
    const { closing, watch } = evidence;
    try {
      await awaitHost(this.#recoveryOf(incident), { cycles: watch.cycles, clock, timings, closing });
    } catch (error) {
      this.#close(incident, { ok: false, why: closing.aborted ? 'stopped' : 'failed', detail: String(error) });
    }
  }

  #recoveryOf(incident: Incident): HostRecovery {
    const { evidence, clock } = this.#around;
    const { cycles } = evidence.watch;
    return {
      functions: incident.concerns,
      get devices() {
        return [...incident.concerns].flatMap((bdf) => evidence.heldOf(bdf) ?? []);
      },
      get fatal() {
        return incident.fatal;
      },
      get happenings() {
        return incident.happenings;
      },
      get released() {
        return incident.released;
      },
      get blind() {
        return incident.origin === 'survey' || incident.blind || cycles.deaf || cycles.losses > incident.losses;
      },
      get ahead() {
        return Math.max(0, ...Array.from(incident.concerns, (bdf) => incident.signalsOf(bdf) - cycles.toldTo(bdf)));
      },
      recount: async () => {
        const more = await counted(evidence, incident);
        if (more) this.#spare.set(incident.root, { diagnosis: more, at: clock.monotonic() });
        if (more?.severity === 'fatal') incident.fatal = true;
      },
      close: (end) => this.#close(incident, end),
    };
  }

  /** What was seen of it is settled; signals that its uevents have announced may still come. */
  #close(incident: Incident, end: OperationResult): void {
    const { cycles } = this.#around.evidence.watch;
    for (const bdf of incident.concerns) this.#late.expect(bdf, cycles.toldTo(bdf) - incident.signalsOf(bdf));
    cycles.settle(incident.concerns, end.ok);
    this.#running.delete(incident);
    incident.close(end);
  }
}
