import { dwords, u16, u32 } from '../config-space/bytes.js';
import { type ConfigSpace } from '../config-space/config-space.js';
import { hex, type Findings } from '../config-space/finding.js';
import { encodeRegisters, type RegisterLayout } from '../config-space/register-layout.js';
import { decodeBaseAddresses, type BaseAddress } from '../header/base-address.js';
import { type BarPlace } from '../msi/msix.js';
import {
  decodeFields,
  SRIOV,
  SRIOV_CAPABILITIES,
  SRIOV_CONTROL,
  SRIOV_LENGTH,
  SRIOV_STATUS,
  SRIOV_VF_BARS,
  type Fields,
} from '../registers/index.js';

/** The raw registers of the SR-IOV capability. */
export interface SriovRegisters {
  /** 32 bits: id 15:0, version 19:16, next 31:20. */
  readonly header: number;
  readonly capabilities: number;
  readonly control: number;
  readonly status: number;
  readonly initialVfs: number;
  readonly totalVfs: number;
  readonly numVfs: number;
  readonly functionDependencyLink: number;
  readonly reserved13: number;
  readonly firstVfOffset: number;
  readonly vfStride: number;
  readonly reserved18: number;
  readonly vfDeviceId: number;
  /** Bit n: pages of 2^(n+12) bytes. */
  readonly supportedPageSizes: number;
  /** One bit of the above. */
  readonly systemPageSize: number;
  /** Six dwords. */
  readonly vfBaseAddresses: readonly number[];
  /** Offset 31:3, BAR number 2:0. */
  readonly vfMigrationStateArray: number;
}

const LAYOUT: RegisterLayout<SriovRegisters> = [
  { name: 'header', offset: 0, width: 4 },
  { name: 'capabilities', offset: SRIOV.CAPABILITIES, width: 4 },
  { name: 'control', offset: SRIOV.CONTROL, width: 2 },
  { name: 'status', offset: SRIOV.STATUS, width: 2 },
  { name: 'initialVfs', offset: SRIOV.INITIAL_VFS, width: 2 },
  { name: 'totalVfs', offset: SRIOV.TOTAL_VFS, width: 2 },
  { name: 'numVfs', offset: SRIOV.NUM_VFS, width: 2 },
  { name: 'functionDependencyLink', offset: SRIOV.FUNCTION_DEPENDENCY_LINK, width: 1 },
  { name: 'reserved13', offset: 0x13, width: 1 },
  { name: 'firstVfOffset', offset: SRIOV.FIRST_VF_OFFSET, width: 2 },
  { name: 'vfStride', offset: SRIOV.VF_STRIDE, width: 2 },
  { name: 'reserved18', offset: 0x18, width: 2 },
  { name: 'vfDeviceId', offset: SRIOV.VF_DEVICE_ID, width: 2 },
  { name: 'supportedPageSizes', offset: SRIOV.SUPPORTED_PAGE_SIZES, width: 4 },
  { name: 'systemPageSize', offset: SRIOV.SYSTEM_PAGE_SIZE, width: 4 },
  { name: 'vfBaseAddresses', offset: SRIOV.VF_BAR_0, width: 4 },
  { name: 'vfMigrationStateArray', offset: SRIOV.VF_MIGRATION_STATE_ARRAY, width: 4 },
];

const read = (b: Uint8Array, at: number): SriovRegisters => ({
  header: u32(b, at),
  capabilities: u32(b, at + SRIOV.CAPABILITIES),
  control: u16(b, at + SRIOV.CONTROL),
  status: u16(b, at + SRIOV.STATUS),
  initialVfs: u16(b, at + SRIOV.INITIAL_VFS),
  totalVfs: u16(b, at + SRIOV.TOTAL_VFS),
  numVfs: u16(b, at + SRIOV.NUM_VFS),
  functionDependencyLink: b[at + SRIOV.FUNCTION_DEPENDENCY_LINK]!,
  reserved13: b[at + 0x13]!,
  firstVfOffset: u16(b, at + SRIOV.FIRST_VF_OFFSET),
  vfStride: u16(b, at + SRIOV.VF_STRIDE),
  reserved18: u16(b, at + 0x18),
  vfDeviceId: u16(b, at + SRIOV.VF_DEVICE_ID),
  supportedPageSizes: u32(b, at + SRIOV.SUPPORTED_PAGE_SIZES),
  systemPageSize: u32(b, at + SRIOV.SYSTEM_PAGE_SIZE),
  vfBaseAddresses: dwords(b, at + SRIOV.VF_BAR_0, SRIOV_VF_BARS),
  vfMigrationStateArray: u32(b, at + SRIOV.VF_MIGRATION_STATE_ARRAY),
});

/** Single Root I/O Virtualization, on a physical function. */
export class SriovCapability {
  constructor(
    /** Byte offset in configuration space. */
    readonly offset: number,
    /** How many bytes were decoded. */
    readonly length: number,
    readonly registers: SriovRegisters,
  ) {}

  get version(): number {
    return (this.registers.header >>> 16) & 0xf;
  }
  get capabilities(): Fields<typeof SRIOV_CAPABILITIES> {
    return decodeFields(this.registers.capabilities, SRIOV_CAPABILITIES);
  }
  get control(): Fields<typeof SRIOV_CONTROL> {
    return decodeFields(this.registers.control, SRIOV_CONTROL);
  }
  get status(): Fields<typeof SRIOV_STATUS> {
    return decodeFields(this.registers.status, SRIOV_STATUS);
  }
  get vfBaseAddresses(): BaseAddress[] {
    return decodeBaseAddresses(this.registers.vfBaseAddresses);
  }
  get vfMigrationStateArray(): BarPlace {
    const register = this.registers.vfMigrationStateArray;
    return { bar: register & 7, offset: (register & ~7) >>> 0 };
  }
  /**
   * The 16-bit requester id of a virtual function (PCIe r6.1 §9.3.3.10).
   * @param physical requester id of the physical function
   * @param index 0 for the first
   */
  virtualFunction(physical: number, index: number): number {
    return (physical + this.registers.firstVfOffset + index * this.registers.vfStride) & 0xffff;
  }
}

/** Decodes the SR-IOV capability at `offset`. Undefined, and a finding, when it is cut off. */
export function decodeSriov(space: ConfigSpace, offset: number, findings: Findings): SriovCapability | undefined {
  if (!space.has(offset, SRIOV_LENGTH)) {
    const message = `The SR-IOV capability at ${hex(offset, 3)} needs ${SRIOV_LENGTH} bytes, ${space.length - offset} are there.`;
    findings.add('extended_capability_truncated', offset, 'PCIe r6.1 §9.3.3', message);
    return undefined;
  }
  return new SriovCapability(offset, SRIOV_LENGTH, read(space.bytes, offset));
}

/** The bytes of the capability: the inverse of {@link decodeSriov}. */
export const encodeSriov = ({ registers, length }: Pick<SriovCapability, 'registers' | 'length'>): Uint8Array =>
  encodeRegisters(registers, LAYOUT, length);
