import {
  compareBdf,
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
import { EventQueue } from '../platform/event-queue.js';
import { EventStream } from '../platform/event-stream.js';
import { aerOwnerProcedure } from '../procedure/owner.js';
import { counted, type Evidence } from './classify.js';
import { CounterWatch } from './counters.js';
import { EventMaker } from './event-maker.js';
import { HeldDevice } from './held-device.js';
import { Incidents } from './incidents.js';
import { KernelWatch, type AerLinuxPorts } from './kernel-watch.js';
import { upwards } from './neighbourhood.js';
import { duplicate, silent } from './misuse.js';
import { each, hotReset, hotResetOf, memberOf, untilAborted } from './owner-operations.js';
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
  readonly #clock: Clock;
  readonly #timings: AerOwnerTimings;
  readonly #watch: KernelWatch;
  readonly #evidence: Evidence;
  readonly #events: EventMaker;
  readonly #incidents: Incidents;
  readonly #queue = new EventQueue<AerLinuxEvent>();
  readonly #traced = new TraceMemory();
  readonly #held = new Map<Bdf, HeldDevice>();
  readonly #generations = new Map<Bdf, number>();
  readonly #closing = new AbortController();
  #started: Promise<{ readonly ended: Promise<void> }> | undefined;

  constructor(ports: AerLinuxPorts, clock: Clock, options: AerOwnerOptions = {}) {
    this.name = options.name ?? 'aer-owner';
    this.#clock = clock;
    this.#timings = options.timings ?? AER_OWNER_TIMINGS;
    this.#events = new EventMaker(this.name, clock);
    const { trouble } = options;
    this.#watch = new KernelWatch(ports, {
      traced: (event) => this.#takeTrace(event),
      ...(trouble ? { trouble } : {}),
    });
    this.#evidence = {
      watch: this.#watch,
      counters: new CounterWatch(ports.sysfs),
      clock,
      grace: this.#timings.grace,
      heldOf: (bdf) => this.#held.get(bdf),
      takeTraced: (sources) => this.#traced.take(sources),
    };
    this.#incidents = new Incidents({
      evidence: this.#evidence,
      events: this.#events,
      clock,
      timings: this.#timings,
      closing: this.#closing.signal,
    });
  }

  /**
   * Takes a device into care: saves what a reset would take away, as it is now. Call {@link save} when it was set up further. Disposing
   * lets go of it; the port stays open.
   * @throws PciRecoveryError `ERR_PCI_DUPLICATE_FUNCTION` when its address is held already, `ERR_PCI_NO_ANSWER` when it answers all
   * ones: there is nothing that could be restored later (R2.8).
   */
  async hold(port: VfioDevicePort): Promise<Disposable> {
    const { bdf } = port;
    if (this.#held.has(bdf)) throw duplicate(bdf);
    const generation = this.#generations.get(bdf) ?? 0;
    this.#generations.set(bdf, generation + 1);
    const device = new HeldDevice(port, generation, this.#clock, this.#timings);
    this.#held.set(bdf, device);
    this.#watch.cycles.forget(bdf);
    const listening = port.onError(() => void this.#signalled(bdf));
    const letGo = (): void => {
      listening[Symbol.dispose]();
      if (this.#held.get(bdf) === device) this.#held.delete(bdf);
    };
    try {
      await this.#start();
      await counted(this.#evidence, { concerns: new Set([bdf]) });
      if (!(await device.save())) throw silent(bdf);
      await device.surveyHotReset();
    } catch (error) {
      letGo();
      throw error;
    }
    return { [Symbol.dispose]: letGo };
  }

  /** Saves the configuration of a held device as it is now, to be restored after a reset. False: it is not held, or does not answer. */
  async save(bdf: Bdf): Promise<boolean> {
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
    for (const device of [...this.#held.values()].sort((a, b) => compareBdf(a.bdf, b.bdf))) {
      const status = signal.aborted ? 'clean' : await device.status();
      if (status === 'clean' || this.#incidents.concerns(device.bdf)) continue;
      found.push(this.#incidents.found(device.bdf, status === 'silent' ? 'fatal' : status));
    }
    return found;
  }

  scopeOf(event: ErrorEvent): RecoveryScope {
    const { concerns } = event.record as AerLinuxRecord;
    const devices = concerns.flatMap((bdf) => this.#held.get(bdf) ?? []).sort((a, b) => compareBdf(a.bdf, b.bdf));
    const bridge = this.#watch.topology.upstreamBridge(event.device.bdf)?.bdf;
    return {
      id: bridge ? `held below ${bridge}` : `held ${event.device.bdf}`,
      members: devices.map(memberOf),
      capabilities: { hot_reset: hotResetOf(devices) },
    };
  }

  async perform(operation: Operation, { scope, signal }: PerformContext): Promise<OperationResult> {
    const devices = scope.members.flatMap(({ bdf }) => this.#held.get(bdf) ?? []);
    if (devices.length < scope.members.length)
      return { ok: false, why: 'gone', detail: 'A function is not held any more.' };
    switch (operation.name) {
      case 'await_host':
        return untilAborted(this.#incidents.hostEnd(Number(operation['seen'])), signal);
      case 'hot_reset':
        return hotReset(devices, signal);
      case 'restore_config':
        return each(devices, (device) => device.restore());
      case 'clear_status':
        return each(devices, (device) => device.clearStatus());
      default:
        return { ok: false, why: 'unsupported', detail: `A holder has no operation "${operation.name}".` };
    }
  }

  beforeCallback({ bdf }: DeviceRef, _: unknown, channel: ChannelState): void {
    const held = this.#held.get(bdf);
    if (held) held.channel = channel;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await (await this.#started)?.ended.catch(() => undefined);
  }

  /** Whoever comes first, a device that is held or the engine. */
  #start(): Promise<{ readonly ended: Promise<void> }> {
    return (this.#started ??= this.#watch.start(this.#closing.signal));
  }

  /** Until `signal` aborts. Without uevents nobody knows when the host has ended: their failure is the platform's. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { ended } = await this.#start();
    ended.catch((error: unknown) => this.#queue.fail(error));
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }

  async #signalled(bdf: Bdf): Promise<void> {
    const event = await this.#incidents.signalled(bdf);
    if (event) this.#queue.push(event);
  }

  /** Correctable errors are recorded as they are traced (R1.2); others wait for the signal that belongs to them. */
  #takeTrace(event: AerTraceEvent): void {
    if (event.severity !== 'corrected') return this.#traced.keep(event);
    const { bdf, errors, tlpHeader } = event;
    const concerns = [...this.#held.keys()].filter((held) => upwards(this.#watch.topology, held).includes(bdf));
    if (concerns.length === 0) return;
    const record: AerLinuxRecord = {
      origin: 'kernel',
      root: this.#watch.rootOf(bdf),
      severity: 'correctable',
      evidence: 'trace',
      sources: [bdf],
      errors,
      ...(tlpHeader ? { tlpHeader } : {}),
      concerns: concerns.sort(compareBdf),
    };
    const generation = this.#held.get(bdf)?.generation ?? 0;
    this.#queue.push(this.#events.make('correctable', { bdf, generation }, record));
  }
}
