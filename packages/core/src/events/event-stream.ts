import { type EventQueue } from './event-queue.js';

/**
 * The events of a queue for one consumer, until it leaves or the signal aborts. By hand, because a generator that
 * delegates to another one makes five promises for each event.
 */
export class EventStream<Event> implements AsyncIterableIterator<Event> {
  readonly #queue: EventQueue<Event>;
  readonly #signal: AbortSignal;
  readonly #listen: (signal: AbortSignal) => Promise<void>;
  readonly #left = new AbortController();
  readonly #aborted = (): void => this.#queue.wake();
  /** Settles when the source has let go. */
  #source: Promise<void> | undefined;
  #over = false;

  /** @param listen fills the queue until its signal aborts; called with the first {@link next}. */
  constructor(queue: EventQueue<Event>, signal: AbortSignal, listen: (signal: AbortSignal) => Promise<void>) {
    this.#queue = queue;
    this.#signal = signal;
    this.#listen = listen;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Event>> {
    if (!this.#source && !this.#over) this.#begin();
    while (!this.#over && !this.#signal.aborted) {
      const next = this.#queue.take();
      if (next === undefined) await this.#queue.changed();
      else if ('event' in next) return { done: false, value: next.event };
      else {
        await this.#end();
        throw next.error;
      }
    }
    await this.#end();
    return { done: true, value: undefined };
  }

  /** Its consumer leaves: what fills the queue lets go, and what is in it stays. */
  async return(): Promise<IteratorResult<Event>> {
    await this.#end();
    return { done: true, value: undefined };
  }

  #begin(): void {
    this.#signal.addEventListener('abort', this.#aborted, { once: true });
    this.#source = this.#listen(AbortSignal.any([this.#signal, this.#left.signal]));
  }

  async #end(): Promise<void> {
    this.#over = true;
    this.#left.abort();
    this.#signal.removeEventListener('abort', this.#aborted);
    this.#queue.wake();
    await this.#source;
  }
}
