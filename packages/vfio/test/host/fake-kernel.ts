import { errnoNumber, type Datagram, type Syscalls } from '../../src/index.js';

/** What a read or a receive gives next: bytes, an errno's name, or the end (an empty string). */
export type Next = Uint8Array | string;

/** A descriptor of the fake: a queue of what it gives. */
interface Stream {
  readonly path: string;
  readonly queue: Next[];
  watcher: (() => void) | undefined;
  failed: ((errno: number) => void) | undefined;
  closed: boolean;
}

const errno = (name: string): number => -errnoNumber(name)!;

/**
 * As much of the kernel as observers use: descriptors that give what a test puts in. Readable descriptors call their
 * watcher in the event loop, again and again while something is left, as poll does.
 */
export class FakeKernel {
  readonly streams: Stream[] = [];
  /** Calls that fail with an errno's name. */
  readonly refuses: Partial<Record<'open' | 'ueventSocket' | 'watch', string>> = {};
  /** Fills a descriptor as it is opened. */
  onOpen: (stream: Stream) => void = () => undefined;
  /** The errno of a read or receive when nothing is there. */
  empty = 'EAGAIN';

  /** The descriptor that was opened last. */
  get last(): Stream {
    return this.streams.at(-1)!;
  }

  /** Descriptors that are open. */
  get open(): readonly Stream[] {
    return this.streams.filter(({ closed }) => !closed);
  }

  /** Gives to a descriptor, and wakes who watches it. */
  give(stream: Stream, ...next: Next[]): void {
    stream.queue.push(...next);
    this.#wake(stream);
  }

  readonly syscalls = {
    open: (path: string) => this.#opened(path, 'open'),
    ueventSocket: () => this.#opened('uevents', 'ueventSocket'),
    close: (fd: number) => this.#close(fd),
    closeAsync: (fd: number) => Promise.resolve(this.#close(fd)),
    read: (fd: number, buffer: Uint8Array) => this.#receive(fd, buffer).result,
    receive: (fd: number, buffer: Uint8Array) => this.#receive(fd, buffer),
    watch: (fd: number, readable: () => void, failure: (errno: number) => void) => this.#watch(fd, readable, failure),
  } as unknown as Syscalls;

  #opened(path: string, call: 'open' | 'ueventSocket'): number {
    const refusal = this.refuses[call];
    if (refusal !== undefined) return errno(refusal);
    const stream: Stream = { path, queue: [], watcher: undefined, failed: undefined, closed: false };
    this.streams.push(stream);
    this.onOpen(stream);
    return 100 + this.streams.length - 1;
  }

  #stream(fd: number): Stream {
    const stream = this.streams[fd - 100];
    if (!stream || stream.closed) throw new Error(`descriptor ${fd} is used after its close`);
    return stream;
  }

  #close(fd: number): number {
    const stream = this.#stream(fd);
    if (stream.watcher) throw new Error('closed while it is watched');
    stream.closed = true;
    return 0;
  }

  #receive(fd: number, buffer: Uint8Array): Datagram {
    const nothing = { truncated: false, sender: 0, fds: [] };
    const next = this.#stream(fd).queue.shift();
    if (next === undefined) return { result: errno(this.empty), ...nothing };
    if (typeof next === 'string') return { result: next === '' ? 0 : errno(next), ...nothing };
    const { sender = 0, truncated = false } = next as Uint8Array & Partial<Datagram>;
    buffer.set(next.subarray(0, buffer.length));
    return { result: Math.min(next.length, buffer.length), truncated, sender, fds: [] };
  }

  #watch(fd: number, readable: () => void, failure: (errno: number) => void): Disposable | number {
    const stream = this.#stream(fd);
    if (this.refuses.watch !== undefined) return errno(this.refuses.watch);
    if (stream.watcher) return errno('EEXIST');
    stream.watcher = readable;
    stream.failed = failure;
    this.#wake(stream);
    return { [Symbol.dispose]: () => void (stream.watcher = undefined) };
  }

  #wake(stream: Stream): void {
    setImmediate(() => {
      if (!stream.watcher || stream.queue.length === 0) return;
      stream.watcher();
      this.#wake(stream);
    });
  }
}

/** A datagram that somebody else than the kernel sent, or that was cut. */
export const marked = (bytes: Uint8Array, marks: { sender?: number; truncated?: boolean }): Uint8Array =>
  Object.assign(Uint8Array.from(bytes), marks);

/** Bytes of a text in Latin-1. */
export const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

/** The next `count` items. */
export async function take<T>(count: number, stream: AsyncIterator<T>): Promise<T[]> {
  const items: T[] = [];
  for (let taken = 0; taken < count; taken++) items.push((await stream.next()).value as T);
  return items;
}

/** What `work` throws. */
export function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
