import { parseBdf, type Bdf } from '@pci-recovery/core';
import { readEvidence, type Evidence } from '../evidence/evidence.js';
import { moduleName } from '../initramfs/kernel-modules.js';
import { labError } from '../failure.js';
import { type Machine } from '../machine/machine.js';
import { busAddresses, type PciBus } from './bus-addresses.js';
import { Guest } from './guest.js';
import { Findings } from './report.js';
import { type RunningMachine } from './running-machine.js';
import { Tracer, type RefusedProbe } from './tracer.js';

/** What a scenario works with: its machine, its guest, and what it finds. */
export class Lab {
  readonly guest: Guest;
  readonly findings = new Findings();
  readonly #tracer: Tracer;
  readonly #evidence = new Map<string, Evidence>();
  #addresses: ReadonlyMap<string, Bdf> = new Map();

  constructor(
    private readonly running: RunningMachine,
    private readonly machine: Machine,
    private readonly signal: AbortSignal,
  ) {
    this.guest = new Guest(running, signal);
    this.#tracer = new Tracer(machine, this.guest);
  }

  /** Evidence of all steps so far, by name. */
  get evidence(): ReadonlyMap<string, Evidence> {
    return this.#evidence;
  }

  /** Functions of the kernel whose calls are not recorded, and why. */
  get unprobed(): readonly RefusedProbe[] {
    return this.#tracer.refused;
  }

  /** Starts to watch and to record. */
  async prepare(): Promise<void> {
    const buses = (await this.running.monitor.execute('query-pci', {}, this.signal)) as PciBus[];
    this.#addresses = new Map([...busAddresses(buses)].map(([id, address]) => [id, parseBdf(address)]));
    await this.guest.watch();
    await this.#tracer.start();
  }

  /** The address in the guest of one of QEMU's devices. */
  bdf(id: string): Bdf {
    const bdf = this.#addresses.get(id);
    if (bdf === undefined) throw labError('MACHINE', `The machine has no PCI device "${id}".`);
    return bdf;
  }

  /** Loads modules into the guest's kernel, and probes them. */
  async load(...modules: readonly string[]): Promise<void> {
    await this.guest.load(...modules);
    const loaded = (await this.guest.readText('/proc/modules')).split('\n').map((line) => line.split(' ')[0]!);
    await this.#tracer.armModules(loaded.map(moduleName));
  }

  /** Injects an error into one of QEMU's devices: words of the monitor command `pcie_aer_inject_error`. */
  async inject(id: string, error: string): Promise<void> {
    const said = await this.running.monitor.human(`pcie_aer_inject_error ${id} ${error}`, this.signal);
    if (!said.startsWith('OK')) throw labError('MONITOR', `QEMU did not inject ${error} into ${id}: ${said.trim()}`);
  }

  /** Injects errors while the machine stands still: the kernel gets to know of all of them at once. */
  async injectTogether(...errors: readonly (readonly [id: string, error: string])[]): Promise<void> {
    await this.running.monitor.human('stop', this.signal);
    try {
      for (const [id, error] of errors) await this.inject(id, error);
    } finally {
      await this.running.monitor.human('cont', this.signal);
    }
  }

  /** The first line of the kernel's log from now on that matches, or the last of so many. */
  async logged(pattern: RegExp, times = 1): Promise<string> {
    const { streams } = this.running;
    let from = streams.position.log;
    for (let left = times; ; left--) {
      const line = await streams.until('log', pattern, from, this.signal);
      if (left <= 1) return line;
      from += streams.since('log', from).indexOf(line) + 1;
    }
  }

  /**
   * Carries out a step and gathers what was seen of it. The step must return only when what it caused is over: its last
   * line in the log, for example. What the machine checks of every step is checked.
   */
  async observe(name: string, step: () => Promise<unknown>): Promise<Evidence> {
    const before = await this.guest.state();
    const from = await this.guest.mark();
    await step();
    const to = await this.guest.mark();
    const after = await this.guest.state();
    const { streams } = this.running;
    const lines = {
      log: streams.since('log', from.log, to.log),
      trace: streams.since('trace', from.trace, to.trace),
      uevent: streams.since('uevent', from.uevent, to.uevent),
    };
    const evidence = readEvidence({ lines, before, after, probes: this.#tracer.armed });
    this.#evidence.set(name, evidence);
    this.machine.checkStep?.(evidence, this.findings);
    return evidence;
  }
}
