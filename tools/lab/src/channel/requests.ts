import { labError } from '../failure.js';
import { reasonText } from '../host/limit.js';

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Questions that were asked and not yet answered; each has a number by which its answer is known. */
export class Requests {
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #closed: Error | undefined;

  /**
   * Asks: `send` gets the number. Fulfilled by {@link Requests.answer}.
   * @throws PciRecoveryError `ERR_PCI_LAB_TIMEOUT` as soon as `signal` aborts.
   */
  ask(what: string, send: (id: number) => void, signal: AbortSignal): Promise<unknown> {
    if (this.#closed) return Promise.reject(this.#closed);
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      const aborted = (): void => {
        this.#waiting.delete(id);
        reject(labError('TIMEOUT', `${what} was not answered: ${reasonText(signal)}.`, { cause: signal.reason }));
      };
      const done = (): void => signal.removeEventListener('abort', aborted);
      this.#waiting.set(id, {
        resolve: (value) => (done(), resolve(value)),
        reject: (error) => (done(), reject(error)),
      });
      if (signal.aborted) return aborted();
      signal.addEventListener('abort', aborted, { once: true });
      send(id);
    });
  }

  /** An answer has come; one that nobody waits for any more is dropped. */
  answer(id: number, value: unknown): void {
    this.#take(id)?.resolve(value);
  }

  /** The answer is an error. */
  refuse(id: number, error: Error): void {
    this.#take(id)?.reject(error);
  }

  /** There will be no more answers: everything that is asked fails with `error`. */
  close(error: Error): void {
    this.#closed ??= error;
    for (const id of [...this.#waiting.keys()]) this.refuse(id, error);
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}
