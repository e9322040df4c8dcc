import { type Bdf, type Clock } from '@pci-recovery/core';
import { type PciUevent } from '@pci-recovery/core/linux';
import { Bell } from './bell.js';

/** How the host's own recovery of a function ended, as its uevent said. */
export type CycleEnd = 'successful' | 'failed';

/** How the host's recovery of some functions stands. `quiet`: none is known that was not looked at already. */
export type CycleState = 'quiet' | 'running' | 'gone' | CycleEnd;

interface Cycle {
  running: boolean;
  /** BEGIN was told since it was settled. */
  begun: boolean;
  gone: boolean;
  /** How those ended that nobody has settled yet. */
  end: CycleEnd | undefined;
  /** Errors and failures that it was told since it was settled. */
  told: number;
}

/**
 * The host's own recoveries, put together from its uevents: BEGIN opens a function's cycle, SUCCESSFUL or FAILED closes it. A cycle
 * can be over before anybody hears of the error, since eventfd and uevents are different queues: ends are kept until they are settled.
 *
 * Source: Linux 7.3 drivers/pci/pcie/err.c:report_error_detected, report_resume, report_perm_failure_detected.
 */
export class HostCycles {
  /** Rings when something happens to any function. */
  readonly bell: Bell;
  readonly #ends: 'worst' | 'last';
  readonly #cycles = new Map<Bdf, Cycle>();
  readonly #wanted = new Set<Bdf>();
  readonly #clock: Clock;
  #losses = 0;
  #lostAt = -Infinity;
  #deaf = false;

  /**
   * @param ends which of several ends counts. `worst`, for who holds the functions: vfio-pci fails only in the end, so nothing mends it, and
   * a function that is unbound is gone. `last`, for whoever looks on: another driver's vote may say FAILED long before the end.
   */
  constructor(clock: Clock, ends: 'worst' | 'last' = 'worst') {
    this.#ends = ends;
    this.#clock = clock;
    this.bell = new Bell(clock);
  }

  /** Whether it tells of a recovery that was not known to run: it begins, or it is over already. */
  take(uevent: PciUevent): boolean {
    const isNew = this.#take(uevent);
    this.bell.ring();
    return isNew;
  }

  /** Nothing more will be told: what runs may end unseen. */
  deafen(): void {
    this.#deaf = true;
    this.bell.ring();
  }

  get deaf(): boolean {
    return this.#deaf;
  }

  /** So often uevents were lost: what was `running` may have ended unseen. */
  get losses(): number {
    return this.#losses;
  }

  /** No uevent was lost in the last `ms` milliseconds: what was not told has not happened. */
  hearsAll(ms: number): boolean {
    return !this.#deaf && this.#clock.monotonic() - this.#lostAt > ms * 1e6;
  }

  /** The worst that is known of any of them: gone, then still running, then failed, then successful. */
  stateOf(functions: Iterable<Bdf>): CycleState {
    const all = [...functions];
    const cycles = all.map((bdf) => this.#cycles.get(bdf)).filter((cycle) => cycle !== undefined);
    if (cycles.some(({ gone }) => gone) || all.some((bdf) => this.#wanted.has(bdf))) return 'gone';
    if (cycles.some(({ running }) => running)) return 'running';
    if (cycles.some(({ end }) => end === 'failed')) return 'failed';
    return cycles.some(({ end }) => end === 'successful') ? 'successful' : 'quiet';
  }

  /** Somebody was told that a recovery begins. */
  hasBegun(functions: Iterable<Bdf>): boolean {
    return Array.from(functions, (bdf) => this.#cycles.get(bdf)).some((cycle) => cycle?.begun);
  }

  /** One of the ends that nobody has settled was a failure, whatever runs now. */
  hasFailed(functions: Iterable<Bdf>): boolean {
    return Array.from(functions, (bdf) => this.#cycles.get(bdf)?.end).includes('failed');
  }

  /** How often a function was told of an error or of its failure since it was settled: vfio-pci signals before each. */
  toldTo(bdf: Bdf): number {
    return this.#cycles.get(bdf)?.told ?? 0;
  }

  /** What was seen is over and done with. `over`: what seems to run has ended unseen. */
  settle(functions: Iterable<Bdf>, over = false): void {
    for (const bdf of functions) {
      const cycle = this.#cycles.get(bdf);
      if (cycle) Object.assign(cycle, { end: undefined, told: 0, begun: false, running: cycle.running && !over });
    }
  }

  /** The host wants a function back: it is as good as gone, until it is forgotten. */
  want(bdf: Bdf): void {
    this.#wanted.add(bdf);
    this.bell.ring();
  }

  /** A function is held anew: nothing of its former life counts. */
  forget(bdf: Bdf): void {
    this.#cycles.delete(bdf);
    this.#wanted.delete(bdf);
  }

  #take(uevent: PciUevent): boolean {
    if (uevent.kind === 'lost') {
      this.#losses++;
      this.#lostAt = this.#clock.monotonic();
    } else if (uevent.kind === 'error_event') return this.#step(this.#of(uevent.bdf), uevent.event);
    else if (uevent.action === 'remove' || (uevent.action === 'unbind' && this.#ends === 'worst'))
      this.#of(uevent.bdf).gone = true;
    else if (uevent.action === 'add' || uevent.action === 'bind') this.#cycles.delete(uevent.bdf);
    return false;
  }

  #of(bdf: Bdf): Cycle {
    let cycle = this.#cycles.get(bdf);
    if (!cycle) this.#cycles.set(bdf, (cycle = { running: false, begun: false, gone: false, end: undefined, told: 0 }));
    return cycle;
  }

  #step(cycle: Cycle, event: 'BEGIN_RECOVERY' | 'SUCCESSFUL_RECOVERY' | 'FAILED_RECOVERY'): boolean {
    const wasRunning = cycle.running;
    cycle.running = event === 'BEGIN_RECOVERY';
    cycle.begun ||= cycle.running;
    if (event !== 'SUCCESSFUL_RECOVERY') cycle.told++;
    const isFinal = this.#ends === 'worst' && cycle.end === 'failed';
    if (event === 'FAILED_RECOVERY') cycle.end = 'failed';
    if (event === 'SUCCESSFUL_RECOVERY' && !isFinal) cycle.end = 'successful';
    return event === 'BEGIN_RECOVERY' || (event === 'FAILED_RECOVERY' && !wasRunning);
  }
}
