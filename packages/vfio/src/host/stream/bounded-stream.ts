import { PciRecoveryError, type Awaitable } from '@pci-recovery/core';
import { type Lost } from '@pci-recovery/core/linux';

/** Most items that wait for a slow consumer, when nobody says otherwise. */
export const DEFAULT_QUEUE_LIMIT = 1024;

/**
 * A limit of a queue.
 * @throws PciRecoveryError `ERR_PCI_BAD_LIMIT` when it is no whole number ≥ 1.
 */
export function checkLimit(limit: number): number {
  if (Number.isSafeInteger(limit) && limit >= 1) return limit;
  throw new PciRecoveryError('ERR_PCI_BAD_LIMIT', `A queue limit is a whole number from 1; ${limit} is none.`, {
    context: { limit: Number.isFinite(limit) ? limit : String(limit) },
  });
}

interface Loss {
  readonly kind: 'lost';
  count: number | undefined;
}

/**
 * Items on their way to one consumer, bounded: what does not fit is dropped, and a {@link Lost} in its place says how
 * many. It ends when the consumer leaves, when the signal aborts (what waits is dropped), or when its source ends.
 */
export class BoundedStream<T extends object> implements AsyncIterableIterator<T | Lost> {
  readonly #limit: number;
  readonly #signal: AbortSignal;
  readonly #release: () => Awaitable<void>;
  readonly #aborted = (): void => this.#leave();
  #queue: (T | Loss)[] = [];
  #waiting: (() => void)[] = [];
  #failure: { readonly error: unknown } | undefined;
  #ended = false;
  #released: Promise<void> | undefined;

  /** @param release lets the source go; called once. What it throws, the consumer gets. */
  constructor(limit: number, signal: AbortSignal, release: () => Awaitable<void>) {
    this.#limit = limit;
    this.#signal = signal;
    this.#release = release;
    signal.addEventListener('abort', this.#aborted, { once: true });
    if (signal.aborted) this.#leave();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** How many items wait, reports of loss included. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** The next item goes to the consumer, or is counted as lost. */
  push(item: T): void {
    if (this.#ended) return;
    if (this.#queue.length >= this.#limit) this.lose(1);
    else this.#add(item);
  }

  /** `count` items were lost here; undefined: nobody knows how many. Reports in a row become one. */
  lose(count: number | undefined): void {
    if (this.#ended) return;
    const last = this.#queue.at(-1);
    if (last === undefined || !isLoss(last)) this.#add({ kind: 'lost', count });
    else last.count = last.count === undefined || count === undefined ? undefined : last.count + count;
  }

  /** The source broke: the consumer gets the error after what came before. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#failure = { error };
    this.#finish();
  }

  /** The source ends: the consumer gets what waits, and then the end. */
  end(): void {
    this.#finish();
  }

  async next(): Promise<IteratorResult<T | Lost>> {
    for (;;) {
      const item = this.#queue.shift();
      if (item !== undefined) return { done: false, value: item };
      if (this.#ended) return this.#last();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async return(): Promise<IteratorResult<T | Lost>> {
    this.#leave();
    return this.#last();
  }

  #add(item: T | Loss): void {
    this.#queue.push(item);
    this.#waiting.shift()?.();
  }

  #leave(): void {
    this.#queue = [];
    this.#failure = undefined;
    this.#finish();
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#signal.removeEventListener('abort', this.#aborted);
    this.#released = Promise.resolve().then(this.#release);
    // Whoever waits for the end is told; when nobody does, there is nobody to tell.
    this.#released.catch(() => undefined);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #last(): Promise<IteratorResult<T | Lost>> {
    const failure = this.#failure;
    this.#failure = undefined;
    // What broke the source says more than what then went wrong with letting it go.
    if (failure) await this.#released?.catch(() => undefined);
    else await this.#released;
    if (failure) throw failure.error;
    return { done: true, value: undefined };
  }
}

const isLoss = (item: object): item is Loss => 'kind' in item && item.kind === 'lost';
