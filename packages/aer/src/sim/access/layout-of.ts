import {
  AER,
  CAPABILITY_ID,
  EXTENDED_CAPABILITY_ID,
  HEADER_TYPE,
  PCI_HEADER,
  PCIE,
  PCIE_FLAGS,
  PCIE_TYPE,
} from '@pci-recovery/pci';
import { AccessLayout } from './access-layout.js';
import { type AccessRow } from './access-row.js';
import { aerRows, type ImplementedErrors } from './aer-rows.js';
import { type CapabilityOffsets } from './capability-offsets.js';
import { BRIDGE_HEADER_ROWS, NORMAL_HEADER_ROWS, VIRTUAL_HEADER_ROWS } from './header-rows.js';
import { CAPABILITY_ROWS, EXTENDED_CAPABILITY_ROWS } from './other-rows.js';
import { pcieRows, VIRTUAL_PCIE_ROWS } from './pcie-rows.js';

/** What the bytes alone do not say. */
export interface LayoutFacts {
  readonly virtual: boolean;
  readonly errors: ImplementedErrors;
  /** Writable bits of each base address register, as a dword; from the first. */
  readonly baseAddresses: readonly number[];
}

/** Who may do what in a configuration space with this content: its header and every capability that is known. */
export function layoutOf(words: Uint32Array, found: CapabilityOffsets, facts: LayoutFacts): AccessLayout {
  const layout = new AccessLayout();
  layout.add(0, headerRows(words, facts));
  for (const { id, offset } of found.capabilities) {
    if (id === CAPABILITY_ID.PCIE) layout.add(offset, expressRows(words, offset, facts.virtual));
    else layout.add(offset, CAPABILITY_ROWS[id] ?? []);
  }
  const root = hasRootRegisters(words, found);
  for (const { id, offset } of found.extended) {
    if (id === EXTENDED_CAPABILITY_ID.AER) {
      const control = words[(offset + AER.CAP_CONTROL) >> 2] ?? 0;
      layout.add(offset, aerRows(facts.errors, { root, virtual: facts.virtual, control }));
    } else layout.add(offset, EXTENDED_CAPABILITY_ROWS[id] ?? []);
  }
  return layout.seal();
}

function headerRows(words: Uint32Array, { virtual, baseAddresses }: LayoutFacts): readonly AccessRow[] {
  if (virtual) return VIRTUAL_HEADER_ROWS;
  const type = (words[PCI_HEADER.HEADER_TYPE >> 2]! >>> 16) & 0x7f;
  const rows = type === HEADER_TYPE.BRIDGE ? BRIDGE_HEADER_ROWS : NORMAL_HEADER_ROWS;
  return [
    ...rows,
    ...baseAddresses.map((rw, n) => ({ offset: PCI_HEADER.BASE_ADDRESS_0 + 4 * n, width: 4 as const, rw })),
  ];
}

/** PCI Express Capabilities: the upper half of the capability's first dword. */
const flagsAt = (words: Uint32Array, offset: number): number => words[(offset + PCIE.FLAGS) >> 2]! >>> 16;

const typeOf = (flags: number): number => (flags & PCIE_FLAGS.type.mask) >>> PCIE_FLAGS.type.shift;

function expressRows(words: Uint32Array, offset: number, virtual: boolean): readonly AccessRow[] {
  if (virtual) return VIRTUAL_PCIE_ROWS;
  const flags = flagsAt(words, offset);
  const slot = (flags & PCIE_FLAGS.slotImplemented.mask) !== 0;
  return pcieRows(typeOf(flags), flags & PCIE_FLAGS.version.mask, slot);
}

function hasRootRegisters(words: Uint32Array, found: CapabilityOffsets): boolean {
  const express = found.capabilities.find(({ id }) => id === CAPABILITY_ID.PCIE);
  if (!express) return false;
  const type = typeOf(flagsAt(words, express.offset));
  return type === PCIE_TYPE.ROOT_PORT || type === PCIE_TYPE.RCEC;
}
