import { AER, CAPABILITY_ID, EXTENDED_CAPABILITY_ID, PCIE, PCI_HEADER } from '@pci-recovery/pci';
import { viewOf } from '../../uapi/struct/decode.js';
import { type PciFunction } from '../machine/pci-function.js';

/** What user space may do with each byte of configuration space (drivers/vfio/pci/vfio_pci_config.c: struct perm_bits). */
export interface ConfigPermissions {
  /** Bits that are made up for user space, read and written beside the hardware. */
  readonly virtual: Uint8Array;
  /** Bits that may be written. */
  readonly writable: Uint8Array;
  /** Which capability each byte belongs to, by its offset; 0 the header, −1 none. */
  readonly owner: Int16Array;
}

type Bits = readonly [offset: number, bytes: number, virtual: number, writable: number];

const ALL = 0xffff_ffff;

const HEADER: readonly Bits[] = [
  [PCI_HEADER.VENDOR_ID, 4, ALL, 0],
  [PCI_HEADER.COMMAND, 2, 0x0400, 0xffff],
  [PCI_HEADER.STATUS, 2, 0x0010, 0],
  [PCI_HEADER.CACHE_LINE_SIZE, 2, 0, 0xffff],
  [PCI_HEADER.BIST, 1, 0, 0xff],
  ...[0, 1, 2, 3, 4, 5].map((bar): Bits => [PCI_HEADER.BASE_ADDRESS_0 + 4 * bar, 4, ALL, ALL]),
  [PCI_HEADER.EXPANSION_ROM, 4, ALL, ALL],
  [PCI_HEADER.CAPABILITIES_POINTER, 1, 0xff, 0],
  [PCI_HEADER.INTERRUPT_LINE, 1, 0xff, 0xff],
  [PCI_HEADER.INTERRUPT_PIN, 1, 0xff, 0],
];

/** The first two bytes of a capability cannot be written; its pointer is made up, so that others can be hidden. */
const NEXT: Bits = [1, 1, 0xff, 0];

const CAPABILITIES: Readonly<Record<number, readonly Bits[]>> = {
  [CAPABILITY_ID.POWER_MANAGEMENT]: [NEXT, [2, 2, 0xf800, 0], [4, 2, 0x8100, 0x7efc]],
  [CAPABILITY_ID.MSI]: [NEXT, [2, 1, 0xff, 0xff], [4, 4, ALL, ALL], [8, 4, ALL, ALL], [12, 2, 0xffff, 0xffff]],
  [CAPABILITY_ID.VPD]: [NEXT, [2, 2, 0xffff, 0xffff], [4, 4, ALL, ALL]],
  [CAPABILITY_ID.PCIE]: [NEXT, [PCIE.DEVICE_CONTROL, 2, 0xf0e0, 0xfdff], [PCIE.DEVICE_CONTROL_2, 2, 0, 0xffdf]],
  [CAPABILITY_ID.ADVANCED_FEATURES]: [NEXT, [4, 1, 1, 1]],
};

/** Bits of AER status that may be written: none above 25 (init_pci_ext_cap_err_perm). */
export const AER_UNCORRECTABLE_BITS = 0x03ff_f031;
export const AER_CORRECTABLE_BITS = 0xf1c1;

const EXTENDED: Readonly<Record<number, readonly Bits[]>> = {
  [EXTENDED_CAPABILITY_ID.AER]: [
    [0, 4, ALL, 0],
    [AER.UNCOR_STATUS, 4, 0, AER_UNCORRECTABLE_BITS],
    [AER.UNCOR_MASK, 4, 0, AER_UNCORRECTABLE_BITS],
    [AER.UNCOR_SEVERITY, 4, 0, AER_UNCORRECTABLE_BITS],
    [AER.COR_STATUS, 4, 0, AER_CORRECTABLE_BITS],
    [AER.COR_MASK, 4, 0, AER_CORRECTABLE_BITS],
    [AER.CAP_CONTROL, 4, 0, 0x0140],
  ],
};

/** Lengths of capabilities that user space sees; all others are hidden from the list (pci_cap_length). */
function lengthOf(id: number, subject: PciFunction, offset: number): number {
  const control = viewOf(subject.config).getUint16(offset + 2, true);
  if (id === CAPABILITY_ID.POWER_MANAGEMENT || id === CAPABILITY_ID.VPD) return 8;
  if (id === CAPABILITY_ID.MSI) return 10 + (control & 0x80 ? 4 : 0) + (control & 0x100 ? 10 : 0);
  if (id === CAPABILITY_ID.MSIX) return 12;
  if (id === CAPABILITY_ID.PCIE) return (control & 0xf) === 1 ? 0x14 : 0x34;
  if (id === CAPABILITY_ID.ADVANCED_FEATURES) return 6;
  if (id === CAPABILITY_ID.PCI_X) return 8;
  return id === CAPABILITY_ID.VENDOR_SPECIFIC ? subject.config[offset + 2]! : 0;
}

/** The same for extended capabilities (pci_ext_cap_length); those of variable length that are not listed are hidden here. */
const EXTENDED_LENGTHS: Readonly<Record<number, number>> = {
  [EXTENDED_CAPABILITY_ID.AER]: 0x2c,
  0x0003: 12, // device serial number
  0x0004: 16, // power budgeting
  0x000d: 8, // ACS without egress control
  0x000e: 8, // ARI
  0x000f: 8, // ATS
  0x0010: 64, // SR-IOV
  0x0013: 16, // page request
  0x0018: 8, // latency tolerance
};

function put(to: ConfigPermissions, start: number, bits: readonly Bits[]): void {
  for (const [offset, bytes, virtual, writable] of bits) {
    for (let i = 0; i < bytes; i++) {
      to.virtual[start + offset + i] = (virtual >>> (8 * i)) & 0xff;
      to.writable[start + offset + i] = (writable >>> (8 * i)) & 0xff;
    }
  }
}

/** Takes bytes for a capability: nothing of it can be written before {@link put} says so. */
function own({ owner, writable }: ConfigPermissions, start: number, length: number): void {
  owner.fill(start, start, start + length);
  writable.fill(0, start, start + length);
}

/**
 * Permissions of a function, and its made-up configuration space with capabilities hidden that user space is not to see
 * (vfio_config_init, vfio_cap_init, vfio_ecap_init). What belongs to no capability is read and written as it is.
 */
export function permissionsOf(subject: PciFunction, vconfig: Uint8Array): ConfigPermissions {
  const length = vconfig.length;
  const all = {
    virtual: new Uint8Array(length),
    writable: new Uint8Array(length).fill(0xff),
    owner: new Int16Array(length).fill(-1),
  };
  own(all, 0, 64);
  put(all, 0, HEADER);
  let pointer: number = PCI_HEADER.CAPABILITIES_POINTER;
  for (const { id, offset } of subject.layout.capabilities) {
    const size = lengthOf(id, subject, offset);
    if (size === 0) vconfig[pointer] = vconfig[offset + 1]!;
    else {
      own(all, offset, size);
      put(all, offset, CAPABILITIES[id] ?? [NEXT]);
      pointer = offset + 1;
    }
  }
  extendedPermissions(subject, vconfig, all);
  return all;
}

function extendedPermissions(subject: PciFunction, vconfig: Uint8Array, all: ConfigPermissions): void {
  const view = viewOf(vconfig);
  let before: number | undefined;
  for (const { id, offset } of subject.layout.extended) {
    const size = EXTENDED_LENGTHS[id] ?? 0;
    const header = view.getUint32(offset, true);
    if (size === 0 && before !== undefined) {
      const kept = view.getUint32(before, true) & 0x000f_ffff;
      view.setUint32(before, (kept | (header & 0xfff0_0000)) >>> 0, true);
      continue;
    }
    // The first one anchors the list: its id is hidden, its pointer stays.
    if (size === 0) view.setUint32(offset, (header & 0xffc0_0000) >>> 0, true);
    own(all, offset, size === 0 ? 4 : size);
    put(all, offset, EXTENDED[id] ?? [[0, 4, ALL, 0]]);
    before = offset;
  }
}
