import { PciRecoveryError, type Bdf, type Clock } from '@pci-recovery/core';
import {
  type AerTraceEvent,
  type AerTracePort,
  type ErrorUevent,
  type SysfsPort,
  type UeventPort,
} from '@pci-recovery/core/linux';
import { PciTopology } from '@pci-recovery/pci/topology';
import { HostCycles } from './host-cycles.js';
import { readTopology } from './topology.js';

/** What the Linux adapters need of the host. */
export interface AerLinuxPorts {
  readonly sysfs: SysfsPort;
  readonly uevents: UeventPort;
  /** Tells severity and source of every error exactly. Without it they are worked out from counters. */
  readonly trace?: AerTracePort;
}

/** Whoever wants to hear what the kernel says. Nothing of it may throw. */
export interface KernelListener {
  /** An error that the kernel reported, before it starts to recover from it. */
  traced(event: AerTraceEvent): void;
  /** The host's own recovery of a function went on. `isNew`: it was not known to run. */
  recovering(uevent: ErrorUevent, isNew: boolean): void;
  /** A function was plugged in: it is new, also at an old address. */
  plugged(bdf: Bdf): void;
  /** The tree of functions was read again. */
  refreshed(): void;
  /** Something does not work, although the rest goes on. */
  trouble(error: unknown): void;
}

/**
 * Follows what the kernel says about its functions: their tree, its own recoveries, the errors that it traces. Starts with
 * {@link start}, ends with its signal.
 */
export class KernelWatch {
  readonly ports: AerLinuxPorts;
  readonly cycles: HostCycles;
  readonly #listener: KernelListener;
  #topology = new PciTopology([]);
  #reading: Promise<void> | undefined;
  #outdated = false;
  #traces = false;

  constructor(ports: AerLinuxPorts, clock: Clock, listener: KernelListener, ends: 'worst' | 'last' = 'worst') {
    this.ports = ports;
    this.cycles = new HostCycles(clock, ends);
    this.#listener = listener;
  }

  /** The functions as they were read last. */
  get topology(): PciTopology {
    return this.#topology;
  }

  /** The kernel's trace of errors is followed: whoever is not in it had none. */
  get traces(): boolean {
    return this.#traces;
  }

  /**
   * Subscribes first, then reads: nothing that happens in between is missed. Resolves when the tree has been read.
   * @returns a promise of the end of the subscriptions: they end when `signal` aborts. It rejects when uevents fail.
   */
  async start(signal: AbortSignal): Promise<{ readonly ended: Promise<void> }> {
    const uevents = this.#followUevents(signal);
    const trace = this.#followTrace(signal);
    // Whoever asks for the end later hears of its failure; until then it is nobody's unhandled rejection.
    uevents.catch(() => undefined);
    await this.refresh();
    return { ended: Promise.all([uevents, trace]).then(() => undefined) };
  }

  /** Reads the tree again, once more when it changes meanwhile. A failure leaves the old one, and is reported. */
  refresh(): Promise<void> {
    this.#outdated = true;
    return (this.#reading ??= this.#read());
  }

  /** The root port above a function, or the function itself where there is none. */
  rootOf(bdf: Bdf): Bdf {
    return this.#topology.rootPort(bdf)?.bdf ?? bdf;
  }

  async #read(): Promise<void> {
    try {
      while (this.#outdated) {
        this.#outdated = false;
        this.#topology = await readTopology(this.ports.sysfs, (error) => this.#listener.trouble(error));
      }
      this.#listener.refreshed();
    } catch (error) {
      this.#listener.trouble(error);
    } finally {
      this.#reading = undefined;
    }
  }

  async #followUevents(signal: AbortSignal): Promise<void> {
    try {
      for await (const uevent of this.ports.uevents.events({ signal })) {
        const isNew = this.cycles.take(uevent);
        if (uevent.kind === 'error_event') this.#listener.recovering(uevent, isNew);
        if (uevent.kind !== 'device' || uevent.action === 'change') continue;
        if (uevent.action === 'add') this.#listener.plugged(uevent.bdf);
        void this.refresh();
      }
      if (!signal.aborted) throw new PciRecoveryError('ERR_PCI_UEVENTS_ENDED', 'The uevents of the kernel ended.');
    } catch (error) {
      if (signal.aborted) return;
      this.cycles.deafen();
      this.#listener.trouble(error);
      throw error;
    }
  }

  /** What a trace would tell can be worked out from counters: its failure is reported, nothing more. */
  async #followTrace(signal: AbortSignal): Promise<void> {
    this.#traces = this.ports.trace !== undefined;
    try {
      for await (const event of this.ports.trace?.events({ signal }) ?? []) {
        if (event.kind === 'aer_event') this.#listener.traced(event);
      }
    } catch (error) {
      if (!signal.aborted) this.#listener.trouble(error);
    } finally {
      this.#traces = false;
    }
  }
}
