import { viewOf } from '../../uapi/struct/decode.js';
import { HOST_BYTE_ORDER } from '../../uapi/byte-order.js';
import { type KernelFile } from './open-file.js';
import { errno } from './outcome.js';
import { Wakeup } from './wakeup.js';

const LITTLE = HOST_BYTE_ORDER === 'LE';
const MOST = (1n << 64n) - 2n;

/** A non-blocking eventfd without EFD_SEMAPHORE (fs/eventfd.c). Its counter is in the program's byte order. */
export class EventFd implements KernelFile {
  readonly kind = 'eventfd';
  readonly name = 'anon_inode:[eventfd]';
  readonly wakeup = new Wakeup(() => this.#count > 0n);
  #count: bigint;

  constructor(initial: number) {
    this.#count = BigInt(initial);
  }

  get count(): bigint {
    return this.#count;
  }

  /** eventfd_signal: adds 1. */
  signal(): void {
    if (this.#count < MOST + 1n) this.#count++;
    this.wakeup.wake();
  }

  /** The counter, which is 0 then; EAGAIN when it is 0 already. */
  take(): bigint {
    if (this.#count === 0n) return BigInt(errno('EAGAIN'));
    const taken = this.#count;
    this.#count = 0n;
    return taken;
  }

  read(buffer: Uint8Array): number {
    if (buffer.byteLength < 8) return errno('EINVAL');
    const taken = this.take();
    if (taken < 0n) return Number(taken);
    viewOf(buffer).setBigUint64(0, taken, LITTLE);
    return 8;
  }

  write(buffer: Uint8Array): number {
    if (buffer.byteLength < 8) return errno('EINVAL');
    const added = viewOf(buffer).getBigUint64(0, LITTLE);
    if (added > MOST) return errno('EINVAL');
    if (this.#count + added > MOST) return errno('EAGAIN');
    this.#count += added;
    this.wakeup.wake();
    return 8;
  }

  release(): void {
    this.#count = 0n;
  }
}
