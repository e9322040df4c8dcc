import { errnoNumber, type IoctlArgument, OwnedFd, type Syscalls } from '../../src/index.js';
import { KernelFile } from '../../src/device/kernel-file.js';
import { type RequestName, requests } from '../../src/uapi/requests.js';

export const errno = (name: string): number => -errnoNumber(name)!;

/** An ioctl as the kernel saw it. */
export interface SeenIoctl {
  readonly request: RequestName;
  readonly bytes: Uint8Array;
}

type Answer = number | ((argument: IoctlArgument) => number);

/**
 * A kernel of one device file, whose answers are given call by call: for answers that no machine gives at will. What a
 * machine does is tested with the scripted kernel of `testing`.
 */
export class CannedKernel {
  readonly seen: SeenIoctl[] = [];
  readonly closed: number[] = [];
  readonly counters = new Map<number, bigint>();
  readonly watched = new Map<number, () => void>();
  /** By request: the answers in order, the last for ever. None: 0. */
  readonly answers: Partial<Record<RequestName, Answer[]>> = {};
  /** Results of pread and pwrite, in order; none: all of it. Bytes read are 0, 1, 2 … of the offset. */
  readonly transfers: number[] = [];
  readonly offsets: bigint[] = [];
  /** Its files are containers. */
  container = false;
  /** Calls in threads end when this does. */
  gate: Promise<unknown> = Promise.resolve();
  /** Ends the watch that was begun last, as when polling itself fails. */
  pollFails: (errno: number) => void = () => undefined;
  refuses: Partial<Record<'eventfd' | 'watch', string>> = {};
  #next = 10;

  readonly syscalls = {
    eventfd: (initial: number) => (this.refuses.eventfd ? errno(this.refuses.eventfd) : this.#eventfd(initial)),
    takeEventfd: (fd: number) => this.#take(fd),
    watch: (fd: number, readable: () => void, failed: (errno: number) => void) => {
      this.pollFails = failed;
      return this.#watch(fd, readable);
    },
    ioctl: (_fd: number, request: number, argument: IoctlArgument) => this.#ioctl(request, argument),
    ioctlAsync: (fd: number, request: number, argument: IoctlArgument) =>
      this.#later(fd, () => this.#ioctl(request, argument)),
    pread: (_fd: number, buffer: Uint8Array, offset: bigint) => this.#transfer(buffer, offset, true),
    pwrite: (_fd: number, buffer: Uint8Array, offset: bigint) => this.#transfer(buffer, offset, false),
    preadAsync: (fd: number, buffer: Uint8Array, offset: bigint) =>
      this.#later(fd, () => this.#transfer(buffer, offset, true)),
    pwriteAsync: (fd: number, buffer: Uint8Array, offset: bigint) =>
      this.#later(fd, () => this.#transfer(buffer, offset, false)),
    closeAsync: async (fd: number) => this.#close(fd),
  } as Partial<Syscalls> as Syscalls;

  /** A device file on it. */
  file(what = 'device'): KernelFile {
    const fd = new OwnedFd(this.syscalls, this.#next++, what);
    return new KernelFile(this.syscalls, fd, { context: { bdf: '0000:01:00.0' } });
  }

  /** Adds to an eventfd's counter, and lets the event loop tell who watches it. */
  async signal(fd: number, count = 1n): Promise<void> {
    this.counters.set(fd, this.counters.get(fd)! + count);
    await this.turn();
  }

  /** A turn of the event loop: watchers of what can be read are called. */
  async turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    for (const [fd, readable] of [...this.watched]) if (this.counters.get(fd)! > 0n) readable();
  }

  #eventfd(initial: number): number {
    this.counters.set(this.#next, BigInt(initial));
    return this.#next++;
  }

  #take(fd: number): bigint {
    const count = this.counters.get(fd);
    if (count === undefined) throw new Error(`eventfd ${fd} is read after its close`);
    this.counters.set(fd, 0n);
    return count === 0n ? BigInt(errno('EAGAIN')) : count;
  }

  #watch(fd: number, readable: () => void): Disposable | number {
    if (this.refuses.watch) return errno(this.refuses.watch);
    this.watched.set(fd, readable);
    return { [Symbol.dispose]: () => void this.watched.delete(fd) };
  }

  #ioctl(number: number, argument: IoctlArgument): number {
    const names = Object.entries(requests()).flatMap(([name, known]) => (known === number ? [name] : []));
    // Devices and containers use the same numbers for different requests.
    const request = (names.find((name) => this.container && name.startsWith('VFIO_IOMMU')) ?? names[0]) as RequestName;
    this.seen.push({ request, bytes: argument instanceof Uint8Array ? argument.slice() : new Uint8Array() });
    const answers = this.answers[request] ?? [];
    const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? 0;
    return typeof answer === 'number' ? answer : answer(argument);
  }

  #transfer(buffer: Uint8Array, offset: bigint, fill: boolean): number {
    this.offsets.push(offset);
    const result = this.transfers.shift() ?? buffer.length;
    if (fill) for (let at = 0; at < result; at++) buffer[at] = Number(offset) + at;
    return result;
  }

  async #later(fd: number, work: () => number): Promise<number> {
    await this.gate;
    if (this.closed.includes(fd)) throw new Error(`descriptor ${fd} was closed under a call`);
    return work();
  }

  #close(fd: number): number {
    if (this.watched.has(fd)) throw new Error('closed while it is watched');
    this.counters.delete(fd);
    this.closed.push(fd);
    return 0;
  }
}
