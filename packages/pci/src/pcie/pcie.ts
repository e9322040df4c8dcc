import { type ConfigSpace } from '../config-space/config-space.js';
import { hex, type Findings } from '../config-space/finding.js';
import { encodeRegisters } from '../config-space/register-layout.js';
import { u16 } from '../config-space/bytes.js';
import * as R from '../registers/index.js';
import { type Fields } from '../registers/index.js';
import { type PortType } from '../topology/index.js';
import { hasLink, hasRootRegisters, leadsDownstream, portTypeOf } from './port-type.js';
import { PCIE_LAYOUT, readPcie, type PcieRegisters } from './registers.js';

/** The PCI Express capability. `registers` holds the raw values; getters take them apart when they are asked. */
export class PcieCapability {
  constructor(
    /** Byte offset in configuration space. */
    readonly offset: number,
    /** How many bytes were decoded. */
    readonly length: number,
    readonly registers: PcieRegisters,
  ) {}

  /** Version of the capability, 1 or 2. */
  get version(): number {
    return this.registers.flags & 0xf;
  }
  /** Undefined for a reserved type. */
  get portType(): PortType | undefined {
    return portTypeOf((this.registers.flags >>> 4) & 0xf);
  }
  /** There are the second device and link registers, up to Link Status 2. */
  get second(): boolean {
    return this.version >= 2 && this.length >= R.PCIE_LENGTH.link2;
  }
  /** There is a link: false inside the root complex. */
  get link(): boolean {
    return hasLink(this.portType) && this.length >= R.PCIE_LENGTH.link;
  }
  /** There is a slot. */
  get slot(): boolean {
    return leadsDownstream(this.portType) && this.flags.slotImplemented && this.length >= R.PCIE_LENGTH.slot;
  }
  /** There are root registers. */
  get root(): boolean {
    return hasRootRegisters(this.portType) && this.length >= R.PCIE_LENGTH.root;
  }
  get flags(): Fields<typeof R.PCIE_FLAGS> {
    return R.decodeFields(this.registers.flags, R.PCIE_FLAGS);
  }
  get deviceCapabilities(): Fields<typeof R.DEVICE_CAPABILITIES> {
    return R.decodeFields(this.registers.deviceCapabilities, R.DEVICE_CAPABILITIES);
  }
  get deviceControl(): Fields<typeof R.DEVICE_CONTROL> {
    return R.decodeFields(this.registers.deviceControl, R.DEVICE_CONTROL);
  }
  get deviceStatus(): Fields<typeof R.DEVICE_STATUS> {
    return R.decodeFields(this.registers.deviceStatus, R.DEVICE_STATUS);
  }
  get linkCapabilities(): Fields<typeof R.LINK_CAPABILITIES> {
    return R.decodeFields(this.registers.linkCapabilities, R.LINK_CAPABILITIES);
  }
  get linkControl(): Fields<typeof R.LINK_CONTROL> {
    return R.decodeFields(this.registers.linkControl, R.LINK_CONTROL);
  }
  get linkStatus(): Fields<typeof R.LINK_STATUS> {
    return R.decodeFields(this.registers.linkStatus, R.LINK_STATUS);
  }
  get slotCapabilities(): Fields<typeof R.SLOT_CAPABILITIES> {
    return R.decodeFields(this.registers.slotCapabilities, R.SLOT_CAPABILITIES);
  }
  get slotControl(): Fields<typeof R.SLOT_CONTROL> {
    return R.decodeFields(this.registers.slotControl, R.SLOT_CONTROL);
  }
  get slotStatus(): Fields<typeof R.SLOT_STATUS> {
    return R.decodeFields(this.registers.slotStatus, R.SLOT_STATUS);
  }
  get rootControl(): Fields<typeof R.ROOT_CONTROL> {
    return R.decodeFields(this.registers.rootControl, R.ROOT_CONTROL);
  }
  get rootCapabilities(): Fields<typeof R.ROOT_CAPABILITIES> {
    return R.decodeFields(this.registers.rootCapabilities, R.ROOT_CAPABILITIES);
  }
  get rootStatus(): Fields<typeof R.ROOT_STATUS> {
    return R.decodeFields(this.registers.rootStatus, R.ROOT_STATUS);
  }
  get deviceCapabilities2(): Fields<typeof R.DEVICE_CAPABILITIES_2> {
    return R.decodeFields(this.registers.deviceCapabilities2, R.DEVICE_CAPABILITIES_2);
  }
  get deviceControl2(): Fields<typeof R.DEVICE_CONTROL_2> {
    return R.decodeFields(this.registers.deviceControl2, R.DEVICE_CONTROL_2);
  }
  get linkCapabilities2(): Fields<typeof R.LINK_CAPABILITIES_2> {
    return R.decodeFields(this.registers.linkCapabilities2, R.LINK_CAPABILITIES_2);
  }
  get linkControl2(): Fields<typeof R.LINK_CONTROL_2> {
    return R.decodeFields(this.registers.linkControl2, R.LINK_CONTROL_2);
  }
  get linkStatus2(): Fields<typeof R.LINK_STATUS_2> {
    return R.decodeFields(this.registers.linkStatus2, R.LINK_STATUS_2);
  }
  get slotCapabilities2(): Fields<typeof R.SLOT_CAPABILITIES_2> {
    return R.decodeFields(this.registers.slotCapabilities2, R.SLOT_CAPABILITIES_2);
  }
  /** How many End-End TLP Prefixes a TLP may have here: 0–4. */
  get maxEndEndPrefixes(): number {
    const register = this.registers.deviceCapabilities2;
    return register & 0x20_0000 ? (register >>> 22) & 3 || 4 : 0;
  }
}

/** How long the capability is by its own account. */
function implementedLength(flags: number): number {
  if ((flags & 0xf) >= 2) return R.PCIE_LENGTH.version2;
  const type = portTypeOf((flags >>> 4) & 0xf);
  if (hasRootRegisters(type)) return R.PCIE_LENGTH.root;
  if (leadsDownstream(type) && flags & 0x100) return R.PCIE_LENGTH.slot;
  return hasLink(type) ? R.PCIE_LENGTH.link : R.PCIE_LENGTH.device;
}

/** Decodes the capability at `offset`, as far as the bytes go; what is missing goes to `findings`. */
export function decodePcie(space: ConfigSpace, offset: number, findings: Findings): PcieCapability {
  const end = Math.min(space.length, R.CONFIG_SIZE.conventional);
  const wanted = space.has(offset, 4)
    ? implementedLength(u16(space.bytes, offset + R.PCIE.FLAGS))
    : R.PCIE_LENGTH.device;
  // Registers lie in whole dwords: none is decoded by half.
  const length = Math.max(0, Math.min(wanted, (end - offset) & ~3));
  if (length < wanted) {
    const message = `The PCI Express capability at ${hex(offset)} needs ${wanted} bytes, ${length} are there.`;
    findings.add('capability_truncated', offset, 'PCIe r6.1 §7.5.3', message);
  }
  return new PcieCapability(offset, length, readPcie(space.bytes, offset, length));
}

/** The bytes of the capability: the inverse of {@link decodePcie}. */
export const encodePcie = ({ registers, length }: Pick<PcieCapability, 'registers' | 'length'>): Uint8Array =>
  encodeRegisters(registers, PCIE_LAYOUT, length);
