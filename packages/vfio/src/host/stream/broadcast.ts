import { type Lost } from '@pci-recovery/core/linux';
import { BoundedStream } from './bounded-stream.js';

/** Where a source hands over what it sees. */
export interface Sink<T> {
  push(item: T): void;
  /** Some items were lost; undefined: nobody knows how many. */
  lose(count: number | undefined): void;
  /** The source broke and is of no use any more. */
  fail(error: unknown): void;
}

/** Opens a source; it hands over until it is disposed of. Throws when it cannot be opened. */
export type OpenSource<T> = (sink: Sink<T>) => AsyncDisposable;

/**
 * One source for many consumers, each with a bounded queue of its own. The source is opened for the first one and let
 * go of with the last.
 */
export class Broadcast<T extends object> implements AsyncDisposable {
  readonly #open: OpenSource<T>;
  readonly #limit: number;
  #run: Run<T> | undefined;
  /** Runs whose sources are being let go of. */
  readonly #closing = new Set<Promise<void>>();

  constructor(limit: number, open: OpenSource<T>) {
    this.#limit = limit;
    this.#open = open;
  }

  /** How many consumers there are. */
  get consumers(): number {
    return this.#run?.streams.size ?? 0;
  }

  /** From the call on, until `signal` aborts. Throws when the source cannot be opened. */
  subscribe(signal: AbortSignal): AsyncIterableIterator<T | Lost> {
    if (signal.aborted) return new BoundedStream<T>(this.#limit, signal, () => undefined);
    const run = (this.#run ??= this.#begin());
    const stream: BoundedStream<T> = new BoundedStream(this.#limit, signal, () => this.#leave(run, stream));
    run.streams.add(stream);
    return stream;
  }

  /** Ends all consumers and lets the source go. */
  async [Symbol.asyncDispose](): Promise<void> {
    const run = this.#run;
    for (const stream of [...(run?.streams ?? [])]) {
      stream.end();
      this.#drop(run!, stream);
    }
    await Promise.all(this.#closing);
  }

  #begin(): Run<T> {
    const run: Run<T> = { streams: new Set(), source: undefined };
    run.source = this.#open({
      push: (item) => run.streams.forEach((stream) => stream.push(item)),
      lose: (count) => run.streams.forEach((stream) => stream.lose(count)),
      fail: (error) => {
        // A source that broke serves nobody any more: who comes next opens another one.
        if (this.#run === run) this.#run = undefined;
        run.streams.forEach((stream) => stream.fail(error));
      },
    });
    return run;
  }

  /** A consumer has left; the last one waits until the source is gone. */
  #leave(run: Run<T>, stream: BoundedStream<T>): Promise<void> {
    this.#drop(run, stream);
    return run.gone ?? Promise.resolve();
  }

  #drop(run: Run<T>, stream: BoundedStream<T>): void {
    run.streams.delete(stream);
    if (run.streams.size > 0 || run.gone) return;
    if (this.#run === run) this.#run = undefined;
    const gone = Promise.resolve(run.source?.[Symbol.asyncDispose]());
    run.gone = gone;
    const settled = gone.finally(() => this.#closing.delete(settled));
    this.#closing.add(settled);
    settled.catch(() => undefined);
  }
}

/** One life of the source. */
interface Run<T extends object> {
  readonly streams: Set<BoundedStream<T>>;
  source: AsyncDisposable | undefined;
  gone?: Promise<void>;
}
