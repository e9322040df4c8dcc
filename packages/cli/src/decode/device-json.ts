import { bdfOfRequester, type Plain } from '@pci-recovery/core';
import {
  decodeTlp,
  type AerCapability,
  type BitName,
  type DpcCapability,
  type MsiCapability,
  type MsixCapability,
  type PcieCapability,
  type PciFunction,
  type SriovCapability,
} from '@pci-recovery/pci';
import { type DumpedDevice, type DumpFinding } from '@pci-recovery/pci/lspci';
import { hex, hexAll } from './hex.js';

type Json = Readonly<Record<string, Plain | undefined>>;

const names = (bits: readonly BitName[]): string[] => bits.map((bit) => bit.short);

const setFlags = (fields: Readonly<Record<string, boolean | number>>): string[] =>
  Object.keys(fields).filter((name) => fields[name] === true);

/** One device as `decode --json` prints it: raw register values as hexadecimal, beside the names of the bits set. */
export function deviceJson(device: DumpedDevice, fn: PciFunction, textFindings: readonly DumpFinding[]): Json {
  return {
    bdf: device.bdf,
    description: device.description,
    bytes: device.bytes.length,
    findings: [
      ...textFindings.map(({ code, line, message }) => ({ in: 'text', code, line, message })),
      ...fn.findings.map(({ code, offset, rule, message }) => ({
        in: 'config space',
        code,
        offset: hex(offset, 2),
        rule,
        message,
      })),
    ],
    ...(fn.header && {
      header: {
        layout: fn.header.layout,
        vendorId: hex(fn.header.vendorId, 2),
        deviceId: hex(fn.header.deviceId, 2),
        classCode: `0x${fn.header.classCode.toString(16).padStart(6, '0')}`,
        command: hex(fn.header.registers.command, 2),
        status: hex(fn.header.registers.status, 2),
      },
    }),
    capabilities: fn.capabilities.map(({ id, offset, name }) => ({ id: hex(id, 1), offset: hex(offset, 1), name })),
    extendedCapabilities: fn.extendedCapabilities.map(({ id, version, offset, name }) => ({
      id: hex(id, 2),
      version,
      offset: hex(offset, 2),
      name,
    })),
    ...(fn.pcie && { pcie: pcieJson(fn.pcie) }),
    ...(fn.aer && { aer: aerJson(fn.aer, device) }),
    ...(fn.dpc && { dpc: dpcJson(fn.dpc) }),
    ...(fn.msi && { msi: msiJson(fn.msi) }),
    ...(fn.msix && { msix: msixJson(fn.msix) }),
    ...(fn.sriov && { sriov: sriovJson(fn.sriov) }),
  };
}

const pcieJson = (pcie: PcieCapability): Json => ({
  offset: hex(pcie.offset, 1),
  version: pcie.version,
  portType: pcie.portType ?? null,
  deviceStatusBits: setFlags(pcie.deviceStatus),
  deviceControlBits: setFlags(pcie.deviceControl),
  registers: hexAll(pcie.registers),
});

const aerJson = (aer: AerCapability, { bdf }: DumpedDevice): Json => ({
  offset: hex(aer.offset, 2),
  version: aer.version,
  uncorrectable: {
    status: hex(aer.registers.uncorrectableStatus),
    mask: hex(aer.registers.uncorrectableMask),
    severity: hex(aer.registers.uncorrectableSeverity),
    statusBits: names(aer.uncorrectable),
    maskBits: names(aer.uncorrectableMasked),
    severityBits: names(aer.uncorrectableFatal),
  },
  correctable: {
    status: hex(aer.registers.correctableStatus),
    mask: hex(aer.registers.correctableMask),
    statusBits: names(aer.correctable),
    maskBits: names(aer.correctableMasked),
  },
  capControl: hex(aer.registers.control),
  capControlBits: setFlags(aer.control),
  firstError: aer.firstError?.short ?? null,
  headerLog: aer.registers.headerLog.slice(0, 4).map((dword) => hex(dword)),
  log: logJson(aer),
  ...(aer.root && { root: rootJson(aer, parseInt(bdf, 16)) }),
});

function logJson(aer: AerCapability): Json {
  const { flit, header, prefixes } = aer.log;
  const tlp = flit || header.every((dword) => dword === 0) ? undefined : decodeTlp(header);
  return {
    flit,
    header: header.map((dword) => hex(dword)),
    prefixes: prefixes.map((dword) => hex(dword)),
    tlp: tlp
      ? {
          kind: tlp.kind,
          requester: hex(tlp.requester, 2),
          tag: tlp.tag,
          ...(tlp.address === undefined ? {} : { address: `0x${tlp.address.toString(16)}` }),
        }
      : null,
  };
}

function rootJson(aer: AerCapability, domain: number): Json {
  const { root, registers } = aer;
  return {
    command: hex(registers.rootCommand),
    status: hex(registers.rootStatus),
    errorSource: hex(((registers.uncorrectableSource << 16) | registers.correctableSource) >>> 0),
    commandBits: setFlags(root!.command),
    statusBits: setFlags(root!.status),
    correctableSource: bdfOfRequester(domain, root!.correctableSource),
    uncorrectableSource: bdfOfRequester(domain, root!.uncorrectableSource),
  };
}

const dpcJson = (dpc: DpcCapability): Json => ({ offset: hex(dpc.offset, 2), registers: hexAll(dpc.registers) });

const msiJson = (msi: MsiCapability): Json => ({
  offset: hex(msi.offset, 1),
  enabled: msi.enabled,
  vectorsRequested: msi.vectorsRequested,
  vectorsAllocated: msi.vectorsAllocated,
  address: `0x${msi.address.toString(16)}`,
  data: hex(msi.data, 2),
  registers: hexAll(msi.registers),
});

const msixJson = (msix: MsixCapability): Json => ({
  offset: hex(msix.offset, 1),
  enabled: msix.enabled,
  functionMasked: msix.functionMasked,
  tableSize: msix.tableSize,
  table: { bar: msix.table.bar, offset: hex(msix.table.offset) },
  pendingBitArray: { bar: msix.pendingBitArray.bar, offset: hex(msix.pendingBitArray.offset) },
  registers: hexAll(msix.registers),
});

const sriovJson = (sriov: SriovCapability): Json => ({
  offset: hex(sriov.offset, 2),
  registers: hexAll(sriov.registers),
});
