import { wait, type ChannelState, type Clock, type OperationFailure, type OperationResult } from '@pci-recovery/core';
import { COMMAND } from '@pci-recovery/pci';
import { type Errno, type ZpciOwnerPort } from '../owner-port.js';
import { enableBusMaster, restoreZpciConfig, saveZpciConfig, type ZpciConfigSnapshot } from './config-snapshot.js';
import { type OwnerTimings } from './owner-timings.js';

const WHY: Readonly<Partial<Record<Errno, OperationFailure>>> = {
  EAGAIN: 'timeout',
  EINVAL: 'unsupported',
  ENOTTY: 'unsupported',
  EBUSY: 'refused',
  EPERM: 'refused',
  ENODEV: 'gone',
};

const failed = (why: OperationFailure, detail: string): OperationResult => ({ ok: false, why, detail });

/** A function that we hold through VFIO, and what we know of it. */
export class HeldFunction {
  readonly port: ZpciOwnerPort;
  channel: ChannelState = 'normal';
  #saved: ZpciConfigSnapshot | undefined;
  /** Errors with a lower sequence number were seen before the last reset. */
  #overBelow = 0;
  readonly #sequence: () => number;
  readonly #clock: Clock;
  readonly #timings: OwnerTimings;

  /** @param sequence the number of the next error that will be seen. */
  constructor(port: ZpciOwnerPort, clock: Clock, timings: OwnerTimings, sequence: () => number) {
    this.port = port;
    this.#clock = clock;
    this.#timings = timings;
    this.#sequence = sequence;
    this.save();
  }

  /** Saves its configuration, if it can be read (R2.8). */
  save(): void {
    this.#saved = saveZpciConfig(this.port) ?? this.#saved;
  }

  /** It does not answer: it is in the error state, or gone. */
  get silent(): boolean {
    return saveZpciConfig(this.port) === undefined;
  }

  /**
   * An error that was seen before the last reset, or that has another handle, is over, if the function answers: when it
   * does not, there is a later error, whose record may have been dropped. `seen`: its sequence number.
   */
  isOver(seen: number, fh: number | undefined): boolean {
    if (this.silent) return false;
    if (seen < this.#overBelow) return true;
    const now = this.port.handle();
    return fh !== undefined && now !== undefined && fh !== now;
  }

  async reset(): Promise<OperationResult> {
    return this.#after('VFIO_DEVICE_RESET', await this.#patiently(() => this.port.reset()));
  }

  async hotReset(): Promise<OperationResult> {
    return this.#after('VFIO_DEVICE_PCI_HOT_RESET', await this.#patiently(() => this.port.hotReset()));
  }

  /**
   * Again and again while the host still holds it: its handler may not be done yet (EAGAIN). The handler takes the lock of
   * the function's state before that of the device, and lets go of it later: in between a reset answers EIO, as one that
   * fails does. One EIO is tried again: of this error's handler, or of the next one's.
   *
   * Source: Linux 7.3 arch/s390/pci/pci_event.c:__zpci_event_error, drivers/pci/pci.c:pci_try_reset_function,
   * pci_reset_bus, drivers/pci/hotplug/s390_pci_hpc.c:reset_slot.
   */
  async #patiently(ask: () => Errno): Promise<Errno> {
    const { firstRetryMs, mostRetryMs, limitMs } = this.#timings;
    let errno = ask();
    let spare = 1;
    const again = (): boolean => errno === 'EAGAIN' || (errno === 'EIO' && spare-- > 0);
    let waited = 0;
    for (let ms = firstRetryMs; waited < limitMs && again(); ms = Math.min(2 * ms, mostRetryMs)) {
      const step = Math.min(ms, limitMs - waited);
      await wait(this.#clock, step);
      waited += step;
      errno = ask();
    }
    return errno;
  }

  /** Nothing to restore where nothing could be saved. */
  restore(): OperationResult {
    if (!this.#saved || restoreZpciConfig(this.port, this.#saved)) return { ok: true };
    return failed('failed', 'Configuration space does not answer after the reset');
  }

  /** As it was; where that is not known, it may. */
  enableBusMaster(): OperationResult {
    if (this.#saved && (this.#saved.command & COMMAND.busMaster.mask) === 0) return { ok: true };
    return enableBusMaster(this.port) ? { ok: true } : failed('failed', 'The Command register does not take it');
  }

  #after(what: string, errno: Errno): OperationResult {
    if (errno !== 0) return failed(WHY[errno] ?? 'failed', `${what} gave ${errno}`);
    this.#overBelow = this.#sequence();
    return { ok: true };
  }
}
