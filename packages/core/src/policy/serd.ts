/** N errors in time T: the soft error rate discriminator of illumos' fault management. */
export interface SerdLimit {
  /** The error with this number within the window is too many (1 or more). */
  readonly count: number;
  /** Length of the window, milliseconds. */
  readonly windowMs: number;
  /** `sliding`: the last `windowMs`. `first`: starts with the first error and is not moved (EEH's freeze limit, R4.10). */
  readonly window: 'sliding' | 'first';
}

const NS_PER_MS = 1e6;

/** Counts errors per key against a limit. Memory is bounded: at most `count` times per key, and idle keys are dropped. */
export class Serd {
  readonly #limit: SerdLimit;
  readonly #times = new Map<string, number[]>();

  constructor(limit: SerdLimit) {
    this.#limit = limit;
  }

  /** Counts one error at `time` (nanoseconds, monotonic); true when the limit is reached. */
  count(key: string, time: number): boolean {
    const kept = this.#within(this.#times.get(key) ?? [], time);
    kept.push(time);
    if (kept.length > this.#limit.count) kept.shift();
    this.#times.delete(key);
    this.#times.set(key, kept);
    this.#dropIdle(time);
    return kept.length >= this.#limit.count;
  }

  #within(times: number[], time: number): number[] {
    const since = time - this.#limit.windowMs * NS_PER_MS;
    if (this.#limit.window === 'sliding') return times.filter((one) => one > since);
    return times.length > 0 && times[0]! > since ? times : [];
  }

  /** Keys are in the order of their last error: the idle ones are in front. */
  #dropIdle(time: number): void {
    for (const [key, times] of this.#times) {
      if (times.at(-1)! > time - this.#limit.windowMs * NS_PER_MS) return;
      this.#times.delete(key);
    }
  }
}
