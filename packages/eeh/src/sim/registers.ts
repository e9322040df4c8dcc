import { type Bdf, bdfParts } from '@pci-recovery/core';
import { AER, CAPABILITY_ID, COMMAND, EXTENDED_CAPABILITY_ID, PCI_HEADER, PCIE } from '@pci-recovery/pci';
import { type ConfigWidth } from '../port.js';

const SIZE = 0x200;
/** Where capabilities are. */
const PCIE_AT = 0x40;
const AER_AT = 0x100;
const DEVICE_CONTROL = PCIE_AT + PCIE.DEVICE_CONTROL;
const PORT_TYPE = { endpoint: 0, root_port: 4, upstream_port: 5, downstream_port: 6 } as const;
const DECODING = COMMAND.memorySpace.mask | COMMAND.busMaster.mask | COMMAND.serrEnable.mask;
const BAR_SIZE = 0x10_0000;

/** Masks by number of double word, from masks by byte offset. */
function masks(of: readonly (readonly [offset: number, mask: number])[]): Int32Array {
  const table = new Int32Array(SIZE / 4);
  for (const [offset, mask] of of) table[offset / 4] = mask;
  return table;
}

/** What can be written, as byte offset and mask of a double word; everything else is read-only. */
const WRITABLE: readonly (readonly [offset: number, mask: number])[] = [
  [PCI_HEADER.COMMAND, 0x0547],
  [PCI_HEADER.CACHE_LINE_SIZE, 0xffff],
  [PCI_HEADER.BASE_ADDRESS_0, -BAR_SIZE],
  [PCI_HEADER.INTERRUPT_LINE, 0xff],
  [DEVICE_CONTROL, 0xffff],
  [PCIE_AT + PCIE.LINK_CONTROL, 0xffff],
  [PCIE_AT + PCIE.SLOT_CONTROL, 0xffff],
  [AER_AT + AER.UNCOR_MASK, -1],
  [AER_AT + AER.UNCOR_SEVERITY, -1],
];

const ENDPOINT_MASKS = masks(WRITABLE);

const BRIDGE_MASKS = masks([
  ...WRITABLE,
  [PCI_HEADER.PRIMARY_BUS, 0x00ff_ffff],
  [PCI_HEADER.IO_BASE, 0xf0f0],
  [PCI_HEADER.MEMORY_BASE, 0xfff0_fff0 | 0],
  [PCI_HEADER.PREFETCHABLE_BASE, 0xfff0_fff0 | 0],
  [PCI_HEADER.INTERRUPT_LINE, 0x0fff_00ff],
]);

/** What a function's registers say. */
export interface RegisterOptions {
  readonly bdf: Bdf;
  readonly type: keyof typeof PORT_TYPE;
  readonly vendorId: number;
  readonly deviceId: number;
  readonly flr: boolean;
  readonly virtual: boolean;
  readonly secondary?: number;
}

/** Configuration space of a simulated function: header, PCI Express and AER capabilities, little-endian. */
export class Registers {
  readonly #options: RegisterOptions;
  readonly #bytes = new DataView(new ArrayBuffer(SIZE));
  /** Device Control was written, and nobody has looked at it since. */
  #controlled = false;

  /** As firmware set it up. */
  constructor(options: RegisterOptions) {
    this.#options = options;
    this.reset();
    const { bdf, secondary } = options;
    this.#set(PCI_HEADER.COMMAND, 2, DECODING);
    const { bus, device, function: fn } = bdfParts(bdf);
    if (!options.virtual)
      this.#set(PCI_HEADER.BASE_ADDRESS_0, 4, 0x8000_0000 + ((bus << 8) | (device << 3) | fn) * BAR_SIZE);
    if (secondary !== undefined) this.#set(PCI_HEADER.PRIMARY_BUS, 4, bus | (secondary << 8) | (0xff << 16));
  }

  /** What a reset leaves: identity, and everything else at its default. */
  reset(): void {
    const { type, vendorId, deviceId, flr, virtual } = this.#options;
    const bridge = type !== 'endpoint';
    new Uint8Array(this.#bytes.buffer).fill(0);
    this.#set(PCI_HEADER.VENDOR_ID, 4, virtual ? 0xffff_ffff : vendorId | (deviceId << 16));
    this.#set(PCI_HEADER.STATUS, 2, 0x10);
    this.#set(PCI_HEADER.SUB_CLASS, 2, bridge ? 0x0604 : 0x0200);
    this.#set(PCI_HEADER.HEADER_TYPE, 1, bridge ? 1 : 0);
    this.#set(PCI_HEADER.CAPABILITIES_POINTER, 1, PCIE_AT);
    this.#set(PCIE_AT, 4, CAPABILITY_ID.PCIE | (2 << 16) | (PORT_TYPE[type] << 20));
    this.#set(PCIE_AT + PCIE.DEVICE_CAPABILITIES, 4, flr ? 1 << 28 : 0);
    // Active link reporting, and the link is up; a card is in the slot.
    this.#set(PCIE_AT + PCIE.LINK_CAPABILITIES, 4, (bridge ? 1 << 20 : 0) | 2);
    this.#set(PCIE_AT + PCIE.LINK_STATUS, 2, 0x2000);
    this.#set(PCIE_AT + PCIE.SLOT_STATUS, 2, bridge ? 0x40 : 0);
    this.#set(AER_AT, 4, EXTENDED_CAPABILITY_ID.AER | (2 << 16));
  }

  /** Zero beyond what there is. */
  read(offset: number, width: ConfigWidth): number {
    if (offset + width > SIZE) return 0;
    if (width === 1) return this.#bytes.getUint8(offset);
    return width === 2 ? this.#bytes.getUint16(offset, true) : this.#bytes.getUint32(offset, true);
  }

  /** Lost beyond what there is. */
  write(offset: number, width: ConfigWidth, value: number): void {
    if (offset + width > SIZE) return;
    const dword = offset & ~3;
    if (dword === DEVICE_CONTROL) this.#controlled = true;
    const writable = this.#options.type === 'endpoint' ? ENDPOINT_MASKS : BRIDGE_MASKS;
    const shift = 8 * (offset & 3);
    const given = width === 4 ? 0xffff_ffff : (1 << (8 * width)) - 1;
    const mask = writable[dword / 4]! & (given << shift);
    const before = this.#bytes.getUint32(dword, true);
    this.#bytes.setUint32(dword, (before & ~mask) | ((value << shift) & mask), true);
  }

  /** A bit of Device Control that starts a function level reset; it reads as zero. */
  takeFunctionReset(): boolean {
    if (!this.#controlled) return false;
    this.#controlled = false;
    const control = this.read(DEVICE_CONTROL, 2);
    this.#set(DEVICE_CONTROL, 2, control & 0x7fff);
    return this.#options.type === 'endpoint' && this.#options.flr && (control & 0x8000) !== 0;
  }

  #set(offset: number, width: ConfigWidth, value: number): void {
    if (width === 1) this.#bytes.setUint8(offset, value);
    else if (width === 2) this.#bytes.setUint16(offset, value, true);
    else this.#bytes.setUint32(offset, value, true);
  }
}
