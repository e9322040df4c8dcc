import { type ZpciEvent } from '../record.js';

/** Events on their way to one consumer, in order. */
export class EventQueue {
  #events: ZpciEvent[] = [];
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;
  /** The consumer has not come back for more since the last event was given out. */
  #busy = false;
  #idle: (() => void)[] = [];

  push(event: ZpciEvent): void {
    this.#events.push(event);
    this.#busy = true;
    this.#wake?.();
  }

  /** The source broke: the consumer gets its error after what came before. */
  fail(error: unknown): void {
    this.#failure = { error };
    this.#wake?.();
  }

  /** Resolves when the consumer has taken everything that was pushed so far, or is gone. */
  taken(): Promise<void> {
    return this.#busy ? new Promise((resolve) => void this.#idle.push(resolve)) : Promise.resolve();
  }

  /** What came, batch by batch; ends when `signal` aborts. */
  async *take(signal: AbortSignal): AsyncGenerator<ZpciEvent, void> {
    const aborted = (): void => this.#wake?.();
    signal.addEventListener('abort', aborted, { once: true });
    try {
      while (!signal.aborted) {
        const batch = this.#events;
        this.#events = [];
        yield* batch;
        if (this.#events.length > 0) continue;
        this.#rest();
        if (this.#failure) throw this.#failure.error;
        if (!signal.aborted) await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      signal.removeEventListener('abort', aborted);
      this.#rest();
    }
  }

  #rest(): void {
    this.#busy = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
