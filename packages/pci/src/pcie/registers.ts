import { u16, u32 } from '../config-space/bytes.js';
import { type RegisterLayout } from '../config-space/register-layout.js';
import { PCIE, PCIE_LENGTH } from '../registers/index.js';

/** The raw registers of the PCI Express capability. Those beyond its length are 0. */
export interface PcieRegisters {
  /** 16 bits: id 7:0, next pointer 15:8. */
  readonly header: number;
  readonly flags: number;
  readonly deviceCapabilities: number;
  readonly deviceControl: number;
  readonly deviceStatus: number;
  readonly linkCapabilities: number;
  readonly linkControl: number;
  readonly linkStatus: number;
  readonly slotCapabilities: number;
  readonly slotControl: number;
  readonly slotStatus: number;
  readonly rootControl: number;
  readonly rootCapabilities: number;
  readonly rootStatus: number;
  readonly deviceCapabilities2: number;
  readonly deviceControl2: number;
  readonly deviceStatus2: number;
  readonly linkCapabilities2: number;
  readonly linkControl2: number;
  readonly linkStatus2: number;
  readonly slotCapabilities2: number;
  readonly slotControl2: number;
  readonly slotStatus2: number;
}

/** Layout of the PCI Express capability. */
export const PCIE_LAYOUT: RegisterLayout<PcieRegisters> = [
  { name: 'header', offset: 0, width: 2 },
  { name: 'flags', offset: PCIE.FLAGS, width: 2 },
  { name: 'deviceCapabilities', offset: PCIE.DEVICE_CAPABILITIES, width: 4 },
  { name: 'deviceControl', offset: PCIE.DEVICE_CONTROL, width: 2 },
  { name: 'deviceStatus', offset: PCIE.DEVICE_STATUS, width: 2 },
  { name: 'linkCapabilities', offset: PCIE.LINK_CAPABILITIES, width: 4 },
  { name: 'linkControl', offset: PCIE.LINK_CONTROL, width: 2 },
  { name: 'linkStatus', offset: PCIE.LINK_STATUS, width: 2 },
  { name: 'slotCapabilities', offset: PCIE.SLOT_CAPABILITIES, width: 4 },
  { name: 'slotControl', offset: PCIE.SLOT_CONTROL, width: 2 },
  { name: 'slotStatus', offset: PCIE.SLOT_STATUS, width: 2 },
  { name: 'rootControl', offset: PCIE.ROOT_CONTROL, width: 2 },
  { name: 'rootCapabilities', offset: PCIE.ROOT_CAPABILITIES, width: 2 },
  { name: 'rootStatus', offset: PCIE.ROOT_STATUS, width: 4 },
  { name: 'deviceCapabilities2', offset: PCIE.DEVICE_CAPABILITIES_2, width: 4 },
  { name: 'deviceControl2', offset: PCIE.DEVICE_CONTROL_2, width: 2 },
  { name: 'deviceStatus2', offset: PCIE.DEVICE_STATUS_2, width: 2 },
  { name: 'linkCapabilities2', offset: PCIE.LINK_CAPABILITIES_2, width: 4 },
  { name: 'linkControl2', offset: PCIE.LINK_CONTROL_2, width: 2 },
  { name: 'linkStatus2', offset: PCIE.LINK_STATUS_2, width: 2 },
  { name: 'slotCapabilities2', offset: PCIE.SLOT_CAPABILITIES_2, width: 4 },
  { name: 'slotControl2', offset: PCIE.SLOT_CONTROL_2, width: 2 },
  { name: 'slotStatus2', offset: PCIE.SLOT_STATUS_2, width: 2 },
];

/** The first `length` bytes of the capability at `at`, with zeros behind them. */
function padded(b: Uint8Array, at: number, length: number): Uint8Array {
  const whole = new Uint8Array(PCIE_LENGTH.version2);
  for (let i = 0; i < length; i++) whole[i] = b[at + i]!;
  return whole;
}

/** Reads the first `length` bytes of the capability at `at`; there must be as many. */
export function readPcie(bytes: Uint8Array, offset: number, length: number): PcieRegisters {
  const whole = length >= PCIE_LENGTH.version2;
  const b = whole ? bytes : padded(bytes, offset, length);
  const at = whole ? offset : 0;
  return {
    header: u16(b, at),
    flags: u16(b, at + PCIE.FLAGS),
    deviceCapabilities: u32(b, at + PCIE.DEVICE_CAPABILITIES),
    deviceControl: u16(b, at + PCIE.DEVICE_CONTROL),
    deviceStatus: u16(b, at + PCIE.DEVICE_STATUS),
    linkCapabilities: u32(b, at + PCIE.LINK_CAPABILITIES),
    linkControl: u16(b, at + PCIE.LINK_CONTROL),
    linkStatus: u16(b, at + PCIE.LINK_STATUS),
    slotCapabilities: u32(b, at + PCIE.SLOT_CAPABILITIES),
    slotControl: u16(b, at + PCIE.SLOT_CONTROL),
    slotStatus: u16(b, at + PCIE.SLOT_STATUS),
    rootControl: u16(b, at + PCIE.ROOT_CONTROL),
    rootCapabilities: u16(b, at + PCIE.ROOT_CAPABILITIES),
    rootStatus: u32(b, at + PCIE.ROOT_STATUS),
    deviceCapabilities2: u32(b, at + PCIE.DEVICE_CAPABILITIES_2),
    deviceControl2: u16(b, at + PCIE.DEVICE_CONTROL_2),
    deviceStatus2: u16(b, at + PCIE.DEVICE_STATUS_2),
    linkCapabilities2: u32(b, at + PCIE.LINK_CAPABILITIES_2),
    linkControl2: u16(b, at + PCIE.LINK_CONTROL_2),
    linkStatus2: u16(b, at + PCIE.LINK_STATUS_2),
    slotCapabilities2: u32(b, at + PCIE.SLOT_CAPABILITIES_2),
    slotControl2: u16(b, at + PCIE.SLOT_CONTROL_2),
    slotStatus2: u16(b, at + PCIE.SLOT_STATUS_2),
  };
}
