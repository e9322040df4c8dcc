import { type AerEvent } from '../record.js';

/** Events on their way to one consumer, in order. */
export class EventQueue {
  #events: AerEvent[] = [];
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  push(event: AerEvent): void {
    this.#events.push(event);
    this.#wake?.();
  }

  /** The source broke: the consumer gets its error after what came before. */
  fail(error: unknown): void {
    this.#failure = { error };
    this.#wake?.();
  }

  /** What came, batch by batch; ends when `signal` aborts. */
  async *taken(signal: AbortSignal): AsyncGenerator<AerEvent, void> {
    const aborted = (): void => this.#wake?.();
    signal.addEventListener('abort', aborted, { once: true });
    try {
      while (!signal.aborted) {
        yield* this.#batch();
        const failure = this.#failure;
        this.#failure = undefined;
        if (failure) throw failure.error;
        if (this.#events.length === 0 && !signal.aborted) await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      signal.removeEventListener('abort', aborted);
    }
  }

  /** What is there now. What is not taken of it stays, in front. */
  *#batch(): Generator<AerEvent, void> {
    const batch = this.#events;
    this.#events = [];
    let taken = 0;
    try {
      for (; taken < batch.length;) yield batch[taken++]!;
    } finally {
      if (taken < batch.length) this.#events = [...batch.slice(taken), ...this.#events];
    }
  }
}
