import { isPciRecoveryError, PciRecoveryError, wait } from '@pci-recovery/core';
import { decodeCcdfError, errorClass, type CcdfError } from '../../ccdf/index.js';
import { CONTENT_CODE, type ZpciNotification } from '../../port.js';
import { type Machine } from '../machine/machine.js';
import { HeldDevice, type HeldDeviceOptions } from './held-device.js';

/** How the simulated kernel behaves. */
export interface SimulatedVfioOptions {
  /** So long its handler holds a function after it has signalled the holder, in milliseconds. Default: 2. */
  readonly handlerMs?: number;
}

/**
 * The part of Linux 7.3 that is between a machine and those who hold its functions through VFIO: it takes the machine's
 * notifications, keeps records, and signals. It recovers nothing by itself.
 *
 * Source: Linux 7.3 arch/s390/pci/pci_event.c:__zpci_event_error, drivers/vfio/pci/vfio_pci_core.c:
 * vfio_pci_core_aer_err_detected.
 */
export class SimulatedVfio implements AsyncDisposable {
  readonly #machine: Machine;
  readonly #handlerMs: number;
  readonly #held = new Map<number, HeldDevice>();
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;

  /** Takes the machine's notifications from now on. */
  constructor({ machine }: { readonly machine: Machine }, options: SimulatedVfioOptions = {}) {
    this.#machine = machine;
    this.#handlerMs = options.handlerMs ?? 2;
    this.#running = this.#run();
  }

  /**
   * Opens a function.
   * @throws PciRecoveryError `ERR_PCI_SIM_NO_FUNCTION`; `ERR_PCI_SIM_HELD` when somebody holds it.
   */
  open(fid: number, options?: HeldDeviceOptions): HeldDevice {
    const fn = this.#machine.need(fid);
    if (this.#held.has(fid)) {
      throw new PciRecoveryError('ERR_PCI_SIM_HELD', `Function ${fid} is held already: close it first.`, {
        context: { fid },
      });
    }
    const held = new HeldDevice(this.#machine, fn, options);
    this.#held.set(fid, held);
    return held;
  }

  /** Closes a function. @returns how many records its holder has not read. */
  close(held: HeldDevice): number {
    this.#held.delete(held.fid);
    return held.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    for await (const notification of this.#machine.notifications.listen(this.#closing))
      await this.#handle(notification);
  }

  async #handle({ contentCode, ccdf }: ZpciNotification): Promise<void> {
    const error = contentCode === CONTENT_CODE.ERROR ? decoded(ccdf) : undefined;
    const held = error && this.#held.get(error.fid);
    if (!error || !held || !this.#concerns(error)) return;
    if (errorClass(error.pec) === 'measurement') return;
    held.pending.store(ccdf);
    held.locked = true;
    held.signal();
    if (this.#handlerMs > 0) await wait(this.#machine.clock, this.#handlerMs);
    held.locked = false;
  }

  /** Its handle is not stale, and there is a PCI function for it. */
  #concerns({ fid, fh }: CcdfError): boolean {
    const fn = this.#machine.byFid(fid);
    return fn?.fh === fh && fn.state === 'configured';
  }
}

/** Undefined for what makes no sense. */
function decoded(bytes: Uint8Array): CcdfError | undefined {
  try {
    return decodeCcdfError(bytes);
  } catch (error) {
    if (isPciRecoveryError(error)) return undefined;
    throw error;
  }
}
