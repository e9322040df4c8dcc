import {
  AER,
  CAPABILITY_ID,
  CONFIG_SIZE,
  decodeFunction,
  LINK_STATUS,
  PCIE,
  type PciFunction,
} from '@pci-recovery/pci';
import { type TopologyFunction } from '@pci-recovery/pci/topology';
import { wordsOf } from '../access/capability-offsets.js';
import { layoutOf } from '../access/layout-of.js';
import { BLOCK } from '../machine/blocks.js';
import { type Behaviour, SimulatedFunction } from '../machine/simulated-function.js';
import { VectorTable } from '../vector-table.js';
import { writableAddressBits } from './dumped-behaviour.js';

/** Whether nobody answered when it was dumped. */
const silent = (bytes: Uint8Array): boolean => bytes.length > 0 && bytes.subarray(0, 16).every((byte) => byte === 0xff);

/** Base address registers, where the header has them. */
function baseAddresses({ header }: PciFunction): readonly number[] {
  if (header?.layout === 'normal') return header.registers.baseAddresses;
  return header?.layout === 'bridge' ? header.registers.baseAddresses : [];
}

/** Makes a function from its registers as they were dumped: they say what it is, what it has, and how it was set up. */
export function dumpedFunction(bytes: Uint8Array, topology: TopologyFunction, behaviour: Behaviour): SimulatedFunction {
  const decoded = decodeFunction(bytes, { bdf: topology.bdf });
  const words = wordsOf(bytes);
  const found = { capabilities: decoded.capabilities, extended: decoded.extendedCapabilities };
  const layout = layoutOf(words, found, {
    virtual: topology.physicalFunction !== undefined,
    errors: behaviour.errors,
    baseAddresses: writableAddressBits(baseAddresses(decoded)),
  });
  const at = {
    pcie: decoded.pcie?.offset ?? 0,
    aer: decoded.aer?.offset ?? 0,
    sriov: decoded.sriov?.offset ?? 0,
    msix: decoded.msix?.offset ?? 0,
  };
  const express = decoded.capabilities.some(({ id }) => id === CAPABILITY_ID.PCIE || id === CAPABILITY_ID.PCI_X);
  const size = express || bytes.length > CONFIG_SIZE.conventional ? CONFIG_SIZE.extended : CONFIG_SIZE.conventional;
  const fn = new SimulatedFunction(topology, words, layout, at, behaviour, size);
  if (silent(bytes)) fn.blocks |= BLOCK.FROZEN;
  takeUpLink(fn);
  takeUpVectors(fn, decoded);
  takeUpRecord(fn);
  return fn;
}

function takeUpLink(fn: SimulatedFunction): void {
  const { portType } = fn.topology;
  if (portType !== 'root_port' && portType !== 'downstream_port') return;
  fn.link = { up: (fn.word(fn.at.pcie + PCIE.LINK_STATUS) & LINK_STATUS.dataLinkLayerActive.mask) !== 0 };
}

function takeUpVectors(fn: SimulatedFunction, { msix }: PciFunction): void {
  if (!msix) return;
  fn.vectors = new VectorTable(msix.tableSize, msix.table, msix.pendingBitArray);
  if (msix.enabled) fn.vectors.configure();
}

/** The error that the first error pointer shows is recorded, when its status is set. */
function takeUpRecord(fn: SimulatedFunction): void {
  const { aer } = fn.at;
  if (aer === 0) return;
  const bit = fn.dword(aer + AER.CAP_CONTROL) & 0x1f;
  if ((fn.dword(aer + AER.UNCOR_STATUS) & (1 << bit)) === 0) return;
  const dwords = (from: number): number[] => [0, 4, 8, 12].map((n) => fn.dword(from + n));
  const prefixes = fn.behaviour.prefixLog ? dwords(aer + AER.PREFIX_LOG) : [];
  fn.records.push({ bit, header: dwords(aer + AER.HEADER_LOG), prefixes });
}
