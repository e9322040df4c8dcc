import {
  EventQueue,
  EventStream,
  type Bdf,
  type Capability,
  type ChannelState,
  type Clock,
  type DeviceRef,
  type ErrorEvent,
  type Operation,
  type OperationResult,
  type PerformContext,
  type RecoveryPlatform,
  type RecoveryScope,
  type Stoppable,
} from '@pci-recovery/core';
import { type AerTraceEvent, type VfioDevicePort } from '@pci-recovery/core/linux';
import { aerOwnerProcedure } from '../procedure/owner.js';
import { type Evidence } from './classify.js';
import { CounterWatch } from './counters.js';
import { EventMaker } from './event-maker.js';
import { type HeldDevice } from './held-device.js';
import { Holdings } from './holdings.js';
import { Incidents } from './incidents.js';
import { KernelWatch, type AerLinuxPorts } from './kernel-watch.js';
import { closed, silent } from './misuse.js';
import { possibleSources, upwards } from './neighbourhood.js';
import { hotResetOf, memberOf, OwnerOperations } from './owner-operations.js';
import { AER_OWNER_TIMINGS, type AerOwnerTimings } from './owner-timings.js';
import { type AerLinuxEvent, type AerLinuxRecord } from './record.js';
import { TraceMemory } from './trace-memory.js';

/** What can be set differently. */
export interface AerOwnerOptions {
  /** Default: `aer-owner`. */
  readonly name?: string;
  /** Default: {@link AER_OWNER_TIMINGS}. */
  readonly timings?: AerOwnerTimings;
  /** Told what does not work, although recovery goes on without it. It must not throw. */
  readonly trouble?: (error: unknown) => void;
}

/**
 * AER for the holder of VFIO devices on Linux. The kernel signals an error before it resets anything, and says neither what it was nor
 * whose: both are worked out, listeners are told at once (R3.8), and nothing touches the device until the host has ended (R3.5).
 *
 * Source: Linux 7.3 drivers/vfio/pci/vfio_pci_core.c:vfio_pci_core_aer_err_detected, drivers/pci/pcie/err.c:pcie_do_recovery.
 */
export class AerOwnerPlatform implements RecoveryPlatform {
  readonly name: string;
  readonly procedure = aerOwnerProcedure;
  readonly capabilities: Readonly<Record<string, Capability>> = { hot_reset: true };
  readonly #watch: KernelWatch;
  readonly #counters: CounterWatch;
  readonly #events: EventMaker;
  readonly #incidents: Incidents;
  readonly #operations: OwnerOperations;
  readonly #queue = new EventQueue<AerLinuxEvent>();
  readonly #traced = new TraceMemory();
  readonly #held: Holdings;
  readonly #closing = new AbortController();
  #started: Promise<{ readonly ended: Promise<void> }> | undefined;

  constructor(ports: AerLinuxPorts, clock: Clock, options: AerOwnerOptions = {}) {
    const { name = 'aer-owner', timings = AER_OWNER_TIMINGS, trouble = () => undefined } = options;
    this.name = name;
    this.#events = new EventMaker(name, clock);
    this.#held = new Holdings({ sysfs: ports.sysfs, clock, timings, trouble });
    this.#counters = new CounterWatch(ports.sysfs, ['fatal', 'nonfatal'], trouble);
    this.#watch = new KernelWatch(ports, clock, {
      traced: (event) => this.#takeTrace(event),
      recovering: ({ bdf }, isNew) => void (this.#held.get(bdf) && this.#incidents.recovering(bdf, isNew)),
      plugged: (bdf) => this.#counters.restart(bdf),
      refreshed: () => this.#refreshed(),
      trouble,
    });
    const evidence: Evidence = {
      watch: this.#watch,
      counters: this.#counters,
      clock,
      grace: timings.grace,
      host: timings.host,
      closing: this.#closing.signal,
      heldOf: (bdf) => this.#held.get(bdf),
      takeTraced: (sources) => this.#traced.take(sources),
    };
    const report = (event: AerLinuxEvent): void => this.#queue.push(event);
    this.#incidents = new Incidents({ evidence, events: this.#events, clock, timings, report });
    this.#operations = new OwnerOperations(this.#incidents, clock, timings);
  }

  /**
   * Takes a device into care: saves what a reset would take away, as it is now. Call {@link save} when it was set up further. Disposing
   * lets go of it; the port stays open.
   * @throws PciRecoveryError `ERR_PCI_DUPLICATE_FUNCTION` when its address is held already, `ERR_PCI_NO_ANSWER` when it answers all
   * ones: there is nothing that could be restored later (R2.8), `ERR_PCI_CLOSED` when this platform is closed.
   */
  async hold(port: VfioDevicePort): Promise<Disposable> {
    const { bdf } = port;
    if (this.#closing.signal.aborted) throw closed(this.name);
    const listening: Disposable[] = [];
    const device = this.#held.add(port, () => {
      for (const one of listening) one[Symbol.dispose]();
      this.#incidents.release(bdf);
      void this.#held.surveyHotResets();
    });
    this.#watch.cycles.forget(bdf);
    try {
      listening.push(port.onError((signals) => this.#incidents.signalled(bdf, signals)));
      listening.push(port.onRequest(() => this.#watch.cycles.want(bdf)));
      await this.#start();
      await this.#begin(device);
    } catch (error) {
      this.#held.remove(device);
      throw error;
    }
    return { [Symbol.dispose]: () => this.#held.remove(device) };
  }

  /**
   * Saves the configuration of a held device as it is now, to be restored after a reset. False: it is not held, does not answer, or the
   * host recovers it: what a reset leaves is not worth saving.
   */
  async save(bdf: Bdf): Promise<boolean> {
    if (this.#incidents.concerns(bdf)) return false;
    return (await this.#held.get(bdf)?.save()) ?? false;
  }

  /** The channel of a held function as its last recovery left it. */
  channelOf(bdf: Bdf): ChannelState {
    return this.#held.get(bdf)?.channel ?? 'normal';
  }

  events({ signal }: Stoppable): AsyncIterable<AerLinuxEvent> {
    return new EventStream(this.#queue, signal, (until) => this.#follow(until));
  }

  /** Held devices whose own status shows an error that nobody recovers, or that do not answer (R1.6). */
  async survey({ signal }: Stoppable): Promise<readonly AerLinuxEvent[]> {
    await this.#start();
    const found: AerLinuxEvent[] = [];
    for (const device of this.#held.list()) {
      const status = signal.aborted ? 'clean' : await device.status();
      if (status === 'clean' || this.#incidents.concerns(device.bdf)) continue;
      found.push(this.#incidents.found(device.bdf, status === 'silent' ? 'fatal' : status));
    }
    return found;
  }

  scopeOf(event: ErrorEvent): RecoveryScope {
    const { concerns } = event.record as AerLinuxRecord;
    const devices = this.#held.of(concerns);
    const bridge = this.#watch.topology.upstreamBridge(event.device.bdf)?.bdf;
    return {
      id: bridge ? `held below ${bridge}` : `held ${event.device.bdf}`,
      members: devices.map(memberOf),
      capabilities: { hot_reset: hotResetOf(devices) },
    };
  }

  async perform(operation: Operation, { scope, signal }: PerformContext): Promise<OperationResult> {
    const devices = scope.members.flatMap(({ bdf, generation }) => {
      const device = this.#held.get(bdf);
      return device?.generation === generation ? device : [];
    });
    if (devices.length < scope.members.length)
      return { ok: false, why: 'gone', detail: 'A function is not held any more.' };
    return this.#operations.perform(operation, devices, signal);
  }

  /** A failure is told and not stored: the next error starts as any other (err.c:report_perm_failure_detected). */
  beforeCallback({ bdf, generation }: DeviceRef, _: unknown, channel: ChannelState): void {
    const held = this.#held.get(bdf);
    if (held?.generation === generation && channel !== 'perm_failure') held.channel = channel;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#held.removeAll();
    await (await this.#started)?.ended.catch(() => undefined);
  }

  /** Whoever comes first, a device that is held or the engine. */
  #start(): Promise<{ readonly ended: Promise<void> }> {
    return (this.#started ??= this.#watch.start(this.#closing.signal));
  }

  /** What happened before belongs to nobody, unless it may be a sibling's error that is just being worked out. */
  async #begin(device: HeldDevice): Promise<void> {
    const { topology } = this.#watch;
    const others = this.#held.possibleSources(topology, device.bdf);
    const own = [...possibleSources(topology, device.bdf)].filter((bdf) => !others.has(bdf));
    this.#traced.take(new Set(own));
    await this.#counters.baseline(own, true);
    if (!(await device.save())) throw silent(device.bdf);
    await this.#held.surveyHotResets();
  }

  #refreshed(): void {
    void this.#counters.baseline(this.#held.possibleSources(this.#watch.topology));
    void this.#held.surveyHotResets();
  }

  /** Until `signal` aborts. Without uevents nobody knows when the host has ended: their failure is the platform's. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { ended } = await this.#start();
    ended.catch((error: unknown) => this.#queue.fail(error));
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }

  /** Correctable errors are recorded as they are traced (R1.2); others wait for the signal that belongs to them. */
  #takeTrace(event: AerTraceEvent): void {
    const { bdf, errors, severity, tlpHeader } = event;
    if (severity !== 'corrected') {
      if (this.#held.possibleSources(this.#watch.topology).has(bdf)) this.#traced.keep(event);
      return;
    }
    const held = this.#held.list().map((device) => device.bdf);
    const concerns = held.filter((one) => upwards(this.#watch.topology, one).includes(bdf));
    if (concerns.length === 0) return;
    const record: AerLinuxRecord = {
      origin: 'kernel',
      root: this.#watch.rootOf(bdf),
      severity: 'correctable',
      evidence: 'trace',
      sources: [bdf],
      errors,
      ...(tlpHeader ? { tlpHeader } : {}),
      concerns,
    };
    const generation = this.#held.get(bdf)?.generation ?? 0;
    this.#queue.push(this.#events.make('correctable', { bdf, generation }, record));
  }
}
