import { type Clock } from '@pci-recovery/core';

/** A queue between kernel and user space: in order, each item some milliseconds late. */
export class Delivery<Item> {
  readonly #clock: Clock;
  readonly #delay: () => number;
  readonly #subscribers = new Set<(item: Item) => void>();
  /** Items are withheld: they are lost, and whoever waits for them is told nothing. */
  lose: (item: Item) => boolean = () => false;
  lost = 0;
  #last = 0;
  #failed: ((error: unknown) => void)[] = [];

  constructor(clock: Clock, delay: () => number) {
    this.#clock = clock;
    this.#delay = delay;
  }

  send(item: Item, arrived: () => void = () => undefined): void {
    if (this.lose(item)) return void this.lost++;
    const now = this.#clock.monotonic();
    this.#last = Math.max(this.#last, now + this.#delay() * 1e6);
    this.#clock.after((this.#last - now) / 1e6, () => {
      arrived();
      for (const take of this.#subscribers) take(item);
    });
  }

  get subscribers(): number {
    return this.#subscribers.size;
  }

  /** The source breaks for everybody who reads it. */
  fail(error: unknown): void {
    for (const failed of this.#failed.splice(0)) failed(error);
  }

  /** What arrives from now on, until `signal` aborts. */
  events(signal: AbortSignal): AsyncIterable<Item> {
    const items: Item[] = [];
    let wake = (): void => undefined;
    let failure: { error: unknown } | undefined;
    const take = (item: Item): void => {
      items.push(item);
      wake();
    };
    this.#subscribers.add(take);
    this.#failed.push((error) => {
      failure = { error };
      wake();
    });
    const subscribers = this.#subscribers;
    signal.addEventListener('abort', () => (subscribers.delete(take), wake()), { once: true });
    return {
      async *[Symbol.asyncIterator]() {
        try {
          for (;;) {
            while (items.length > 0) yield items.shift()!;
            if (failure) throw failure.error;
            if (signal.aborted) return;
            await new Promise<void>((resolve) => (wake = resolve));
          }
        } finally {
          subscribers.delete(take);
        }
      },
    };
  }
}
