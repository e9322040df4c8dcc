import {
  AER,
  CAPABILITY_ID,
  ConfigSpace,
  EXTENDED_CAPABILITY_ID,
  Findings,
  MSI,
  MSIX,
  PCIE,
  PCI_HEADER,
  walkCapabilities,
  walkExtendedCapabilities,
} from '@pci-recovery/pci';
import { type BarDescription } from './description.js';

/** Where the capabilities that matter lie; undefined: the function has none. Byte offsets. */
export interface Layout {
  readonly capabilities: readonly { readonly id: number; readonly offset: number }[];
  readonly extended: readonly { readonly id: number; readonly offset: number }[];
  readonly powerManagement: number | undefined;
  readonly msi: number | undefined;
  readonly msix: number | undefined;
  readonly pcie: number | undefined;
  readonly advancedFeatures: number | undefined;
  readonly aer: number | undefined;
}

/** Finds the capabilities of a configuration space. */
export function layoutOfConfig(config: Uint8Array): Layout {
  const space = new ConfigSpace(config);
  const findings = new Findings();
  const capabilities =
    config.length > 64 && (config[PCI_HEADER.STATUS]! & 0x10) !== 0
      ? walkCapabilities(space, PCI_HEADER.CAPABILITIES_POINTER, findings)
      : [];
  const extended = config.length > 256 ? walkExtendedCapabilities(space, findings) : [];
  const at = (id: number): number | undefined => capabilities.find((each) => each.id === id)?.offset;
  return {
    capabilities,
    extended,
    powerManagement: at(CAPABILITY_ID.POWER_MANAGEMENT),
    msi: at(CAPABILITY_ID.MSI),
    msix: at(CAPABILITY_ID.MSIX),
    pcie: at(CAPABILITY_ID.PCIE),
    advancedFeatures: at(CAPABILITY_ID.ADVANCED_FEATURES),
    aer: extended.find(({ id }) => id === EXTENDED_CAPABILITY_ID.AER)?.offset,
  };
}

/** Which bits of each byte hold what is written, and which are cleared by writing 1. All others read only. */
export interface WriteMasks {
  readonly writable: Uint8Array;
  readonly clearing: Uint8Array;
}

type Setter = (mask: Uint8Array, at: number | undefined, bits: number, bytes: number) => void;

const set: Setter = (mask, at, bits, bytes) => {
  if (at === undefined) return;
  for (let i = 0; i < bytes && at + i < mask.length; i++) mask[at + i]! |= (bits >>> (8 * i)) & 0xff;
};

function headerMasks({ writable, clearing }: WriteMasks, bars: readonly BarDescription[]): void {
  set(writable, PCI_HEADER.COMMAND, 0x0547, 2);
  set(clearing, PCI_HEADER.STATUS, 0xf900, 2);
  set(writable, PCI_HEADER.CACHE_LINE_SIZE, 0xffff, 2);
  set(writable, PCI_HEADER.INTERRUPT_LINE, 0xff, 1);
  for (const { index, size, space = 'memory', wide } of bars) {
    const at = PCI_HEADER.BASE_ADDRESS_0 + 4 * index;
    set(writable, at, ~(size - 1) & (space === 'io' ? ~3 : ~15), 4);
    if (wide) set(writable, at + 4, 0xffff_ffff, 4);
  }
}

function capabilityMasks({ writable, clearing }: WriteMasks, layout: Layout): void {
  const { powerManagement, msi, msix, pcie, aer } = layout;
  const behind = (at: number | undefined, offset: number): number | undefined =>
    at === undefined ? undefined : at + offset;
  set(writable, behind(powerManagement, 4), 0x0103, 2);
  set(clearing, behind(powerManagement, 4), 0x8000, 2);
  set(writable, behind(msi, MSI.CONTROL), 0x0071, 2);
  set(writable, behind(msi, MSI.ADDRESS), 0xffff_fffc, 4);
  set(writable, behind(msi, MSI.ADDRESS_UPPER), 0xffff_ffff, 4);
  set(writable, behind(msi, MSI.DATA_64), 0xffff, 2);
  set(writable, behind(msix, MSIX.CONTROL), 0xc000, 2);
  set(writable, behind(pcie, PCIE.DEVICE_CONTROL), 0x7fff, 2);
  set(clearing, behind(pcie, PCIE.DEVICE_STATUS), 0x000f, 2);
  set(writable, behind(pcie, PCIE.LINK_CONTROL), 0x01c3, 2);
  set(writable, behind(pcie, PCIE.DEVICE_CONTROL_2), 0x7fff, 2);
  set(clearing, behind(aer, AER.UNCOR_STATUS), 0xffff_fff1, 4);
  set(writable, behind(aer, AER.UNCOR_MASK), 0xffff_fff1, 4);
  set(writable, behind(aer, AER.UNCOR_SEVERITY), 0xffff_fff1, 4);
  set(clearing, behind(aer, AER.COR_STATUS), 0xf1c1, 4);
  set(writable, behind(aer, AER.COR_MASK), 0xf1c1, 4);
  set(writable, behind(aer, AER.CAP_CONTROL), 0x0540, 4);
}

/** How the hardware takes writes (PCIe r6.1 §7.5, §7.7, §7.8.4). */
export function writeMasks(config: Uint8Array, layout: Layout, bars: readonly BarDescription[]): WriteMasks {
  const masks = { writable: new Uint8Array(config.length), clearing: new Uint8Array(config.length) };
  headerMasks(masks, bars);
  capabilityMasks(masks, layout);
  return masks;
}
