import { type SyscallResult } from '../../seam/syscalls.js';
import { irqSet } from '../../uapi/irq-set.js';
import { type KernelFile } from '../kernel-file.js';
import { EventLine, type SignalListener } from './event-line.js';

/** Which of a device's two notifications a {@link SignalLine} is. */
export interface Notification {
  /** Index for VFIO_DEVICE_SET_IRQS: ERR or REQ. */
  readonly index: number;
  /** In words. */
  readonly what: string;
}

/**
 * The ERR or the REQ index of a device: one eventfd, registered with the first listener and detached with the last.
 *
 * Registering **replaces** the eventfd that was there, whoever set it, and the kernel tells nobody of it
 * (drivers/vfio/pci/vfio_pci_intrs.c:vfio_pci_set_ctx_trigger_single). A device keeps no count without an eventfd: what
 * happens while there is none is not seen. What was counted before the last listener left is told to the next one.
 */
export class SignalLine implements AsyncDisposable {
  readonly #file: KernelFile;
  readonly #notification: Notification;
  readonly #closing = new Set<Promise<void>>();
  #line: EventLine | undefined;
  /** Counted, and told to nobody. */
  #kept = 0;

  constructor(file: KernelFile, notification: Notification) {
    this.#file = file;
    this.#notification = notification;
  }

  /**
   * @throws PciRecoveryError `ERR_PCI_CLOSED`, and what the kernel refused (EINVAL: the device has no such index)
   */
  listen(listener: SignalListener): Disposable {
    this.#file.mustBeOpen();
    const line = this.#line ?? this.#register();
    const listening = this.#watched(line, listener);
    return {
      [Symbol.dispose]: () => {
        listening[Symbol.dispose]();
        if (line.listeners === 0 && this.#line === line) this.#detach();
      },
    };
  }

  /** Lets the kernel signal, as if something had happened (DATA_NONE with trigger). EINVAL when nobody listens. */
  loopback(): SyscallResult {
    return this.#file.ioctl(irqSet.request, irqSet.none({ index: this.#notification.index }, 1));
  }

  /** Detaches, and waits until the eventfds are closed. Before the device is closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#detach();
    this.#kept = 0;
    await Promise.all(this.#closing);
  }

  #watched(line: EventLine, listener: SignalListener): Disposable {
    try {
      return line.listen(listener);
    } catch (error) {
      if (line.listeners === 0) this.#detach();
      throw error;
    }
  }

  #register(): EventLine {
    const { index, what } = this.#notification;
    const { syscalls } = this.#file;
    const line = new EventLine(syscalls, `eventfd of ${what} of ${this.#file.what}`, this.#kept);
    const result = this.#file.ioctl(irqSet.request, irqSet.eventfds({ index }, [line.fd.raw]));
    if (result < 0) this.#close(line);
    this.#file.check(irqSet.request, result, { index: what });
    this.#kept = 0;
    return (this.#line = line);
  }

  /** With −1: right also when somebody else has detached it already, where DATA_NONE would answer EINVAL. */
  #detach(): void {
    const line = this.#line;
    if (line === undefined) return;
    this.#line = undefined;
    this.#file.lastIoctl(irqSet.request, irqSet.eventfds({ index: this.#notification.index }, [-1]));
    this.#kept += line.take();
    this.#close(line);
  }

  #close(line: EventLine): void {
    const closed = line[Symbol.asyncDispose]().finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
    closed.catch(() => undefined);
  }
}
