import { type Bdf } from '@pci-recovery/core';
import { type PciUevent } from '@pci-recovery/core/linux';

/** How the host's own recovery of a function ended, as its uevent said. */
export type CycleEnd = 'successful' | 'failed';

/** How the host's recovery of some functions stands. `quiet`: none is known that was not looked at already. */
export type CycleState = 'quiet' | 'running' | 'gone' | CycleEnd;

interface Cycle {
  running: boolean;
  gone: boolean;
  /** How those ended that nobody has settled yet: a failure outweighs what came before and after it. */
  end: CycleEnd | undefined;
}

/**
 * The host's own recoveries, put together from its uevents: BEGIN opens a function's cycle, SUCCESSFUL or FAILED closes it. A cycle
 * can be over before anybody hears of the error, since eventfd and uevents are different queues: ends are kept until they are taken.
 *
 * Source: Linux 7.3 drivers/pci/pcie/err.c:report_error_detected, report_resume, report_perm_failure_detected.
 */
export class HostCycles {
  readonly #cycles = new Map<Bdf, Cycle>();
  #waiting: (() => void)[] = [];
  /** So often uevents were lost: what was `running` may have ended unseen. */
  #losses = 0;

  take(uevent: PciUevent): void {
    if (uevent.kind === 'lost') this.#losses++;
    else if (uevent.kind === 'error_event') this.#step(this.#of(uevent.bdf), uevent.event);
    else if (uevent.action === 'remove' || uevent.action === 'unbind') this.#of(uevent.bdf).gone = true;
    else if (uevent.action === 'add') this.#cycles.delete(uevent.bdf);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  get losses(): number {
    return this.#losses;
  }

  /** The worst that is known of any of them: gone, then still running, then failed, then successful. */
  stateOf(functions: readonly Bdf[]): CycleState {
    const cycles = functions.flatMap((bdf) => this.#cycles.get(bdf) ?? []);
    if (cycles.some(({ gone }) => gone)) return 'gone';
    if (cycles.some(({ running }) => running)) return 'running';
    if (cycles.some(({ end }) => end === 'failed')) return 'failed';
    return cycles.some(({ end }) => end === 'successful') ? 'successful' : 'quiet';
  }

  /** The ends that were seen are over and done with. */
  settle(functions: readonly Bdf[]): void {
    for (const bdf of functions) {
      const cycle = this.#cycles.get(bdf);
      if (cycle) cycle.end = undefined;
    }
  }

  /** A function is held anew: nothing of its former life counts. */
  forget(bdf: Bdf): void {
    this.#cycles.delete(bdf);
  }

  /** Fulfilled when the next uevent is taken. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #of(bdf: Bdf): Cycle {
    let cycle = this.#cycles.get(bdf);
    if (!cycle) this.#cycles.set(bdf, (cycle = { running: false, gone: false, end: undefined }));
    return cycle;
  }

  #step(cycle: Cycle, event: 'BEGIN_RECOVERY' | 'SUCCESSFUL_RECOVERY' | 'FAILED_RECOVERY'): void {
    cycle.running = event === 'BEGIN_RECOVERY';
    if (event === 'FAILED_RECOVERY') cycle.end = 'failed';
    if (event === 'SUCCESSFUL_RECOVERY') cycle.end ??= 'successful';
  }
}
