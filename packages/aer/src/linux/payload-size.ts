import { describeError, PciRecoveryError, type Bdf } from '@pci-recovery/core';
import { type SysfsPort } from '@pci-recovery/core/linux';
import { decodeFunction, DEVICE_CONTROL, PCIE } from '@pci-recovery/pci';

const { mask: MASK, shift: SHIFT } = DEVICE_CONTROL.maxPayloadSize;

/** Bytes of payload by the field's code. */
export const payloadBytes = (deviceControl: number): number => 128 << ((deviceControl & MASK) >>> SHIFT);

/** It may be lost, and nobody can say. */
export const unseen = (bdf: Bdf, bytes: number): PciRecoveryError =>
  new PciRecoveryError(
    'ERR_PCI_PAYLOAD_SIZE',
    `${bdf} had a Max_Payload_Size of ${bytes} bytes, and a reset leaves 128: seeing and restoring it takes CAP_SYS_ADMIN (config in sysfs).`,
    { context: { bdf, bytes } },
  );

/** Device Control as the hardware has it. */
interface Control {
  readonly offset: number;
  readonly value: number;
}

/** Waits for an access of the kernel's, but not for ever: then it rejects. */
type InTime = <T>(what: string, access: Promise<T>) => Promise<T>;

/**
 * Max_Payload_Size of a held device, as the hardware has it. A reset leaves it at 128 bytes, and a port above that goes on sending more
 * makes the device see malformed TLPs. VFIO shows its holder a value of its own and lets no write through, so it is looked at and
 * written back through the host's own view of configuration space, which takes CAP_SYS_ADMIN.
 *
 * Source: Linux 7.3 drivers/vfio/pci/vfio_pci_config.c:vfio_exp_config_write, drivers/pci/pci-sysfs.c:pci_read_config, pci_write_config;
 * PCI Express r6.1 §2.2.2, §7.5.3.4.
 */
export class PayloadSize {
  readonly #sysfs: SysfsPort;
  readonly #bdf: Bdf;
  readonly #inTime: InTime;
  /** Device Control as it was saved; undefined: it could not be seen. */
  #saved: number | undefined;

  constructor(sysfs: SysfsPort, bdf: Bdf, inTime: InTime) {
    this.#sysfs = sysfs;
    this.#bdf = bdf;
    this.#inTime = inTime;
  }

  async save(): Promise<void> {
    this.#saved = (await this.#control())?.value;
  }

  /**
   * Writes back what was saved, where it is not there any more.
   * @returns whether it is as it was; `unknown`: it could not be seen, now or when it was saved.
   * @throws PciRecoveryError `ERR_PCI_PAYLOAD_SIZE` when it is lost, and cannot be written back.
   */
  async restore(): Promise<'kept' | 'restored' | 'unknown'> {
    const saved = this.#saved;
    const now = await this.#control();
    if (saved === undefined || now === undefined) return 'unknown';
    if (((saved ^ now.value) & MASK) === 0) return 'kept';
    await this.#write(now.offset, (now.value & ~MASK) | (saved & MASK), saved);
    const after = await this.#control();
    if (after && ((after.value ^ saved) & MASK) === 0) return 'restored';
    throw this.#lost(saved, 'the device does not take it');
  }

  async #write(offset: number, value: number, saved: number): Promise<void> {
    if (!this.#sysfs.writeBytes) throw this.#lost(saved, 'this host has no way to write configuration space');
    try {
      const bytes = Uint8Array.of(value & 0xff, value >>> 8);
      await this.#inTime('A write', Promise.resolve(this.#sysfs.writeBytes(this.#bdf, 'config', offset, bytes)));
    } catch (error) {
      throw this.#lost(saved, describeError(error), error);
    }
  }

  /** Undefined without the right to see it, for a function without PCI Express, and for one that does not answer. */
  async #control(): Promise<Control | undefined> {
    try {
      const bytes = await this.#inTime('A read', Promise.resolve(this.#sysfs.readBytes(this.#bdf, 'config')));
      const pcie = bytes && decodeFunction(bytes).pcie;
      return pcie && { offset: pcie.offset + PCIE.DEVICE_CONTROL, value: pcie.registers.deviceControl };
    } catch {
      return undefined;
    }
  }

  #lost(saved: number, why: string, cause?: unknown): PciRecoveryError {
    const bytes = payloadBytes(saved);
    const message = `${this.#bdf} has lost its Max_Payload_Size of ${bytes} bytes, and it cannot be written back: ${why}`;
    return new PciRecoveryError('ERR_PCI_PAYLOAD_SIZE', message, { context: { bdf: this.#bdf, bytes }, cause });
  }
}
