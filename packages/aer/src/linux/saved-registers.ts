import { AER, decodeFunction, PCI_HEADER, PCIE, type PciFunction } from '@pci-recovery/pci';

/** A 16- or 32-bit register. */
export interface SavedRegister {
  readonly name: string;
  /** Byte offset in configuration space. */
  readonly offset: number;
  readonly width: 2 | 4;
  readonly value: number;
  /** The bits that are to be as they were; the others are not ours to restore. */
  readonly mask: number;
  /** Is to be written before: VFIO passes Max_Read_Request_Size on to the hardware only when its holder changes it. */
  readonly before?: number;
}

/**
 * What a holder can write (Linux 7.3 drivers/vfio/pci/vfio_pci_config.c:init_pci_cap_exp_perm, init_pci_ext_cap_err_perm). Device
 * Control without Initiate FLR, which must never be written back as 1, and without Phantom Functions; Device Control 2 without ARI; error
 * bits as far as that function lists them. Max_Payload_Size is only VFIO's own (see `HostRegisters`).
 */
const WRITABLE = {
  command: 0xffff,
  deviceControl: 0x7dff,
  deviceControl2: 0xffdf,
  uncorrectable: 0x03ff_f031,
  correctable: 0xf1c1,
} as const;

const [DEVICE_CONTROL, COMMAND] = ['Device Control', 'Command'] as const;

/** The lowest bit of Max_Read_Request_Size: with it changed any of the six sizes is another one of them. */
const OTHER_READ_REQUEST = 1 << 12;

/**
 * What a reset takes from a device that VFIO lets its holder write, in the order in which it is to be written back: Command last, for
 * with it the device starts to work, and the kernel restores base addresses at that moment.
 *
 * Source: Linux 7.3 drivers/vfio/pci/vfio_pci_config.c:init_pci_cap_exp_perm, init_pci_ext_cap_err_perm, vfio_basic_config_write
 * (vfio_bar_restore). MSI and MSI-X control is not among them: writes to it are dropped, only SET_IRQS sets it.
 */
export function savedRegisters({ header, pcie, aer }: PciFunction): readonly SavedRegister[] {
  if (!header) return [];
  const saved: SavedRegister[] = [];
  const save = (name: string, offset: number, width: 2 | 4, value: number, mask: number): void =>
    void saved.push({ name, offset, width, value: value >>> 0, mask });
  if (pcie) {
    const { deviceControl, deviceControl2 } = pcie.registers;
    const control = deviceControl & WRITABLE.deviceControl;
    saved.push({
      name: DEVICE_CONTROL,
      offset: pcie.offset + PCIE.DEVICE_CONTROL,
      width: 2,
      value: control,
      mask: WRITABLE.deviceControl,
      before: control ^ OTHER_READ_REQUEST,
    });
    if (pcie.second)
      save('Device Control 2', pcie.offset + PCIE.DEVICE_CONTROL_2, 2, deviceControl2, WRITABLE.deviceControl2);
  }
  if (aer) {
    const { uncorrectableMask, uncorrectableSeverity, correctableMask } = aer.registers;
    const [mask, severity, correctable] = [AER.UNCOR_MASK, AER.UNCOR_SEVERITY, AER.COR_MASK];
    save('Uncorrectable Error Mask', aer.offset + mask, 4, uncorrectableMask, WRITABLE.uncorrectable);
    save('Uncorrectable Error Severity', aer.offset + severity, 4, uncorrectableSeverity, WRITABLE.uncorrectable);
    save('Correctable Error Mask', aer.offset + correctable, 4, correctableMask, WRITABLE.correctable);
  }
  save(COMMAND, PCI_HEADER.COMMAND, 2, header.registers.command, WRITABLE.command);
  return saved;
}

/** The registers that are not as they were. `now`: the device's configuration space, at least as long as when they were saved. */
export const changedRegisters = <R extends SavedRegister>(saved: readonly R[], now: Uint8Array): readonly R[] =>
  saved.filter(({ offset, width, value, mask }) => ((readRegister(now, offset, width) ^ value) & mask) !== 0);

/** Which bits, all lost at once, show a reset: the error reporting enables, which no driver clears, else the decoders and bus mastering. */
const TELL_TALES = [
  [DEVICE_CONTROL, 0x000f],
  [COMMAND, 0x0007],
] as const;

/** Something that was set is not set any more, where only a reset clears it: a listener may stop bus mastering while it waits. */
export function showsReset(saved: readonly SavedRegister[], now: Uint8Array): boolean {
  for (const [name, mask] of TELL_TALES) {
    const register = saved.find((one) => one.name === name);
    if (!register || (register.value & mask) === 0) continue;
    return (readRegister(now, register.offset, register.width) & register.value & mask) === 0;
  }
  return false;
}

/** Little-endian; all ones beyond the end, as on a bus. */
export function readRegister(bytes: Uint8Array, offset: number, width: 2 | 4): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (offset + width > bytes.byteLength) return width === 2 ? 0xffff : 0xffff_ffff;
  return width === 2 ? view.getUint16(offset, true) : view.getUint32(offset, true);
}

/** A register's bytes, little-endian. */
export function registerBytes(value: number, width: 2 | 4): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value >>> 0, true);
  return bytes.subarray(0, width);
}

/** INTx Disable and Capabilities List: VFIO shows its own, also of a device that is gone. */
const VIRTUAL = 0x0010_0400;

/**
 * Somebody answers: Command and Status do not read all ones (Linux 7.3 drivers/pci/pci.c:pci_dev_config_accessible), apart from bits that
 * VFIO makes up (drivers/vfio/pci/vfio_pci_config.c:init_pci_cap_basic_perm, vfio_default_config_read).
 */
export const answering = (bytes: Uint8Array): boolean =>
  (readRegister(bytes, PCI_HEADER.COMMAND, 4) | VIRTUAL) !== (0xffff_ffff | 0);

/** Error status that is set, as registers whose bits are cleared by writing them back. */
export function statusRegisters(bytes: Uint8Array): readonly SavedRegister[] {
  const { aer } = decodeFunction(bytes);
  if (!aer) return [];
  const { uncorrectableStatus, correctableStatus } = aer.registers;
  const status = (name: string, offset: number, value: number, mask: number): SavedRegister[] =>
    value === 0 ? [] : [{ name, offset: aer.offset + offset, width: 4, value, mask }];
  return [
    ...status('Uncorrectable Error Status', AER.UNCOR_STATUS, uncorrectableStatus, WRITABLE.uncorrectable),
    ...status('Correctable Error Status', AER.COR_STATUS, correctableStatus, WRITABLE.correctable),
  ];
}
