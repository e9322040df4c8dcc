import { wait, type Awaitable, type Clock } from '@pci-recovery/core';

/**
 * Work that may have to wait: it reads like an async function, with `yield*` for other such work and `yield` for a time. Most of
 * it has nothing to wait for, and then it is done at once: a recovery goes through some forty such calls, and a promise for
 * each would cost more than the work itself.
 */
export type Waiting<T> = Generator<Promise<void> | undefined, T, void>;

/** A number that nearly always is there at once: the work that waits for it is made only when there is something to wait for. */
export type Sooner = number | Waiting<number>;

/** For where it does not matter what the waiting costs. */
export function* waitFor(sooner: Sooner): Waiting<number> {
  return typeof sooner === 'number' ? sooner : yield* sooner;
}

/** A time to wait; no timer for no time. Rejects with `ERR_PCI_ABORTED` as soon as `signal` aborts. */
export const pause = (clock: Clock, ms: number, signal?: AbortSignal): Promise<void> | undefined =>
  ms > 0 ? wait(clock, ms, signal) : undefined;

/** Does the work: the answer itself where nothing had to be waited for. */
export function finish<T>(work: Waiting<T>): Awaitable<T> {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    if (value) return finishLater(work, value);
  }
}

async function finishLater<T>(work: Waiting<T>, first: Promise<void>): Promise<T> {
  for (let waited: Promise<void> | undefined = first; ;) {
    let step: IteratorResult<Promise<void> | undefined, T>;
    try {
      await waited;
      step = work.next();
    } catch (error) {
      step = work.throw(error);
    }
    if (step.done) return step.value;
    waited = step.value;
  }
}
