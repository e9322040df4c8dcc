import { type Clock } from '../contract/clock.js';
import { PciRecoveryError } from '../errors/pci-recovery-error.js';

interface Timer {
  readonly due: number;
  readonly order: number;
  readonly then: () => void;
}

const NS_PER_MS = 1e6;

/** A turn of the event loop: every promise that can settle without a timer has settled after it. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Time that passes only when it is told to. With {@link VirtualClock.drive}, waiting costs nothing: whenever nothing else
 * can happen, the clock jumps to its next timer.
 */
export class VirtualClock implements Clock {
  readonly #startWall: number;
  #now = 0;
  #order = 0;
  #timers: Timer[] = [];

  /** @param startWall wall time at monotonic 0, milliseconds since 1970-01-01 UTC. */
  constructor(startWall = Date.UTC(2026, 0, 1)) {
    this.#startWall = startWall;
  }

  monotonic(): number {
    return this.#now;
  }

  wall(): number {
    return this.#startWall + Math.floor(this.#now / NS_PER_MS);
  }

  after(ms: number, then: () => void): Disposable {
    const timer: Timer = { due: this.#now + Math.max(0, ms) * NS_PER_MS, order: this.#order++, then };
    this.#timers.push(timer);
    return { [Symbol.dispose]: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) };
  }

  /** How many timers are waiting. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Lets `ms` milliseconds pass, running due timers in order, each at its own time. */
  advance(ms: number): void {
    const until = this.#now + ms * NS_PER_MS;
    for (let timer = this.#next(until); timer; timer = this.#next(until)) this.#fire(timer);
    this.#now = Math.max(this.#now, until);
  }

  /**
   * Lets time pass as needed until `promise` settles.
   * @param idleTurns turns of the event loop without any timer after which nothing will ever happen.
   * @throws PciRecoveryError `ERR_PCI_STALLED` when it cannot settle any more: no timer is left.
   */
  async drive<T>(promise: Promise<T>, idleTurns = 100): Promise<T> {
    let settled = false;
    const done = (): void => void (settled = true);
    promise.then(done, done);
    for (let idle = 0; !settled;) {
      await turn();
      if (settled) break;
      const timer = this.#next(Infinity);
      if (timer) this.#fire(timer);
      idle = timer ? 0 : idle + 1;
      if (idle > idleTurns)
        throw new PciRecoveryError('ERR_PCI_STALLED', 'Nothing can happen any more: no timer is pending.');
    }
    return promise;
  }

  #next(until: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.due > until) continue;
      if (!first || timer.due < first.due || (timer.due === first.due && timer.order < first.order)) first = timer;
    }
    return first;
  }

  #fire(timer: Timer): void {
    this.#timers = this.#timers.filter((other) => other !== timer);
    this.#now = Math.max(this.#now, timer.due);
    timer.then();
  }
}
