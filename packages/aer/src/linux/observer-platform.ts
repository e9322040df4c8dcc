import {
  EventQueue,
  EventStream,
  compareBdf,
  type Bdf,
  type Capability,
  type Clock,
  type ErrorEvent,
  type Member,
  type Operation,
  type OperationResult,
  type PerformContext,
  type RecoveryPlatform,
  type RecoveryScope,
  type Stoppable,
} from '@pci-recovery/core';
import { type AerTraceEvent } from '@pci-recovery/core/linux';
import { aerObserverProcedure } from '../procedure/observer.js';
import { pollCorrectable } from './correctable-poll.js';
import { CounterWatch, type Moved } from './counters.js';
import { type Diagnosis } from './diagnosis.js';
import { EventMaker } from './event-maker.js';
import { HostAdministration } from './host-administration.js';
import { KernelWatch, type AerLinuxPorts } from './kernel-watch.js';
import { type ObservedIncident } from './observed-incident.js';
import { ObservedIncidents } from './observed-incidents.js';
import { AER_OBSERVER_TIMINGS, type AerObserverTimings } from './observer-timings.js';
import { type AerEvidence, type AerLinuxEvent, type AerLinuxRecord } from './record.js';
import { SeenFunctions } from './seen-function.js';
import { STOPPED } from './operation-failure.js';
import { untilAborted } from './until-aborted.js';

/** What can be set differently. */
export interface AerObserverOptions {
  /** Default: `aer-observer`. */
  readonly name?: string;
  /** Default: {@link AER_OBSERVER_TIMINGS}. */
  readonly timings?: AerObserverTimings;
  /** Whose errors are reported. Default: everybody's. An error that concerns one of them is reported whole. */
  readonly observes?: (bdf: Bdf) => boolean;
  /** Told what does not work, although observation goes on without it. It must not throw. */
  readonly trouble?: (error: unknown) => void;
}

const NOBODY: Member['handles'] = new Set();

/**
 * AER as host administration sees it: errors of functions that drivers or other processes hold are reported with severity and source, the
 * host's own recovery is followed, and its end is checked against what the functions answer. It touches nothing by itself.
 *
 * Source: Linux 7.3 drivers/pci/pcie/aer.c:aer_print_error (trace and counters), drivers/pci/pci-driver.c:pci_uevent_ers.
 */
export class AerObserverPlatform implements RecoveryPlatform {
  readonly name: string;
  readonly procedure = aerObserverProcedure;
  readonly capabilities: Readonly<Record<string, Capability>> = {};
  readonly #ports: AerLinuxPorts;
  readonly #clock: Clock;
  readonly #timings: AerObserverTimings;
  readonly #observes: (bdf: Bdf) => boolean;
  readonly #trouble: (error: unknown) => void;
  readonly #watch: KernelWatch;
  readonly #counters: CounterWatch;
  readonly #events: EventMaker;
  readonly #incidents: ObservedIncidents;
  readonly #functions: SeenFunctions;
  readonly #administration: HostAdministration;
  readonly #queue = new EventQueue<AerLinuxEvent>();
  readonly #found: AerLinuxEvent[] = [];
  readonly #closing = new AbortController();
  #started: Promise<{ readonly ended: Promise<void> }> | undefined;
  #polling: Promise<void> = Promise.resolve();

  constructor(ports: AerLinuxPorts, clock: Clock, options: AerObserverOptions = {}) {
    const { name = 'aer-observer', timings = AER_OBSERVER_TIMINGS, observes = () => true } = options;
    this.name = name;
    this.#ports = ports;
    this.#clock = clock;
    this.#timings = timings;
    this.#observes = observes;
    this.#trouble = options.trouble ?? (() => undefined);
    this.#events = new EventMaker(name, clock);
    this.#counters = new CounterWatch(ports.sysfs, ['fatal', 'nonfatal'], this.#trouble);
    this.#functions = new SeenFunctions(ports.sysfs, clock);
    const listener = {
      traced: (event: AerTraceEvent) => this.#traced(event),
      recovering: ({ bdf }: { bdf: Bdf }, isNew: boolean) => this.#incidents.recovering(bdf, isNew),
      plugged: (bdf: Bdf) => this.#counters.restart(bdf),
      refreshed: () => void this.#counters.baseline(this.#all()),
      trouble: this.#trouble,
    };
    this.#watch = new KernelWatch(ports, clock, listener, 'last');
    this.#incidents = new ObservedIncidents({
      watch: this.#watch,
      counters: this.#counters,
      clock,
      timings,
      closing: this.#closing.signal,
      report: (incident, diagnosis) => this.#report(incident, diagnosis),
    });
    const isRecovered = (bdf: Bdf): boolean => this.#incidents.concerns(bdf);
    this.#administration = new HostAdministration(ports.sysfs, this.#functions, isRecovered);
  }

  events({ signal }: Stoppable): AsyncIterable<AerLinuxEvent> {
    return new EventStream(this.#queue, signal, (until) => this.#follow(until));
  }

  /** Functions that show an error which nobody recovers, or that do not answer. What cannot be read for want of privilege is left out. */
  async survey({ signal }: Stoppable): Promise<readonly AerLinuxEvent[]> {
    await this.#start();
    for (const bdf of this.#all()) {
      if (signal.aborted) break;
      if (!this.#observes(bdf)) continue;
      const status = await this.#functions.statusOf(bdf);
      if (status === 'clean' || status === 'unknown' || this.#incidents.concerns(bdf)) continue;
      this.#incidents.found(bdf, status === 'silent' ? 'fatal' : status);
    }
    return this.#found.splice(0);
  }

  scopeOf(event: ErrorEvent): RecoveryScope {
    return this.scopeOfFunctions((event.record as AerLinuxRecord).concerns);
  }

  /** Some functions as a scope, so that `engine.exclusive` keeps {@link reset} and recoveries apart. */
  scopeOfFunctions(functions: readonly Bdf[]): RecoveryScope {
    const present = functions.flatMap((bdf) => this.#watch.topology.get(bdf) ?? []);
    const members = present.map(({ bdf, bridge, driver }): Member => {
      return { bdf, generation: 0, bridge, channel: 'normal', driver: driver !== undefined, handles: NOBODY };
    });
    return { id: `seen ${functions[0] ?? 'nobody'}`, members, capabilities: this.capabilities };
  }

  async perform(operation: Operation, { scope, signal }: PerformContext): Promise<OperationResult> {
    const functions = scope.members.map(({ bdf }) => bdf);
    switch (operation.name) {
      case 'follow_host':
        return untilAborted(this.#incidents.hostEnd(Number(operation['seen'])), signal, () => STOPPED);
      case 'read_status':
        return { ok: true, value: await this.#functions.worstOf(functions) };
      case 'look': {
        const { answer, poll } = this.#timings;
        return { ok: true, value: (await this.#functions.silentOf(functions, answer, poll, signal)).join(' ') };
      }
      default:
        return { ok: false, why: 'unsupported', detail: `An observer has no operation "${operation.name}".` };
    }
  }

  /**
   * {@link HostAdministration.reset}. Run it through `engine.exclusive(platform.scopeOfFunctions([bdf]), …)`, so that no recovery of this
   * engine touches the function meanwhile.
   */
  async reset(bdf: Bdf, options: Stoppable): Promise<readonly string[]> {
    await this.#start();
    return this.#administration.reset(bdf, options);
  }

  /** {@link HostAdministration.remove}. */
  async remove(bdf: Bdf, options: Stoppable): Promise<void> {
    await this.#start();
    await this.#administration.remove(bdf, options);
  }

  /** {@link HostAdministration.rescan}. */
  async rescan(bdf: Bdf, options: Stoppable): Promise<void> {
    await this.#start();
    await this.#administration.rescan(bdf, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await (await this.#started)?.ended.catch(() => undefined);
    await this.#polling;
  }

  #all(): Bdf[] {
    return Array.from(this.#watch.topology.functions(), ({ bdf }) => bdf).sort(compareBdf);
  }

  #start(): Promise<{ readonly ended: Promise<void> }> {
    return (this.#started ??= this.#watch.start(this.#closing.signal));
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { ended } = await this.#start();
    ended.catch((error: unknown) => this.#queue.fail(error));
    const stop = AbortSignal.any([signal, this.#closing.signal]);
    if (!this.#watch.traces) this.#polling = this.#pollCorrectable(stop);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }

  #pollCorrectable(signal: AbortSignal): Promise<void> {
    const counters = new CounterWatch<'correctable'>(this.#ports.sysfs, ['correctable'], this.#trouble);
    const tell = (moved: Moved<'correctable'>): void => this.#correctable(moved, 'counters');
    const observed = (): Bdf[] => this.#all().filter(this.#observes);
    return pollCorrectable(counters, observed, this.#clock, this.#timings.counters, signal, tell);
  }

  #traced(event: AerTraceEvent): void {
    if (event.severity !== 'corrected') this.#incidents.traced(event);
    else if (this.#observes(event.bdf)) this.#correctable(event, 'trace');
  }

  #correctable({ bdf, errors }: Pick<AerTraceEvent, 'bdf' | 'errors'>, evidence: AerEvidence): void {
    const root = this.#watch.rootOf(bdf);
    const known = { origin: 'kernel', root, severity: 'correctable', evidence } as const;
    this.#push({ ...known, sources: [bdf], errors, concerns: [bdf] });
  }

  #report({ origin, root, concerns }: ObservedIncident, diagnosis: Diagnosis): number | undefined {
    const whom = [...concerns].sort(compareBdf);
    if (!whom.some(this.#observes) && !diagnosis.sources.some(this.#observes)) return undefined;
    return this.#push({ origin, root, ...diagnosis, concerns: whom });
  }

  /** @returns its number. What a survey finds is told by the survey. */
  #push(record: AerLinuxRecord): number {
    const bdf = record.sources[0] ?? record.concerns[0]!;
    const event = this.#events.make(record.severity, { bdf, generation: 0 }, record);
    if (record.origin === 'survey') this.#found.push(event);
    else this.#queue.push(event);
    return event.sequence;
  }
}
