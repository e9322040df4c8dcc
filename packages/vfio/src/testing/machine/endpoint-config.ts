import {
  AER,
  CAPABILITY_ID,
  MSI,
  MSIX,
  PCIE,
  PCI_HEADER,
  UNCORRECTABLE_SEVERITY_DEFAULT,
  CORRECTABLE_MASK_DEFAULT,
} from '@pci-recovery/pci';
import { viewOf } from '../../uapi/struct/decode.js';
import { type BarDescription, type EndpointDescription } from './description.js';

const ONE_BAR: readonly BarDescription[] = [{ index: 0, size: 0x4000 }];
const FIRST_CAPABILITY = 0x40;

/** The type bits of a base address register. */
export function barFlags({ space = 'memory', wide = false, prefetchable = false }: BarDescription): number {
  if (space === 'io') return 1;
  return (wide ? 4 : 0) | (prefetchable ? 8 : 0);
}

/** Where each BAR lies on the bus: anywhere, apart from each other. */
export const barAddress = ({ index }: BarDescription): number => 0xe000_0000 + index * 0x0100_0000;

interface Item {
  readonly id: number;
  readonly length: number;
  write(view: DataView, at: number): void;
}

const powerManagement: Item = {
  id: CAPABILITY_ID.POWER_MANAGEMENT,
  length: 8,
  write: (view, at) => view.setUint16(at + 2, 3, true),
};

const msi = (vectors: number): Item => ({
  id: CAPABILITY_ID.MSI,
  length: 0x18,
  write: (view, at) => view.setUint16(at + MSI.CONTROL, (Math.log2(vectors) << 1) | 0x80, true),
});

const msix = ({ vectors, bar, offset }: NonNullable<EndpointDescription['msix']>): Item => ({
  id: CAPABILITY_ID.MSIX,
  length: 12,
  write(view, at) {
    view.setUint16(at + MSIX.CONTROL, vectors - 1, true);
    view.setUint32(at + MSIX.TABLE, offset | bar, true);
    view.setUint32(at + MSIX.PENDING_BIT_ARRAY, (offset + vectors * 16) | bar, true);
  },
});

const pcie = (flr: boolean): Item => ({
  id: CAPABILITY_ID.PCIE,
  length: 0x3c,
  write(view, at) {
    view.setUint16(at + PCIE.FLAGS, 2, true);
    view.setUint32(at + PCIE.DEVICE_CAPABILITIES, 0x8000 | (flr ? 0x1000_0000 : 0), true);
    view.setUint32(at + PCIE.LINK_CAPABILITIES, 0x11, true);
    view.setUint16(at + PCIE.LINK_STATUS, 0x11, true);
  },
});

function writeBars(view: DataView, bars: readonly BarDescription[]): void {
  for (const bar of bars) {
    view.setUint32(PCI_HEADER.BASE_ADDRESS_0 + 4 * bar.index, (barAddress(bar) | barFlags(bar)) >>> 0, true);
  }
}

function writeList(view: DataView, items: readonly Item[]): void {
  let at = FIRST_CAPABILITY;
  let pointer: number = PCI_HEADER.CAPABILITIES_POINTER;
  for (const item of items) {
    view.setUint8(pointer, at);
    view.setUint8(at, item.id);
    item.write(view, at);
    pointer = at + 1;
    at += (item.length + 3) & ~3;
  }
  if (items.length > 0) view.setUint16(PCI_HEADER.STATUS, 0x10, true);
}

function writeAer(view: DataView): void {
  view.setUint32(0x100, 0x0001_0000 | 1, true);
  view.setUint32(0x100 + AER.UNCOR_SEVERITY, UNCORRECTABLE_SEVERITY_DEFAULT, true);
  view.setUint32(0x100 + AER.COR_MASK, CORRECTABLE_MASK_DEFAULT, true);
}

const DEFAULTS = {
  vendor: 0x1af4,
  device: 0x1041,
  classCode: 0x02_0000,
  pin: 1,
  bars: ONE_BAR,
  powerManagement: true,
  pcie: true,
  flr: true,
  aer: true,
  msix: { vectors: 4, bar: 0, offset: 0x2000 },
} as const;

/**
 * The configuration space of an endpoint as it is after a reset: a PCI Express network card with AER, MSI-X, FLR and one BAR,
 * unless told otherwise. Little-endian.
 */
export function endpointConfig(description: EndpointDescription = {}): Uint8Array {
  const all = { ...DEFAULTS, ...description };
  const bytes = new Uint8Array(all.pcie ? 4096 : 256);
  const view = viewOf(bytes);
  view.setUint16(PCI_HEADER.VENDOR_ID, all.vendor, true);
  view.setUint16(PCI_HEADER.DEVICE_ID, all.device, true);
  view.setUint32(PCI_HEADER.REVISION_ID, (all.classCode << 8) | 1, true);
  view.setUint8(PCI_HEADER.INTERRUPT_PIN, all.pin);
  writeBars(view, all.bars);
  writeList(view, [
    ...(all.powerManagement ? [powerManagement] : []),
    ...(description.msi ? [msi(description.msi)] : []),
    ...(all.pcie ? [pcie(all.flr)] : []),
    ...(all.msix ? [msix(all.msix)] : []),
  ]);
  if (all.pcie && all.aer) writeAer(view);
  return bytes;
}

/** The BARs of a description that gives none. */
export const defaultBars = (description: EndpointDescription = {}): readonly BarDescription[] =>
  description.bars ?? ONE_BAR;
