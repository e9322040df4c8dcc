import { createInterface } from 'node:readline';
import { type Readable, type Writable } from 'node:stream';

/** An order of the lab's driver: the answer to something that was asked of it. */
interface Order {
  readonly ask: number;
  readonly order: string;
  readonly answer?: number;
  readonly error?: string;
}

interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

/**
 * The way to the lab's driver, which injects errors: `{"event":"inject","ask":n,"inject":{"id":…,"error":…}}` is said, and
 * `{"answer":n}` comes back within an order, with `error` when it could not be done. Every order is answered.
 */
export class HostChannel {
  readonly #output: Writable;
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;

  constructor(input: Readable, output: Writable) {
    this.#output = output;
    const lines = createInterface({ input });
    lines.on('line', (line) => this.#obey(JSON.parse(line) as Order));
    lines.on('close', () => this.#ended());
  }

  say(message: Readonly<Record<string, unknown>>): void {
    this.#output.write(`${JSON.stringify(message)}\n`);
  }

  /** Has an error injected into one of the emulator's devices. Rejects when it was not. */
  inject(id: string, error: string): Promise<void> {
    const ask = ++this.#asked;
    return new Promise((resolve, reject) => {
      this.#waiting.set(ask, { resolve, reject });
      this.say({ event: 'inject', ask, inject: { id, error } });
    });
  }

  #obey({ ask, answer = 0, error }: Order): void {
    const waiting = this.#waiting.get(answer);
    this.#waiting.delete(answer);
    if (error === undefined) waiting?.resolve();
    else waiting?.reject(new Error(error));
    const unasked = waiting ? {} : { error: `Nothing was asked with the number ${answer}.` };
    this.say({ event: 'answer', ask, value: null, ...unasked });
  }

  #ended(): void {
    for (const waiting of this.#waiting.values()) waiting.reject(new Error('The driver of the lab is gone.'));
    this.#waiting.clear();
  }
}
