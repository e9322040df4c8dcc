import { type Bdf, type Clock } from '@pci-recovery/core';

/**
 * Signals that belong to errors which are over: the kernel signals a function before it sends the uevent, but the eventfd can be read
 * later. They are expected for a short time only; whoever comes after that is new.
 */
export class LateSignals {
  readonly #clock: Clock;
  readonly #grace: number;
  readonly #owed = new Map<Bdf, { count: number; readonly until: number }>();

  /** @param grace milliseconds. */
  constructor(clock: Clock, grace: number) {
    this.#clock = clock;
    this.#grace = grace;
  }

  /** So many more signals of a function are still to come. */
  expect(bdf: Bdf, count: number): void {
    const owed = this.#stillOwed(bdf) + Math.max(0, count);
    this.#owed.set(bdf, { count: owed, until: this.#clock.monotonic() + this.#grace * 1e6 });
  }

  forget(bdf: Bdf): void {
    this.#owed.delete(bdf);
  }

  /** How many of some signals were not expected. */
  newOf(bdf: Bdf, signals: number): number {
    const late = Math.min(this.#stillOwed(bdf), signals);
    const owed = this.#owed.get(bdf);
    if (owed) owed.count -= late;
    return signals - late;
  }

  #stillOwed(bdf: Bdf): number {
    const owed = this.#owed.get(bdf);
    return owed && this.#clock.monotonic() <= owed.until ? owed.count : 0;
  }
}
