import { isPciRecoveryError } from '@pci-recovery/core';
import { PROBE_GROUP, probeDefinitions } from '../evidence/kernel-calls.js';
import { type Machine, type Probe } from '../machine/machine.js';
import { type Guest } from './guest.js';

const TRACING = '/sys/kernel/tracing';

/** A probe that the kernel does not take, and what it says. */
export interface RefusedProbe {
  readonly function: string;
  readonly reason: string;
}

/** Records the kernel's own calls by kprobe events (Documentation/trace/kprobetrace.rst). */
export class Tracer {
  readonly #armed: Probe[] = [];
  readonly #refused: RefusedProbe[] = [];

  constructor(
    private readonly machine: Machine,
    private readonly guest: Guest,
  ) {}

  /** The probes that record. */
  get armed(): readonly Probe[] {
    return this.#armed;
  }

  /** Those that the kernel does not take: the function is not there, or was compiled into its caller. */
  get refused(): readonly RefusedProbe[] {
    return this.#refused;
  }

  /** Starts to record everything that is in the kernel itself. */
  async start(): Promise<void> {
    for (const event of this.machine.traceEvents) await this.guest.write(`${TRACING}/events/${event}/enable`, '1');
    await this.arm(({ module }) => module === undefined);
  }

  /** Adds the probes of modules that are loaded by now. */
  async armModules(modules: readonly string[]): Promise<void> {
    await this.arm(({ module }) => module !== undefined && modules.includes(module));
  }

  private async arm(wanted: (probe: Probe) => boolean): Promise<void> {
    const known = new Set([...this.#armed, ...this.#refused].map((probe) => probe.function));
    const added = this.machine.probes.filter((probe) => wanted(probe) && !known.has(probe.function));
    for (const probe of added) await this.#define(probe);
    // All at once: the kernel waits for every processor whenever something is enabled.
    if (added.length > 0) await this.guest.write(`${TRACING}/events/${PROBE_GROUP}/enable`, '1');
  }

  async #define(probe: Probe): Promise<void> {
    try {
      await this.guest.append(`${TRACING}/kprobe_events`, `${probeDefinitions(probe).join('\n')}\n`);
      this.#armed.push(probe);
    } catch (error) {
      if (!isPciRecoveryError(error) || error.code !== 'ERR_PCI_LAB_GUEST') throw error;
      this.#refused.push({ function: probe.function, reason: error.message });
    }
  }
}
