import { u16, u32 } from '../config-space/bytes.js';
import { type RegisterLayout } from '../config-space/register-layout.js';
import { PCIE } from '../registers/index.js';

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

/** Reads the first `length` bytes of the capability at `at`; there must be as many. */
export function readPcie(b: Uint8Array, at: number, length: number): PcieRegisters {
  const word = (offset: number): number => (offset + 2 <= length ? u16(b, at + offset) : 0);
  const dword = (offset: number): number => (offset + 4 <= length ? u32(b, at + offset) : 0);
  return {
    header: word(0),
    flags: word(PCIE.FLAGS),
    deviceCapabilities: dword(PCIE.DEVICE_CAPABILITIES),
    deviceControl: word(PCIE.DEVICE_CONTROL),
    deviceStatus: word(PCIE.DEVICE_STATUS),
    linkCapabilities: dword(PCIE.LINK_CAPABILITIES),
    linkControl: word(PCIE.LINK_CONTROL),
    linkStatus: word(PCIE.LINK_STATUS),
    slotCapabilities: dword(PCIE.SLOT_CAPABILITIES),
    slotControl: word(PCIE.SLOT_CONTROL),
    slotStatus: word(PCIE.SLOT_STATUS),
    rootControl: word(PCIE.ROOT_CONTROL),
    rootCapabilities: word(PCIE.ROOT_CAPABILITIES),
    rootStatus: dword(PCIE.ROOT_STATUS),
    deviceCapabilities2: dword(PCIE.DEVICE_CAPABILITIES_2),
    deviceControl2: word(PCIE.DEVICE_CONTROL_2),
    deviceStatus2: word(PCIE.DEVICE_STATUS_2),
    linkCapabilities2: dword(PCIE.LINK_CAPABILITIES_2),
    linkControl2: word(PCIE.LINK_CONTROL_2),
    linkStatus2: word(PCIE.LINK_STATUS_2),
    slotCapabilities2: dword(PCIE.SLOT_CAPABILITIES_2),
    slotControl2: word(PCIE.SLOT_CONTROL_2),
    slotStatus2: word(PCIE.SLOT_STATUS_2),
  };
}
