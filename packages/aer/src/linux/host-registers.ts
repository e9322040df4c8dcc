import { describeError, PciRecoveryError, type Bdf } from '@pci-recovery/core';
import { type SysfsPort } from '@pci-recovery/core/linux';
import { CONFIG_SIZE, decodeFunction } from '@pci-recovery/pci';
import { describeRegister, hostOnlyRegisters, lostBehindVfio, type HostOnlyRegister } from './host-only-registers.js';
import { changedRegisters, readRegister, registerBytes } from './saved-registers.js';

/** Waits for an access of the kernel's, but not for ever: then it rejects. */
type InTime = <T>(what: string, access: Promise<T>) => Promise<T>;

/** What the registers of a held device were, and whose view of them that was. */
interface Saved {
  readonly registers: readonly HostOnlyRegister[];
  readonly view: 'host' | 'vfio';
}

/** The register as it is to be; bits that are not ours as they are now. */
const bytesOf = ({ offset, width, value, mask }: HostOnlyRegister, now: Uint8Array): Uint8Array =>
  registerBytes((readRegister(now, offset, width) & ~mask) | (value & mask), width);

/**
 * The registers of a held device that VFIO lets nobody write. They are written back through the host's own view of configuration space,
 * which takes CAP_SYS_ADMIN and no lockdown of the kernel. Without it what VFIO shows has to do, and nothing can be written back.
 *
 * Source: Linux 7.3 drivers/pci/pci-sysfs.c:pci_read_config, pci_write_config.
 */
export class HostRegisters {
  readonly #sysfs: SysfsPort;
  readonly #bdf: Bdf;
  readonly #inTime: InTime;
  readonly #trouble: (error: unknown) => void;
  #saved: Saved = { registers: [], view: 'vfio' };

  constructor(sysfs: SysfsPort, bdf: Bdf, inTime: InTime, trouble: (error: unknown) => void) {
    this.#sysfs = sysfs;
    this.#bdf = bdf;
    this.#inTime = inTime;
    this.#trouble = trouble;
  }

  /** `shown`: configuration space as VFIO shows it. */
  async save(shown: Uint8Array): Promise<void> {
    const host = await this.#hostView();
    const bytes = host ?? shown;
    this.#saved = { registers: hostOnlyRegisters(decodeFunction(bytes), bytes), view: host ? 'host' : 'vfio' };
  }

  /**
   * Writes back what a reset took away. What cannot be written back, and the device works without, is trouble; so is everything where the
   * host's view cannot be had.
   * @param shown configuration space as VFIO shows it now.
   * @param wasReset it shows that nobody has restored the device since its reset, as the kernel does after one of its own.
   * @throws PciRecoveryError `ERR_PCI_NOT_RESTORED` when something is lost that the device cannot do without.
   */
  async restore(shown: Uint8Array, wasReset: boolean): Promise<void> {
    const { registers, view } = this.#saved;
    const now = await this.#hostView();
    if (now && view === 'host') return this.#writeBack(changedRegisters(registers, now), now);
    const lost = wasReset ? lostBehindVfio(registers, shown) : [];
    if (lost.length > 0) this.#trouble(this.#notRestored(lost, 'that takes CAP_SYS_ADMIN (config in sysfs)'));
  }

  async #writeBack(lost: readonly HostOnlyRegister[], now: Uint8Array): Promise<void> {
    if (lost.length === 0) return;
    const why = await this.#writeAll(lost, now);
    const after = await this.#hostView();
    const left = after ? changedRegisters(lost, after) : lost;
    if (left.length === 0) return;
    const error = this.#notRestored(left, why);
    if (left.some(({ essential }) => essential)) throw error;
    this.#trouble(error);
  }

  /** @returns why it may not have worked */
  async #writeAll(lost: readonly HostOnlyRegister[], now: Uint8Array): Promise<string> {
    if (!this.#sysfs.writeBytes) return 'this host has no way to';
    try {
      for (const register of lost) {
        const written = this.#sysfs.writeBytes(this.#bdf, 'config', register.offset, bytesOf(register, now));
        await this.#inTime('A write', Promise.resolve(written));
      }
      return 'the device does not take it';
    } catch (error) {
      return describeError(error);
    }
  }

  /** Undefined without the right to see more than the header, and for a function that does not answer. */
  async #hostView(): Promise<Uint8Array | undefined> {
    try {
      const bytes = await this.#inTime('A read', Promise.resolve(this.#sysfs.readBytes(this.#bdf, 'config')));
      const seen = bytes !== undefined && bytes.length > CONFIG_SIZE.header && decodeFunction(bytes).pcie !== undefined;
      return seen ? bytes : undefined;
    } catch {
      return undefined;
    }
  }

  #notRestored(lost: readonly HostOnlyRegister[], why: string): PciRecoveryError {
    const names = lost.map(describeRegister);
    const message = `A reset has taken from ${this.#bdf}, and it is not written back since ${why}: ${names.join(', ')}.`;
    return new PciRecoveryError('ERR_PCI_NOT_RESTORED', message, { context: { bdf: this.#bdf, registers: names } });
  }
}
