import { describeError } from '@pci-recovery/core';
import { failedWith, syscallError } from '../../seam/errno.js';
import { OwnedFd } from '../../seam/owned-fd.js';
import { type Syscalls } from '../../seam/syscalls.js';

/** Told of signals: how many came since the last call. */
export type SignalListener = (signals: number) => void;

/** What an eventfd can begin with (eventfd2(2)). */
const MOST_UNTOLD = 0xffff_ffff;

/** One that throws is reported, and nobody else notices. */
function tell(listener: SignalListener, signals: number, what: string): void {
  try {
    listener(signals);
  } catch (error) {
    process.emitWarning(`A listener of ${what} threw: ${describeError(error)}`, {
      type: 'PciRecoveryWarning',
      code: 'PCI_RECOVERY_LISTENER_THREW',
    });
  }
}

/**
 * An eventfd with listeners. It is watched while there are any; signals that come in between stay in the kernel's counter
 * and are told to the next listener.
 */
export class EventLine implements AsyncDisposable {
  readonly fd: OwnedFd;
  readonly #syscalls: Syscalls;
  readonly #listeners = new Set<{ readonly listener: SignalListener }>();
  #watch: Disposable | undefined;

  /** @param untold signals that the first listener is told of */
  constructor(syscalls: Syscalls, what: string, untold = 0) {
    this.#syscalls = syscalls;
    this.fd = OwnedFd.of(syscalls, 'eventfd', syscalls.eventfd(Math.min(untold, MOST_UNTOLD)), { what });
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /**
   * Told in the event loop of signals from now on, and of those that nobody has taken yet.
   * @throws PciRecoveryError when the eventfd cannot be watched
   */
  listen(listener: SignalListener): Disposable {
    this.#watch ??= this.#startWatch();
    const entry = { listener };
    this.#listeners.add(entry);
    return { [Symbol.dispose]: () => this.#drop(entry) };
  }

  /** Takes what was signalled and not yet told. An eventfd that cannot be read is reported, and watched no more. */
  take(): number {
    const count = this.#syscalls.takeEventfd(this.fd.raw);
    if (count >= 0n) return Number(count);
    if (failedWith(Number(count), 'EAGAIN') || failedWith(Number(count), 'EINTR')) return 0;
    process.emitWarning(syscallError('read', Number(count), { what: this.fd.what }));
    this.#endWatch();
    return 0;
  }

  /** Listeners are told nothing any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listeners.clear();
    this.#endWatch();
    await this.fd.close();
  }

  #startWatch(): Disposable {
    const watch = this.#syscalls.watch(
      this.fd.raw,
      () => this.#readable(),
      (errno) => {
        process.emitWarning(syscallError('poll', errno, { what: this.fd.what }));
        this.#watch = undefined;
      },
    );
    if (typeof watch === 'number') throw syscallError('watch', watch, { what: this.fd.what });
    return watch;
  }

  #endWatch(): void {
    this.#watch?.[Symbol.dispose]();
    this.#watch = undefined;
  }

  #readable(): void {
    const signals = this.take();
    if (signals === 0) return;
    for (const entry of [...this.#listeners]) {
      if (this.#listeners.has(entry)) tell(entry.listener, signals, this.fd.what);
    }
  }

  #drop(entry: { readonly listener: SignalListener }): void {
    if (this.#listeners.delete(entry) && this.#listeners.size === 0) this.#endWatch();
  }
}
