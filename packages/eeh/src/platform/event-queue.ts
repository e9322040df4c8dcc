import { type EehEvent } from '../record.js';

/** Events on their way to one consumer, in order. */
export class EventQueue {
  #events: EehEvent[] = [];
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  push(event: EehEvent): void {
    this.#events.push(event);
    this.#wake?.();
  }

  /** The source broke: the consumer gets its error after what came before. */
  fail(error: unknown): void {
    this.#failure = { error };
    this.#wake?.();
  }

  /** What came, batch by batch; ends when `signal` aborts. */
  async *taken(signal: AbortSignal): AsyncGenerator<EehEvent, void> {
    const aborted = (): void => this.#wake?.();
    signal.addEventListener('abort', aborted, { once: true });
    try {
      while (!signal.aborted) {
        const batch = this.#events;
        this.#events = [];
        yield* batch;
        if (this.#failure) throw this.#failure.error;
        if (this.#events.length === 0 && !signal.aborted) await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      signal.removeEventListener('abort', aborted);
    }
  }
}
