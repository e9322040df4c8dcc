import { PciRecoveryError, type Plain } from '@pci-recovery/core';
import { errnoNumber, succeeded, syscallError } from '../seam/errno.js';
import { type OwnedFd } from '../seam/owned-fd.js';
import { type IoctlArgument, type Mapping, type SyscallResult, type Syscalls } from '../seam/syscalls.js';
import { type Query } from '../uapi/query.js';
import { type RequestName, requests, type RequestNumbers } from '../uapi/requests.js';

/** What a file of the kernel is made with. */
export interface KernelFileOptions {
  /** Added to the context of every error: `bdf`, `group`. */
  readonly context?: Readonly<Record<string, Plain>>;
  /** Node's name of the architecture, for the request numbers. Default: this machine's. */
  readonly arch?: string;
}

/** The request numbers; where nobody knows them, something is done before that is thrown. */
function numbersOr(arch: string | undefined, otherwise: () => void): RequestNumbers {
  try {
    return requests(arch);
  } catch (error) {
    otherwise();
    throw error;
  }
}

/**
 * A descriptor together with the calls that are made on it. A call in a thread has only the descriptor's number: were it
 * closed and the number given out again, the call would hit somebody else's file. So closing waits for calls under way,
 * and refuses new ones from its first moment on.
 */
export class KernelFile implements AsyncDisposable {
  readonly syscalls: Syscalls;
  readonly context: Readonly<Record<string, Plain>>;
  readonly #fd: OwnedFd;
  readonly #numbers: RequestNumbers;
  readonly #running = new Set<Promise<unknown>>();
  #sealed = false;
  #closed: Promise<void> | undefined;

  /**
   * Takes the descriptor over, also when this throws: it is closed then.
   * @throws PciRecoveryError `ERR_PCI_UNKNOWN_ARCHITECTURE`
   */
  constructor(syscalls: Syscalls, fd: OwnedFd, { context = {}, arch }: KernelFileOptions = {}) {
    this.syscalls = syscalls;
    this.context = context;
    this.#fd = fd;
    this.#numbers = numbersOr(arch, () => void fd.close().catch(() => undefined));
  }

  /** What it is, in words. */
  get what(): string {
    return this.#fd.what;
  }

  /**
   * The descriptor's number, for other calls' arguments: to be borrowed for one synchronous call only.
   * @throws PciRecoveryError `ERR_PCI_CLOSED`
   */
  get raw(): number {
    this.mustBeOpen();
    return this.#fd.raw;
  }

  /** @throws PciRecoveryError `ERR_PCI_CLOSED` */
  mustBeOpen(): void {
    if (this.#sealed) throw this.#gone();
  }

  /** ioctl(2): its result, or a negative errno. */
  ioctl(request: RequestName, argument: IoctlArgument): SyscallResult {
    return this.syscalls.ioctl(this.raw, this.#numbers[request], argument);
  }

  /** The same in a thread. */
  ioctlAsync(request: RequestName, argument: IoctlArgument): Promise<SyscallResult> {
    return this.borrow((fd) => this.syscalls.ioctlAsync(fd, this.#numbers[request], argument));
  }

  /** Also between {@link seal} and {@link close}: for giving back what was set up. An errno when it is closed. */
  lastIoctl(request: RequestName, argument: IoctlArgument): SyscallResult {
    return this.#fd.closed
      ? -errnoNumber('EBADF')!
      : this.syscalls.ioctl(this.#fd.raw, this.#numbers[request], argument);
  }

  pread(buffer: Uint8Array, offset: bigint): SyscallResult {
    return this.syscalls.pread(this.raw, buffer, offset);
  }

  pwrite(buffer: Uint8Array, offset: bigint): SyscallResult {
    return this.syscalls.pwrite(this.raw, buffer, offset);
  }

  preadAsync(buffer: Uint8Array, offset: bigint): Promise<SyscallResult> {
    return this.borrow((fd) => this.syscalls.preadAsync(fd, buffer, offset));
  }

  pwriteAsync(buffer: Uint8Array, offset: bigint): Promise<SyscallResult> {
    return this.borrow((fd) => this.syscalls.pwriteAsync(fd, buffer, offset));
  }

  mmap(length: number, protection: number, offset: bigint): Mapping | SyscallResult {
    return this.syscalls.mmap(this.raw, length, protection, offset);
  }

  /** Runs a question with growing memory to its end, at once. */
  ask<T>(query: Query<T>): T {
    let step = query;
    while (step.do === 'ioctl') step = step.answered(this.ioctl(step.request, step.buffer));
    return this.#answer(query, step);
  }

  /** The same in threads: for questions that may have to wait for a lock of the kernel. */
  async askAsync<T>(query: Query<T>): Promise<T> {
    let step = query;
    while (step.do === 'ioctl') step = step.answered(await this.ioctlAsync(step.request, step.buffer));
    return this.#answer(query, step);
  }

  /** The result of a call, or its error with this file's context. */
  check(call: string, result: SyscallResult, context: Readonly<Record<string, Plain>> = {}): SyscallResult {
    return succeeded(call, result, { ...this.context, ...context });
  }

  /** Refuses new calls from now on, and waits for those under way. */
  async seal(): Promise<void> {
    this.#sealed = true;
    await Promise.allSettled(this.#running);
  }

  /** Seals and closes. Later calls wait for the same end. */
  close(): Promise<void> {
    this.#closed ??= this.seal().then(() => this.#fd.close());
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #answer<T>(query: Query<T>, end: Exclude<Query<T>, { readonly do: 'ioctl' }>): T {
    if (end.do === 'end') return end.value;
    throw syscallError(query.do === 'ioctl' ? query.request : 'ioctl', end.errno, this.context);
  }

  /** Lends the descriptor to an asynchronous call: it is not closed before that has ended. */
  async borrow<T>(start: (fd: number) => Promise<T>): Promise<T> {
    const call = start(this.raw);
    this.#running.add(call);
    try {
      return await call;
    } finally {
      this.#running.delete(call);
    }
  }

  #gone(): PciRecoveryError {
    return new PciRecoveryError('ERR_PCI_CLOSED', `${this.what} is closed: open it again to use it.`, {
      context: { ...this.context, what: this.what },
    });
  }
}

/** Lends several descriptors to one asynchronous call. */
export function borrowAll<T>(files: readonly KernelFile[], use: (fds: readonly number[]) => Promise<T>): Promise<T> {
  const [first, ...rest] = files;
  if (first === undefined) return use([]);
  return first.borrow((fd) => borrowAll(rest, (fds) => use([fd, ...fds])));
}
