import { parseBdf, wait, type Bdf, type Clock, type ErsResult } from '@pci-recovery/core';
import { type AerTraceEvent, type Lost, type PciUevent } from '@pci-recovery/core/linux';
import { mergeVotes, UEVENT_OF_VOTE } from '../../../src/votes.js';
import { Delivery } from './delivery.js';
import { zeroes, type FakeFunction, type FakeMachine } from './machine.js';

/** Milliseconds: how late things arrive in user space, and how long the kernel takes. Drawn anew for each thing. */
export interface Delays {
  readonly eventfd: () => number;
  readonly uevent: () => number;
  readonly trace: () => number;
  readonly counters: () => number;
  /** One callback of one function. */
  readonly step: () => number;
  readonly reset: () => number;
}

export const PROMPT: Delays = {
  eventfd: () => 0,
  uevent: () => 1,
  trace: () => 0,
  counters: () => 0,
  step: () => 1,
  reset: () => 140,
};

export type Severity = 'nonfatal' | 'fatal';

/** One recovery of the kernel's, as it happened. */
export interface KernelRecovery {
  readonly source: Bdf;
  readonly severity: Severity;
  readonly functions: readonly Bdf[];
  readonly begin: number;
  end: number;
  reset: boolean;
  result: 'running' | 'recovered' | 'failed';
  /** News of it has arrived in user space, for these functions. */
  readonly heard: Set<Bdf>;
  /** Functions that the kernel is not finished with. */
  readonly busy: Set<Bdf>;
  /** When it was finished with each. */
  readonly done: Map<Bdf, number>;
}

const ERRORS = { nonfatal: { bit: 0x4000, name: 'CmpltTO' }, fatal: { bit: 0x0004_0000, name: 'MalfTLP' } } as const;

/**
 * A host's kernel that recovers as Linux 7.3 does, in the order of drivers/pci/pcie/err.c:pcie_do_recovery: errors are counted and traced
 * first; every function's driver is called, then its uevent sent; a fatal error's link is reset; SUCCESSFUL comes before the status is
 * cleared. Errors below one root port are handled one after the other.
 */
export class FakeKernel {
  readonly uevents: Delivery<PciUevent>;
  readonly trace: Delivery<AerTraceEvent | Lost>;
  readonly recoveries: KernelRecovery[] = [];
  /** The next resets of a link fail. */
  failingResets = 0;
  /** What becomes of functions when their link is reset. */
  onReset: (fn: FakeFunction) => void = () => undefined;
  /** The ERR eventfds that are registered. */
  readonly eventfds = new Map<Bdf, (arrived: () => void) => void>();
  /** Link resets that go on: config accesses below wait. */
  readonly #resetting = new Map<Bdf, Promise<void>>();
  readonly #queues = new Map<Bdf, Promise<void>>();

  constructor(
    readonly machine: FakeMachine,
    readonly clock: Clock,
    readonly delays: Delays = PROMPT,
  ) {
    this.uevents = new Delivery<PciUevent>(clock, delays.uevent);
    this.trace = new Delivery<AerTraceEvent | Lost>(clock, delays.trace);
  }

  /** A function has an error. Resolves when the kernel has handled it. */
  error(source: string, severity: Severity): Promise<void> {
    const fn = this.machine.get(source);
    const root = this.#rootOf(fn);
    const handled = (this.#queues.get(root) ?? Promise.resolve()).then(() => this.#handle(fn, severity));
    this.#queues.set(root, handled);
    return handled;
  }

  /** A correctable error: counted and traced, nobody else hears of it. */
  correctable(source: string): void {
    const { correctable } = this.machine.get(source).counters;
    for (const name of ['BadTLP', 'TOTAL_ERR_COR']) correctable.set(name, (correctable.get(name) ?? 0) + 1);
    this.trace.send({ kind: 'aer_event', bdf: parseBdf(source), severity: 'corrected', errors: ['BadTLP'] });
  }

  /** The kernel is done with everything that was given to it. */
  async idle(): Promise<void> {
    await Promise.all(this.#queues.values());
  }

  /** Fulfilled when no link above the function is being reset. */
  async reachable(bdf: Bdf): Promise<void> {
    while (this.#resetting.has(bdf)) await this.#resetting.get(bdf);
  }

  isResetting(bdf: Bdf): boolean {
    return this.#resetting.has(bdf);
  }

  /** A kernel's recovery that user space knows of, and that still concerns the function. */
  knownToRecover(bdf: Bdf): KernelRecovery | undefined {
    return this.recoveries.find((one) => one.result === 'running' && one.busy.has(bdf) && one.heard.has(bdf));
  }

  recovering(bdf: Bdf): KernelRecovery | undefined {
    return this.recoveries.find((one) => one.result === 'running' && one.functions.includes(bdf));
  }

  /** Resets everything below a link; false when the link does not come back. */
  async resetLink(below: readonly FakeFunction[]): Promise<boolean> {
    let done = (): void => undefined;
    const over = new Promise<void>((resolve) => (done = resolve));
    for (const { bdf } of below) this.#resetting.set(bdf, over);
    await wait(this.clock, this.delays.reset());
    for (const fn of below) {
      this.#resetting.delete(fn.bdf);
      fn.reset();
      this.onReset(fn);
    }
    done();
    return this.failingResets-- <= 0;
  }

  /** A function is unplugged. */
  unplug(bdf: string): void {
    const fn = this.machine.get(bdf);
    fn.present = false;
    fn.answers = false;
    this.uevents.send({ kind: 'device', bdf: fn.bdf, action: 'remove' });
  }

  /** The same address is plugged in again: a new function, counting from 0. */
  replug(bdf: string): void {
    const fn = this.machine.get(bdf);
    fn.present = true;
    fn.answers = true;
    fn.counters = zeroes();
    this.uevents.send({ kind: 'device', bdf: fn.bdf, action: 'add' });
  }

  async #handle(fn: FakeFunction, severity: Severity): Promise<void> {
    if (!fn.present) return;
    fn.uncorrectable |= ERRORS[severity].bit;
    const readable = severity === 'nonfatal' || fn.driver === 'port';
    const errors = readable ? [ERRORS[severity].name] : [];
    const late = this.delays.counters();
    const count = (): void => {
      const counters = fn.counters[severity];
      for (const name of [...errors, `TOTAL_ERR_${severity.toUpperCase()}`])
        counters.set(name, (counters.get(name) ?? 0) + 1);
    };
    if (late === 0) count();
    else this.clock.after(late, count);
    const tlpHeader = readable ? { tlpHeader: [0x4000_0001, 0x0f, 0, 0] } : {};
    this.trace.send({ kind: 'aer_event', bdf: fn.bdf, severity, errors, ...tlpHeader });
    await this.#recover(fn, severity);
  }

  async #recover(source: FakeFunction, severity: Severity): Promise<void> {
    const bridge = this.#bridgeOf(source);
    const below = this.machine.below(bridge.bdf);
    const functions = below.map(({ bdf }) => bdf);
    const recovery: KernelRecovery = {
      source: source.bdf,
      severity,
      functions,
      begin: this.clock.monotonic(),
      end: Infinity,
      reset: false,
      result: 'running',
      heard: new Set(),
      busy: new Set(functions),
      done: new Map(),
    };
    this.recoveries.push(recovery);
    recovery.result = await this.#walks(recovery, below);
    recovery.end = this.clock.monotonic();
    if (recovery.result === 'recovered') source.uncorrectable &= ~ERRORS.nonfatal.bit;
  }

  async #walks(recovery: KernelRecovery, below: readonly FakeFunction[]): Promise<'recovered' | 'failed'> {
    let status: ErsResult = 'can_recover';
    for (const fn of below) status = mergeVotes(status, await this.#detected(fn, recovery));
    if (status === 'can_recover') status = 'recovered';
    if (status === 'need_reset' || recovery.severity === 'fatal') {
      recovery.reset = true;
      if (!(await this.resetLink(below))) return this.#failed(recovery, below);
    }
    if (status === 'need_reset') status = 'recovered';
    if (status !== 'recovered') return this.#failed(recovery, below);
    for (const fn of below) await this.#told(fn, recovery, 'recovered');
    return 'recovered';
  }

  async #failed(recovery: KernelRecovery, below: readonly FakeFunction[]): Promise<'failed'> {
    for (const fn of below) {
      if (fn.driver === 'vfio' && fn.present) this.#signal(fn, recovery);
      await this.#told(fn, recovery, 'disconnect');
    }
    return 'failed';
  }

  async #detected(fn: FakeFunction, recovery: KernelRecovery): Promise<ErsResult> {
    const vote = this.#voteOf(fn, recovery.severity);
    if (fn.driver === 'vfio' && fn.present) this.#signal(fn, recovery);
    this.#uevent(fn, recovery, vote);
    await wait(this.clock, this.delays.step());
    return vote;
  }

  async #told(fn: FakeFunction, recovery: KernelRecovery, vote: ErsResult): Promise<void> {
    this.#uevent(fn, recovery, vote);
    recovery.busy.delete(fn.bdf);
    recovery.done.set(fn.bdf, this.clock.monotonic());
    await wait(this.clock, this.delays.step());
  }

  #voteOf({ driver, image }: FakeFunction, severity: Severity): ErsResult {
    if (driver === 'vfio') return 'can_recover';
    if (driver === 'port') return severity === 'fatal' ? 'need_reset' : 'can_recover';
    if (driver === 'need_reset' || driver === 'disconnect') return driver;
    return driver === 'none' && image[0x0e] === 1 ? 'none' : 'no_aer_driver';
  }

  #signal({ bdf }: FakeFunction, recovery: KernelRecovery): void {
    this.eventfds.get(bdf)?.(() => recovery.heard.add(bdf));
  }

  #uevent({ bdf, present }: FakeFunction, recovery: KernelRecovery, vote: ErsResult): void {
    const event = UEVENT_OF_VOTE[vote];
    if (!event || !present) return;
    const online = event === 'SUCCESSFUL_RECOVERY';
    this.uevents.send({ kind: 'error_event', bdf, event, online }, () => recovery.heard.add(bdf));
  }

  #rootOf(fn: FakeFunction): Bdf {
    return fn.parent === undefined ? fn.bdf : this.#rootOf(this.machine.functions.get(fn.parent)!);
  }

  /** Source: Linux 7.3 drivers/pci/pcie/err.c:pcie_do_recovery. */
  #bridgeOf(fn: FakeFunction): FakeFunction {
    const type = fn.image[0x42]! >> 4;
    return type === 4 || type === 6 ? fn : this.machine.functions.get(fn.parent!)!;
  }
}
