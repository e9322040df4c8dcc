import { type Bdf } from '@pci-recovery/core';
import { decodeAer, type AerCapability } from '../error-reporting/index.js';
import { u32 } from '../config-space/bytes.js';
import { walkCapabilities, type Capability } from '../config-space/capability-walk.js';
import { ConfigSpace } from '../config-space/config-space.js';
import { walkExtendedCapabilities, type ExtendedCapability } from '../config-space/extended-capability-walk.js';
import { Findings, hex, type Finding } from '../config-space/finding.js';
import { decodeDpc, type DpcCapability } from '../dpc/index.js';
import { decodeHeader, type Header } from '../header/index.js';
import { decodeMsi, decodeMsix, type MsiCapability, type MsixCapability } from '../msi/index.js';
import { decodePcie, type PcieCapability } from '../pcie/index.js';
import { CAPABILITY_ID, CONFIG_SIZE, EXTENDED_CAPABILITY_ID, PCI_HEADER } from '../registers/index.js';
import { decodeSriov, type SriovCapability } from '../sriov/index.js';

/** All that configuration space says about one function. */
export interface PciFunction {
  readonly bdf: Bdf | undefined;
  /** What is wrong with it, in the order of discovery; empty when all is well. */
  readonly findings: readonly Finding[];
  /** Undefined only when there are fewer than 64 bytes. */
  readonly header: Header | undefined;
  readonly capabilities: readonly Capability[];
  readonly extendedCapabilities: readonly ExtendedCapability[];
  /** These are undefined when the function has no such capability, or when it is cut off (see `findings`). */
  readonly pcie: PcieCapability | undefined;
  readonly msi: MsiCapability | undefined;
  readonly msix: MsixCapability | undefined;
  readonly aer: AerCapability | undefined;
  readonly dpc: DpcCapability | undefined;
  readonly sriov: SriovCapability | undefined;
}

/** What is known of a function besides its bytes. */
export interface DecodeOptions {
  readonly bdf?: Bdf | undefined;
}

const NONE: readonly never[] = Object.freeze([]);
const STATUS_CAPABILITIES_LIST = 0x10;

/**
 * Nobody answers: identification, command, status and class read all ones. The first dword alone would not do, for
 * virtual functions have all ones there by rule (PCIe r6.1 §9.3.4.1.1).
 */
const allOnes = (b: Uint8Array): boolean =>
  b[0] === 0xff && u32(b, 0) === 0xffff_ffff && u32(b, 4) === 0xffff_ffff && u32(b, 8) === 0xffff_ffff;

/**
 * Only PCI Express and PCI-X functions have more than 256 bytes (Linux drivers/pci/probe.c:pci_cfg_space_size); behind
 * those of others there is whatever the chipset makes of the access.
 */
const extendsSpace = ({ id }: Capability): boolean => id === CAPABILITY_ID.PCIE || id === CAPABILITY_ID.PCI_X;

/** Where the pointer to the first capability is; undefined when there is no list. */
function pointerOf(b: Uint8Array, header: Header, findings: Findings): number | undefined {
  if (header.layout === 'unknown') {
    const message = `Header layout ${hex(header.registers.headerType & 0x7f)} is not known.`;
    findings.add('header_type_unknown', PCI_HEADER.HEADER_TYPE, 'PCIe r6.1 §7.5.1.1.9', message);
    return undefined;
  }
  if ((b[PCI_HEADER.STATUS]! & STATUS_CAPABILITIES_LIST) === 0) return undefined;
  return header.layout === 'cardbus' ? PCI_HEADER.CARDBUS_CAPABILITIES_POINTER : PCI_HEADER.CAPABILITIES_POINTER;
}

/** The capabilities that have a codec, as they are met. */
class Decoded {
  pcie: PcieCapability | undefined;
  msi: MsiCapability | undefined;
  msix: MsixCapability | undefined;
  aer: AerCapability | undefined;
  dpc: DpcCapability | undefined;
  sriov: SriovCapability | undefined;

  constructor(
    readonly space: ConfigSpace,
    readonly findings: Findings,
  ) {}

  /** The second of a kind is reported and left alone; `held` is the first. */
  isFirst(held: object | undefined, extended: '' | 'extended_', offset: number): boolean {
    if (held === undefined) return true;
    const message = `The capability at ${hex(offset)} is of a kind that the function already has.`;
    this.findings.add(`${extended}capability_duplicate`, offset, 'PCIe r6.1 §7.5.1.1.11, §7.6.3', message);
    return false;
  }

  capability({ id, offset }: Capability): void {
    const { space, findings } = this;
    if (id === CAPABILITY_ID.PCIE) {
      if (this.isFirst(this.pcie, '', offset)) this.pcie = decodePcie(space, offset, findings);
    } else if (id === CAPABILITY_ID.MSI) {
      if (this.isFirst(this.msi, '', offset)) this.msi = decodeMsi(space, offset, findings);
    } else if (id === CAPABILITY_ID.MSIX) {
      if (this.isFirst(this.msix, '', offset)) this.msix = decodeMsix(space, offset, findings);
    }
  }

  extended({ id, offset }: ExtendedCapability): void {
    const { space, findings, pcie } = this;
    if (id === EXTENDED_CAPABILITY_ID.AER) {
      if (this.isFirst(this.aer, 'extended_', offset)) {
        const context = { portType: pcie?.portType, maxEndEndPrefixes: pcie?.maxEndEndPrefixes ?? 0 };
        this.aer = decodeAer(space, offset, findings, context);
      }
    } else if (id === EXTENDED_CAPABILITY_ID.DPC) {
      if (this.isFirst(this.dpc, 'extended_', offset)) this.dpc = decodeDpc(space, offset, findings);
    } else if (id === EXTENDED_CAPABILITY_ID.SRIOV) {
      if (this.isFirst(this.sriov, 'extended_', offset)) this.sriov = decodeSriov(space, offset, findings);
    }
  }
}

/** Says what is wrong with the bytes as a whole. True: there is a function to look at. */
function answers(given: number, space: ConfigSpace, findings: Findings): boolean {
  if (given > CONFIG_SIZE.extended) {
    const message = `There are ${given} bytes; only the first ${CONFIG_SIZE.extended} were looked at.`;
    findings.add('config_space_oversized', CONFIG_SIZE.extended, 'PCIe r6.1 §7.2.2', message);
  }
  if (space.length < CONFIG_SIZE.header) {
    const message = `There are ${space.length} bytes; a header has ${CONFIG_SIZE.header}.`;
    findings.add('config_space_truncated', space.length, 'PCIe r6.1 §7.5.1', message);
    return false;
  }
  if (!allOnes(space.bytes)) return true;
  const message = 'The function does not answer: identification, command, status and class read all ones.';
  findings.add('config_space_all_ones', 0, 'PCIe r6.1 §2.3.2', message);
  return false;
}

/**
 * Decodes the configuration space of one function. Whatever the bytes are, it returns: what is wrong with them is in
 * `findings`. The registers are copied out, so that later changes of the bytes do not show.
 * @throws PciRecoveryError `ERR_PCI_BAD_CONFIG_SPACE` when the input is neither a Uint8Array nor a ConfigSpace.
 */
export function decodeFunction(input: Uint8Array | ConfigSpace, { bdf }: DecodeOptions = {}): PciFunction {
  const space = input instanceof ConfigSpace ? input : new ConfigSpace(input);
  const findings = new Findings();
  const decoded = new Decoded(space, findings);
  const answering = answers(space.bytes.length, space, findings);
  const header = space.length < CONFIG_SIZE.header ? undefined : decodeHeader(space.bytes);
  let capabilities: readonly Capability[] = NONE;
  let extendedCapabilities: readonly ExtendedCapability[] = NONE;
  if (answering && header) {
    const pointerAt = pointerOf(space.bytes, header, findings);
    if (pointerAt !== undefined) capabilities = walkCapabilities(space, pointerAt, findings);
    for (const capability of capabilities) decoded.capability(capability);
    if (capabilities.some(extendsSpace)) extendedCapabilities = walkExtendedCapabilities(space, findings);
    for (const capability of extendedCapabilities) decoded.extended(capability);
  }
  const { pcie, msi, msix, aer, dpc, sriov } = decoded;
  const list = findings.list();
  return { bdf, findings: list, header, capabilities, extendedCapabilities, pcie, msi, msix, aer, dpc, sriov };
}
