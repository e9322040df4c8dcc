import { type KernelFile } from './open-file.js';
import { errno } from './outcome.js';
import { Wakeup } from './wakeup.js';

/** A regular file of fixed bytes, as sysfs and proc have them. It cannot be polled. */
export class PlainFile implements KernelFile {
  readonly kind = 'file';
  readonly name: string;
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(path: string, bytes: Uint8Array) {
    this.name = path;
    this.#bytes = bytes;
  }

  pread(buffer: Uint8Array, offset: bigint): number {
    if (offset < 0n) return errno('EINVAL');
    const from = Number(offset);
    const part = this.#bytes.subarray(from, from + buffer.byteLength);
    buffer.set(part);
    return part.byteLength;
  }

  read(buffer: Uint8Array): number {
    const done = this.pread(buffer, BigInt(this.#position));
    this.#position += done;
    return done;
  }

  release(): void {
    this.#position = 0;
  }
}

/** How a stream hands out what it holds: `/dev/kmsg` one record for each read, a trace pipe as many bytes as fit. */
export type StreamKind = 'records' | 'bytes';

/** A file that gives what is put into it, and can be watched. */
export class StreamFile implements KernelFile {
  readonly kind = 'stream';
  readonly name: string;
  readonly wakeup = new Wakeup(() => this.#queue.length > 0);
  readonly #kind: StreamKind;
  readonly #ended: (file: StreamFile) => void;
  readonly #queue: Uint8Array[] = [];

  constructor(path: string, kind: StreamKind, ended: (file: StreamFile) => void) {
    this.name = path;
    this.#kind = kind;
    this.#ended = ended;
  }

  give(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return;
    this.#queue.push(bytes.slice());
    this.wakeup.wake();
  }

  read(buffer: Uint8Array): number {
    const next = this.#queue[0];
    if (!next) return errno('EAGAIN');
    const whole = next.byteLength <= buffer.byteLength;
    // A record that does not fit is passed over (kernel/printk/printk.c:devkmsg_read).
    if (!whole && this.#kind === 'records') {
      this.#queue.shift();
      return errno('EINVAL');
    }
    const part = next.subarray(0, buffer.byteLength);
    buffer.set(part);
    if (whole) this.#queue.shift();
    else this.#queue[0] = next.subarray(part.byteLength);
    return part.byteLength;
  }

  release(): void {
    this.#ended(this);
  }
}
