import { u16, u32 } from '../config-space/bytes.js';
import { type ConfigSpace } from '../config-space/config-space.js';
import { hex, type Findings } from '../config-space/finding.js';
import { encodeRegisters, type RegisterLayout } from '../config-space/register-layout.js';
import { CONFIG_SIZE, decodeFields, MSI, MSI_CONTROL, type Fields } from '../registers/index.js';

/** The raw registers of the MSI capability. Those that its form does not have are 0. */
export interface MsiRegisters {
  /** 16 bits: id 7:0, next pointer 15:8. */
  readonly header: number;
  readonly control: number;
  readonly address: number;
  /** 64-bit form only. */
  readonly addressUpper: number;
  /** 16 bits. */
  readonly data: number;
  /** 16 bits, with Extended Message Data or per-vector masking. */
  readonly extendedData: number;
  /** With per-vector masking only. */
  readonly mask: number;
  /** With per-vector masking only. */
  readonly pending: number;
}

const layout = (upper: 0 | 4): RegisterLayout<MsiRegisters> => [
  { name: 'header', offset: 0, width: 2 },
  { name: 'control', offset: MSI.CONTROL, width: 2 },
  { name: 'address', offset: MSI.ADDRESS, width: 4 },
  ...(upper ? ([{ name: 'addressUpper', offset: MSI.ADDRESS_UPPER, width: 4 }] as const) : []),
  { name: 'data', offset: MSI.DATA_32 + upper, width: 2 },
  { name: 'extendedData', offset: MSI.DATA_32 + upper + 2, width: 2 },
  { name: 'mask', offset: MSI.MASK_32 + upper, width: 4 },
  { name: 'pending', offset: MSI.PENDING_32 + upper, width: 4 },
];

const LAYOUT_32 = layout(0);
const LAYOUT_64 = layout(4);

/** Message Signaled Interrupts. */
export class MsiCapability {
  constructor(
    /** Byte offset in configuration space. */
    readonly offset: number,
    /** How many bytes were decoded. */
    readonly length: number,
    readonly registers: MsiRegisters,
  ) {}

  get control(): Fields<typeof MSI_CONTROL> {
    return decodeFields(this.registers.control, MSI_CONTROL);
  }
  get enabled(): boolean {
    return (this.registers.control & 1) !== 0;
  }
  /** How many vectors the function asks for: a power of two, at most 32 (64 and 128 are reserved). */
  get vectorsRequested(): number {
    return 1 << ((this.registers.control >>> 1) & 7);
  }
  /** How many it was given. */
  get vectorsAllocated(): number {
    return 1 << ((this.registers.control >>> 4) & 7);
  }
  /** Where messages are written to. */
  get address(): bigint {
    return (BigInt(this.registers.addressUpper) << 32n) | BigInt(this.registers.address);
  }
  /** What is written; 32 bits when Extended Message Data is enabled. */
  get data(): number {
    const { control, data, extendedData } = this.registers;
    return control & MSI_CONTROL.extendedMessageDataEnable.mask ? ((extendedData << 16) | data) >>> 0 : data;
  }
  /** Undefined without per-vector masking. */
  get masking(): { readonly mask: number; readonly pending: number } | undefined {
    const { control, mask, pending } = this.registers;
    return control & MSI_CONTROL.perVectorMasking.mask ? { mask, pending } : undefined;
  }
}

/** How long the capability is by its own account. */
function implementedLength(control: number): number {
  const upper = control & MSI_CONTROL.address64.mask ? 4 : 0;
  if (control & MSI_CONTROL.perVectorMasking.mask) return MSI.PENDING_32 + upper + 4;
  return MSI.DATA_32 + upper + (control & MSI_CONTROL.extendedMessageDataCapable.mask ? 4 : 2);
}

function read(b: Uint8Array, at: number, control: number, length: number): MsiRegisters {
  const upper = control & MSI_CONTROL.address64.mask ? 4 : 0;
  const data = at + MSI.DATA_32 + upper;
  const masking = (control & MSI_CONTROL.perVectorMasking.mask) !== 0;
  return {
    header: u16(b, at),
    control,
    address: u32(b, at + MSI.ADDRESS),
    addressUpper: upper ? u32(b, at + MSI.ADDRESS_UPPER) : 0,
    data: u16(b, data),
    extendedData: length >= MSI.DATA_32 + upper + 4 ? u16(b, data + 2) : 0,
    mask: masking ? u32(b, data + 4) : 0,
    pending: masking ? u32(b, data + 8) : 0,
  };
}

/** Decodes the MSI capability at `offset`. Undefined, and a finding, when it is cut off. */
export function decodeMsi(space: ConfigSpace, offset: number, findings: Findings): MsiCapability | undefined {
  const end = Math.min(space.length, CONFIG_SIZE.conventional);
  const control = offset + 4 <= end ? u16(space.bytes, offset + MSI.CONTROL) : 0;
  const length = implementedLength(control);
  if (offset + length > end) {
    const message = `The MSI capability at ${hex(offset)} needs ${length} bytes, ${end - offset} are there.`;
    findings.add('capability_truncated', offset, 'PCIe r6.1 §7.7.1', message);
    return undefined;
  }
  return new MsiCapability(offset, length, read(space.bytes, offset, control, length));
}

/** The bytes of the capability: the inverse of {@link decodeMsi}. */
export const encodeMsi = ({ registers, length }: Pick<MsiCapability, 'registers' | 'length'>): Uint8Array =>
  encodeRegisters(registers, registers.control & MSI_CONTROL.address64.mask ? LAYOUT_64 : LAYOUT_32, length);
