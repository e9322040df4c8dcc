import { abortedError, type Clock } from '@pci-recovery/core';

/** Wakes whoever waits for something to happen. */
export class Bell {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  ring(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /**
   * Whether it rings within `ms` milliseconds. Nothing is left behind.
   * @throws PciRecoveryError `ERR_PCI_ABORTED` as soon as `signal` aborts.
   */
  within(ms: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.reject(abortedError(signal, 'The wait'));
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        timer[Symbol.dispose]();
        this.#waiting.delete(rang);
        signal.removeEventListener('abort', aborted);
      };
      const rang = (): void => (leave(), resolve(true));
      const aborted = (): void => (leave(), reject(abortedError(signal, 'The wait')));
      const timer = this.#clock.after(ms, () => (leave(), resolve(false)));
      this.#waiting.add(rang);
      signal.addEventListener('abort', aborted, { once: true });
    });
  }
}
