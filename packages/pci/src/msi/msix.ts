import { u16, u32 } from '../config-space/bytes.js';
import { type ConfigSpace } from '../config-space/config-space.js';
import { hex, type Findings } from '../config-space/finding.js';
import { encodeRegisters, type RegisterLayout } from '../config-space/register-layout.js';
import { CONFIG_SIZE, MSIX, MSIX_CONTROL, MSIX_LENGTH } from '../registers/index.js';

/** The raw registers of the MSI-X capability. */
export interface MsixRegisters {
  /** 16 bits: id 7:0, next pointer 15:8. */
  readonly header: number;
  readonly control: number;
  /** Offset 31:3, BAR number 2:0. */
  readonly table: number;
  /** Offset 31:3, BAR number 2:0. */
  readonly pendingBitArray: number;
}

const LAYOUT: RegisterLayout<MsixRegisters> = [
  { name: 'header', offset: 0, width: 2 },
  { name: 'control', offset: MSIX.CONTROL, width: 2 },
  { name: 'table', offset: MSIX.TABLE, width: 4 },
  { name: 'pendingBitArray', offset: MSIX.PENDING_BIT_ARRAY, width: 4 },
];

/** Where something lies in device memory. */
export interface BarPlace {
  /** Number of the base address register, 0–5 (6 and 7 are reserved). */
  readonly bar: number;
  /** Bytes from its start; a multiple of 8. */
  readonly offset: number;
}

const place = (register: number): BarPlace => ({ bar: register & 7, offset: (register & ~7) >>> 0 });

/** MSI-X: its vector table lies in device memory, where any reset may clear it (R5.1). */
export class MsixCapability {
  constructor(
    /** Byte offset in configuration space. */
    readonly offset: number,
    /** How many bytes were decoded. */
    readonly length: number,
    readonly registers: MsixRegisters,
  ) {}

  get enabled(): boolean {
    return (this.registers.control & MSIX_CONTROL.enable.mask) !== 0;
  }
  /** All vectors of the function are masked. */
  get functionMasked(): boolean {
    return (this.registers.control & MSIX_CONTROL.functionMask.mask) !== 0;
  }
  /** Number of table entries, 1–2048. */
  get tableSize(): number {
    return (this.registers.control & MSIX_CONTROL.tableSize.mask) + 1;
  }
  get table(): BarPlace {
    return place(this.registers.table);
  }
  get pendingBitArray(): BarPlace {
    return place(this.registers.pendingBitArray);
  }
}

/** Decodes the MSI-X capability at `offset`. Undefined, and a finding, when it is cut off. */
export function decodeMsix(space: ConfigSpace, offset: number, findings: Findings): MsixCapability | undefined {
  const end = Math.min(space.length, CONFIG_SIZE.conventional);
  if (offset + MSIX_LENGTH > end) {
    const message = `The MSI-X capability at ${hex(offset)} needs ${MSIX_LENGTH} bytes, ${end - offset} are there.`;
    findings.add('capability_truncated', offset, 'PCIe r6.1 §7.7.2', message);
    return undefined;
  }
  const b = space.bytes;
  return new MsixCapability(offset, MSIX_LENGTH, {
    header: u16(b, offset),
    control: u16(b, offset + MSIX.CONTROL),
    table: u32(b, offset + MSIX.TABLE),
    pendingBitArray: u32(b, offset + MSIX.PENDING_BIT_ARRAY),
  });
}

/** The bytes of the capability: the inverse of {@link decodeMsix}. */
export const encodeMsix = ({ registers, length }: Pick<MsixCapability, 'registers' | 'length'>): Uint8Array =>
  encodeRegisters(registers, LAYOUT, length);
