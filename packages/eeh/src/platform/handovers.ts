import { type Awaitable } from '@pci-recovery/core';

const isPromise = <T>(value: Awaitable<T>): value is Promise<T> => value instanceof Promise;

/**
 * Changes of owners, one after the other: whoever comes second must not meet a PE that is being reset for the first.
 *
 * Source: Linux 7.3 arch/powerpc/kernel/eeh.c:eeh_dev_mutex.
 */
export class Handovers {
  /** Settles after those that are under way. */
  #last: Promise<void> | undefined;

  /** Does it after those before it, at once where there are none. */
  after<T>(change: () => Awaitable<T>): Promise<T> {
    const done = this.#last ? this.#last.then(change) : change();
    if (!isPromise(done)) return Promise.resolve(done);
    const forget = (): void => {
      if (this.#last === settled) this.#last = undefined;
    };
    const settled: Promise<void> = done.then(forget, forget);
    this.#last = settled;
    return done;
  }
}
