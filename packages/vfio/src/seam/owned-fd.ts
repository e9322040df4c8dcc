import { PciRecoveryError, type Plain } from '@pci-recovery/core';
import { succeeded, syscallError } from './errno.js';
import { registerOpen, type OpenDescriptor } from './open-descriptors.js';
import { type RawFd, type SyscallResult, type Syscalls } from './syscalls.js';

/**
 * A descriptor with exactly one owner, who closes it. Everybody else borrows {@link raw} for the length of a call.
 * One that is never closed is found: see {@link openDescriptors}.
 */
export class OwnedFd implements AsyncDisposable {
  readonly #syscalls: Syscalls;
  readonly #entry: OpenDescriptor;
  readonly #forget: () => void;
  #open = true;
  #closed: Promise<void> | undefined;

  /**
   * Takes over a descriptor that is open.
   * @param what the words by which messages call it: a path, `eventfd of ERR`
   */
  constructor(syscalls: Syscalls, fd: RawFd, what: string) {
    this.#syscalls = syscalls;
    this.#entry = { fd, what };
    this.#forget = registerOpen(this, this.#entry);
  }

  /**
   * Takes over what a call answered.
   * @throws PciRecoveryError when it answered an errno; see {@link syscallError}
   */
  static of(
    syscalls: Syscalls,
    call: string,
    result: SyscallResult,
    context: Readonly<Record<string, Plain>> & { readonly what: string },
  ): OwnedFd {
    return new OwnedFd(syscalls, succeeded(call, result, context), context.what);
  }

  /**
   * open(2).
   * @throws PciRecoveryError see {@link syscallError}
   */
  static open(syscalls: Syscalls, path: string, flags: number): OwnedFd {
    return new OwnedFd(syscalls, succeeded('open', syscalls.open(path, flags), { path }), path);
  }

  /** What it is, in words. */
  get what(): string {
    return this.#entry.what;
  }

  /** Whether it has been closed or let go. */
  get closed(): boolean {
    return !this.#open;
  }

  /**
   * The descriptor, to be borrowed for one call. Never keep it: its number means something else after the close.
   * @throws PciRecoveryError `ERR_PCI_CLOSED`
   */
  get raw(): RawFd {
    if (this.#open) return this.#entry.fd;
    throw new PciRecoveryError('ERR_PCI_CLOSED', `${this.what} is closed: open it again to use it.`, {
      context: { what: this.what },
    });
  }

  /**
   * Closes it, in a thread: closing a VFIO device can reset it. From the call on {@link raw} throws. Later calls wait for
   * the same end. The kernel has closed the descriptor also when this fails (EIO).
   * @throws PciRecoveryError see {@link syscallError}
   */
  close(): Promise<void> {
    this.#closed ??= this.#open ? this.#close() : Promise.resolve();
    return this.#closed;
  }

  /**
   * Lets it go without closing it: who gets the number is its owner now.
   * @throws PciRecoveryError `ERR_PCI_CLOSED`
   */
  release(): RawFd {
    const fd = this.raw;
    this.#end();
    return fd;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #end(): void {
    this.#open = false;
    this.#forget();
  }

  async #close(): Promise<void> {
    this.#end();
    const result = await this.#syscalls.closeAsync(this.#entry.fd);
    if (result < 0) throw syscallError('close', result, { what: this.what });
  }
}
