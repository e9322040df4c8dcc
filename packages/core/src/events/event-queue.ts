/** What is next: an event, the failure of the source, or nothing yet. */
export type Next<Event> = { readonly event: Event } | { readonly error: unknown } | undefined;

/** Events on their way from a platform to its one consumer, in order: for who writes a platform. */
export class EventQueue<Event> {
  #events: Event[] = [];
  /** Index of the next event. */
  #next = 0;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  push(event: Event): void {
    this.#events.push(event);
    this.wake();
  }

  /** The source broke: the consumer gets its error after what came before. */
  fail(error: unknown): void {
    this.#failure = { error };
    this.wake();
  }

  /** Takes what is next. A failure is told once. */
  take(): Next<Event> {
    if (this.#next < this.#events.length) return { event: this.#takeEvent() };
    const failure = this.#failure;
    this.#failure = undefined;
    return failure;
  }

  /** Fulfilled by the next {@link push}, {@link fail} or {@link wake}. */
  changed(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  #takeEvent(): Event {
    const event = this.#events[this.#next++]!;
    // What was taken is let go of when all is taken, or in large pieces.
    if (this.#next === this.#events.length || this.#next === 1024) {
      this.#events.splice(0, this.#next);
      this.#next = 0;
    }
    return event;
  }
}
