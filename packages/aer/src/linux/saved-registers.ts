import { AER, decodeFunction, PCI_HEADER, PCIE, type PciFunction } from '@pci-recovery/pci';

/** A 16- or 32-bit register. */
export interface SavedRegister {
  readonly name: string;
  /** Byte offset in configuration space. */
  readonly offset: number;
  readonly width: 2 | 4;
  readonly value: number;
}

/** Initiate FLR in Device Control: reads as 0, and must never be written back as 1. */
const NO_FLR = 0x7fff;

/**
 * What a reset takes from a device that VFIO lets its holder write, in the order in which it is to be written back: Command last, for
 * with it the device starts to work, and the kernel restores base addresses at that moment.
 *
 * Source: Linux 7.3 drivers/vfio/pci/vfio_pci_config.c:init_pci_cap_exp_perm, init_pci_ext_cap_err_perm, vfio_basic_config_write
 * (vfio_bar_restore). MSI and MSI-X control is not among them: writes to it are dropped, only SET_IRQS sets it.
 */
export function savedRegisters({ header, pcie, aer }: PciFunction): readonly SavedRegister[] {
  if (!header) return [];
  const express = pcie
    ? [
        register('Device Control', pcie.offset + PCIE.DEVICE_CONTROL, 2, pcie.registers.deviceControl & NO_FLR),
        ...(pcie.second
          ? [register('Device Control 2', pcie.offset + PCIE.DEVICE_CONTROL_2, 2, pcie.registers.deviceControl2)]
          : []),
      ]
    : [];
  const errors = aer
    ? [
        register('Uncorrectable Error Mask', aer.offset + AER.UNCOR_MASK, 4, aer.registers.uncorrectableMask),
        register(
          'Uncorrectable Error Severity',
          aer.offset + AER.UNCOR_SEVERITY,
          4,
          aer.registers.uncorrectableSeverity,
        ),
        register('Correctable Error Mask', aer.offset + AER.COR_MASK, 4, aer.registers.correctableMask),
      ]
    : [];
  return [...express, ...errors, register('Command', PCI_HEADER.COMMAND, 2, header.registers.command)];
}

const register = (name: string, offset: number, width: 2 | 4, value: number): SavedRegister => ({
  name,
  offset,
  width,
  value: value >>> 0,
});

/** Registers that a reset clears, and whose loss therefore shows that there was one. */
const TELL_TALES: ReadonlySet<string> = new Set(['Device Control', 'Command']);

/** The registers that are not as they were. `now`: the device's configuration space, at least as long as when they were saved. */
export const changedRegisters = (saved: readonly SavedRegister[], now: Uint8Array): readonly SavedRegister[] =>
  saved.filter(({ offset, width, value }) => readRegister(now, offset, width) !== value);

/** Something that was set is not set any more, where only a reset clears it. */
export const showsReset = (saved: readonly SavedRegister[], now: Uint8Array): boolean =>
  saved.some(
    ({ name, offset, width, value }) => TELL_TALES.has(name) && (value & ~readRegister(now, offset, width)) !== 0,
  );

/** Little-endian; all ones beyond the end, as on a bus. */
export function readRegister(bytes: Uint8Array, offset: number, width: 2 | 4): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (offset + width > bytes.byteLength) return width === 2 ? 0xffff : 0xffff_ffff;
  return width === 2 ? view.getUint16(offset, true) : view.getUint32(offset, true);
}

/** Somebody answers: Command and Status do not read all ones (Linux drivers/pci/pci.c:pci_dev_config_accessible). */
export const answering = (bytes: Uint8Array): boolean => readRegister(bytes, PCI_HEADER.COMMAND, 4) !== 0xffff_ffff;

/** Error status that is set, as registers whose bits are cleared by writing them back. */
export function statusRegisters(bytes: Uint8Array): readonly SavedRegister[] {
  const { aer } = decodeFunction(bytes);
  if (!aer) return [];
  const { uncorrectableStatus, correctableStatus } = aer.registers;
  return [
    register('Uncorrectable Error Status', aer.offset + AER.UNCOR_STATUS, 4, uncorrectableStatus),
    register('Correctable Error Status', aer.offset + AER.COR_STATUS, 4, correctableStatus),
  ].filter(({ value }) => value !== 0);
}
