import { type PciRecoveryError, type Stoppable } from '@pci-recovery/core';
import { type KernelLogLine, type KernelLogPort, type Lost } from '@pci-recovery/core/linux';
import { constants } from 'node:fs';
import { failedWith } from '../../seam/errno.js';
import { OwnedFd } from '../../seam/owned-fd.js';
import { type Syscalls } from '../../seam/syscalls.js';
import { accepted, type Meanings, refusedCall } from '../../seam/refused-call.js';
import { parseKmsg } from './parse.js';

/** Settings of a {@link KernelLog}. */
export interface KernelLogOptions {
  /** Default `/dev/kmsg`. */
  readonly path?: string;
  /** Begin with the oldest record that the kernel still has, or with what comes from now on. Default `now`. */
  readonly from?: 'oldest' | 'now';
}

/** Longer than any record (kernel/printk/internal.h PRINTK_MESSAGE_MAX, 2048; 8192 before Linux 6.4). */
const LONGEST_RECORD = 16_384;

/** More records than any kernel keeps: passing over them ends. */
const MOST_KEPT = 1 << 20;

/** Failures in a row after which the log is of no use: each should have passed over one record. */
const MOST_FAILURES = 1024;

const MEANINGS: Meanings = {
  EPERM: { advice: 'reading it takes CAP_SYSLOG where kernel.dmesg_restrict is 1.' },
  EACCES: { advice: 'reading it takes root, or a group that may read it.' },
  ENOENT: { advice: 'the kernel has no /dev/kmsg, or the container is not given it.' },
};

/**
 * The kernel's log as it grows, from /dev/kmsg. Only what the kernel itself says is told: a process can write there too,
 * but not as facility 0. Every subscriber has a descriptor of its own and reads when it is asked to, so a slow one takes
 * no memory: the kernel's ring is its queue, and what is overwritten there is told as `Lost` with its count, by the
 * sequence numbers.
 */
export class KernelLog implements KernelLogPort {
  readonly #syscalls: Syscalls;
  readonly #path: string;
  readonly #from: 'oldest' | 'now';

  constructor(syscalls: Syscalls, { path = '/dev/kmsg', from = 'now' }: KernelLogOptions = {}) {
    this.#syscalls = syscalls;
    this.#path = path;
    this.#from = from;
  }

  /**
   * From the call on (or from the oldest record), until `signal` aborts.
   * @throws PciRecoveryError `ERR_PCI_PERMISSION`, `ERR_PCI_NOT_PRESENT` with what to do about it; later failures end the
   * iteration with the error.
   */
  events({ signal }: Stoppable): AsyncIterableIterator<KernelLogLine | Lost> {
    return new KernelLogStream(this.#syscalls, this.#path, this.#from, signal);
  }
}

/** What a read gives. */
type Taken = { readonly line: KernelLogLine | Lost } | 'nothing' | 'passed over';

class KernelLogStream implements AsyncIterableIterator<KernelLogLine | Lost> {
  readonly #syscalls: Syscalls;
  readonly #signal: AbortSignal;
  readonly #buffer = new Uint8Array(LONGEST_RECORD);
  readonly #aborted = (): void => void this.#close();
  /** Until the end. */
  #fd: OwnedFd | undefined;
  #closed: Promise<void> | undefined;
  #watch: Disposable | undefined;
  #wake: (() => void)[] = [];
  #failure: PciRecoveryError | undefined;
  /** The sequence number that should come next. */
  #expected: bigint | undefined;
  /** Comes after a report of loss. */
  #held: KernelLogLine | undefined;
  #failures = 0;

  constructor(syscalls: Syscalls, path: string, from: 'oldest' | 'now', signal: AbortSignal) {
    this.#syscalls = syscalls;
    this.#signal = signal;
    if (signal.aborted) return;
    const result = syscalls.open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    this.#fd = new OwnedFd(syscalls, accepted('open', result, { path }, MEANINGS), path);
    signal.addEventListener('abort', this.#aborted, { once: true });
    if (from === 'now') this.#passOver();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<KernelLogLine | Lost>> {
    while (this.#fd !== undefined) {
      const taken = this.#take();
      if (taken === 'nothing') await this.#readable();
      else if (taken !== 'passed over') return { done: false, value: taken.line };
    }
    await this.#closed;
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure;
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<KernelLogLine | Lost>> {
    this.#failure = undefined;
    this.#close();
    await this.#closed;
    return { done: true, value: undefined };
  }

  /** What is in the ring already is not told. */
  #passOver(): void {
    for (let count = 0; count < MOST_KEPT && this.#fd !== undefined; count++) {
      const taken = this.#take();
      if (taken === 'nothing') return;
      this.#held = undefined;
    }
  }

  #take(): Taken {
    const held = this.#held;
    this.#held = undefined;
    if (held) return { line: held };
    const length = this.#syscalls.read(this.#fd!.raw, this.#buffer);
    if (length > 0) return this.#record(this.#buffer.subarray(0, length));
    if (length === 0) return this.#close();
    if (failedWith(length, 'EAGAIN')) return 'nothing';
    // EPIPE: records were overwritten; EINVAL: one that does not fit was passed over. The next one's number tells.
    const goesOn = ['EPIPE', 'EINVAL', 'EINTR'].some((errno) => failedWith(length, errno));
    if (goesOn && ++this.#failures < MOST_FAILURES) {
      const unknown = failedWith(length, 'EPIPE') && this.#expected === undefined;
      return unknown ? { line: { kind: 'lost', count: undefined } } : 'passed over';
    }
    return this.#fail(length);
  }

  #record(bytes: Uint8Array): Taken {
    this.#failures = 0;
    const record = parseKmsg(bytes);
    // The gap in the numbers tells that it is missing.
    if (record === undefined) return 'passed over';
    const { sequence, microseconds, level, text } = record;
    const missing = this.#expected === undefined ? 0n : sequence - this.#expected;
    this.#expected = sequence + 1n;
    const line: KernelLogLine = { kind: 'line', sequence, microseconds, level, text };
    const told = record.facility === 0;
    if (missing <= 0n) return told ? { line } : 'passed over';
    if (told) this.#held = line;
    return { line: { kind: 'lost', count: Number(missing) } };
  }

  /** Fulfilled when there is something to read, or nothing ever will be. */
  async #readable(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake.push(resolve);
      if (this.#watch) return;
      const watch = this.#syscalls.watch(
        this.#fd!.raw,
        () => this.#rouse(),
        (errno) => this.#fail(errno),
      );
      if (typeof watch === 'number') this.#fail(watch);
      else this.#watch = watch;
    });
  }

  /** A descriptor that stays readable must not call again and again while its reader is busy. */
  #rouse(): void {
    this.#watch?.[Symbol.dispose]();
    this.#watch = undefined;
    for (const wake of this.#wake.splice(0)) wake();
  }

  #fail(result: number): 'passed over' {
    this.#failure = refusedCall('read', result, { path: this.#fd!.what });
    return this.#close();
  }

  #close(): 'passed over' {
    const fd = this.#fd;
    if (fd === undefined) return 'passed over';
    this.#fd = undefined;
    this.#held = undefined;
    this.#signal.removeEventListener('abort', this.#aborted);
    this.#rouse();
    this.#closed = fd.close();
    // Told to whoever asks for more.
    this.#closed.catch(() => undefined);
    return 'passed over';
  }
}
