import { PciRecoveryError } from '../errors/pci-recovery-error.js';

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

  /** @throws PciRecoveryError `ERR_PCI_BAD_LIMIT` when the limit could never be reached, or its numbers are none. */
  constructor(limit: SerdLimit) {
    const { count, windowMs, window } = limit;
    if (!(Number.isInteger(count) && count >= 1 && windowMs > 0) || (window !== 'sliding' && window !== 'first')) {
      throw new PciRecoveryError(
        'ERR_PCI_BAD_LIMIT',
        `${count} errors in ${windowMs} ms (${window}) is no limit: write a whole count from 1, a time above 0, and sliding or first.`,
        { context: { count, windowMs, window } },
      );
    }
    this.#limit = limit;
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#times.size;
  }

  /** Counts one error at `time` (nanoseconds, monotonic); true when the limit is reached. */
  count(key: string, time: number): boolean {
    const sliding = this.#limit.window === 'sliding';
    const kept = this.#within(this.#times.get(key) ?? [], time);
    if (sliding || kept.length === 0) this.#times.delete(key);
    kept.push(time);
    // The first error is where a window of the kind `first` starts: it stays.
    if (kept.length > this.#limit.count) kept.splice(sliding ? 0 : 1, 1);
    this.#times.set(key, kept);
    this.#dropIdle(time);
    return kept.length >= this.#limit.count;
  }

  #within(times: number[], time: number): number[] {
    const since = time - this.#limit.windowMs * NS_PER_MS;
    if (this.#limit.window === 'sliding') return times.filter((one) => one > since);
    return times.length > 0 && times[0]! > since ? times : [];
  }

  /** Keys are in the order in which their windows end: the idle ones are in front. */
  #dropIdle(time: number): void {
    for (const [key, times] of this.#times) {
      const last = this.#limit.window === 'sliding' ? times.at(-1)! : times[0]!;
      if (last > time - this.#limit.windowMs * NS_PER_MS) return;
      this.#times.delete(key);
    }
  }
}
