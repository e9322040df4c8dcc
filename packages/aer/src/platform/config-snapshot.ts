import { type Bdf } from '@pci-recovery/core';
import { AER, CAPABILITY_ID, EXTENDED_CAPABILITY_ID, PCI_HEADER, PCIE } from '@pci-recovery/pci';
import { type AerHostPort, type ConfigWidth } from '../port.js';
import { answersConfig, findCapability, findExtendedCapability } from './registers.js';

/** One register to write back. */
interface SavedRegister {
  readonly offset: number;
  readonly width: ConfigWidth;
  readonly value: number;
}

/** The configuration of a function as it was while it worked: what a reset takes away. */
export interface ConfigSnapshot {
  readonly bdf: Bdf;
  /** Byte offsets of the 32-bit error status registers, which no reset clears: restoring does, with native AER. */
  readonly statuses: readonly number[];
  /** In the order in which they have to be written. */
  readonly registers: readonly SavedRegister[];
}

const PCIE_CONTROLS = [
  PCIE.DEVICE_CONTROL,
  PCIE.LINK_CONTROL,
  PCIE.SLOT_CONTROL,
  PCIE.ROOT_CONTROL,
  PCIE.DEVICE_CONTROL_2,
  PCIE.LINK_CONTROL_2,
  PCIE.SLOT_CONTROL_2,
];

const AER_STATUSES = [AER.COR_STATUS, AER.UNCOR_STATUS];
const AER_CONTROLS = [AER.UNCOR_MASK, AER.UNCOR_SEVERITY, AER.COR_MASK, AER.CAP_CONTROL];

/** Message Control of MSI and MSI-X is the upper half of their first dword. */
const MESSAGE_CONTROL = 2;

/** What a snapshot is made of: where the registers are. */
interface Layout {
  readonly statuses: readonly number[];
  readonly registers: readonly (readonly [offset: number, width: ConfigWidth])[];
}

function layoutOf(port: AerHostPort, bdf: Bdf): Layout {
  const pcie = findCapability(port, bdf, CAPABILITY_ID.PCIE);
  const aer = findExtendedCapability(port, bdf, EXTENDED_CAPABILITY_ID.AER);
  const msix = findCapability(port, bdf, CAPABILITY_ID.MSIX);
  const msi = findCapability(port, bdf, CAPABILITY_ID.MSI);
  const fn = port.topology.get(bdf);
  const isRoot = fn?.portType === 'root_port' || fn?.portType === 'rcec';
  const statuses = aer ? [...(isRoot ? [AER.ROOT_STATUS] : []), ...AER_STATUSES] : [];
  const registers = [
    ...(pcie ? PCIE_CONTROLS.map((register) => [pcie + register, 2] as const) : []),
    ...(aer ? AER_CONTROLS.map((register) => [aer + register, 4] as const) : []),
    ...(aer && isRoot ? [[aer + AER.ROOT_COMMAND, 4] as const] : []),
    // Base addresses, bus numbers and windows, before the command register lets them decode.
    ...Array.from({ length: 12 }, (_, index) => [PCI_HEADER.BASE_ADDRESS_0 + 4 * (11 - index), 4] as const),
    [PCI_HEADER.CACHE_LINE_SIZE, 1] as const,
    [PCI_HEADER.LATENCY_TIMER, 1] as const,
    [PCI_HEADER.COMMAND, 2] as const,
    ...(msix ? [[msix + MESSAGE_CONTROL, 2] as const] : []),
    ...(msi ? [[msi + MESSAGE_CONTROL, 2] as const] : []),
  ];
  return { statuses: statuses.map((register) => aer + register), registers };
}

/**
 * Reads what a driver would save with `pci_save_state`; undefined while the function answers all ones: such a state is
 * never saved to be restored (R2.8).
 *
 * Source: Linux 7.3 drivers/pci/pci.c:pci_save_state, drivers/pci/pcie/aer.c:pci_save_aer_state.
 */
export function saveConfig(port: AerHostPort, bdf: Bdf): ConfigSnapshot | undefined {
  if (!answersConfig(port, bdf)) return undefined;
  const { statuses, registers } = layoutOf(port, bdf);
  const saved = registers.map(([offset, width]) => ({ offset, width, value: port.readConfig(bdf, offset, width) }));
  return { bdf, statuses, registers: saved };
}

/**
 * Writes a saved configuration back. Error status is cleared first: it survives resets, and belongs to what is over.
 *
 * Source: Linux 7.3 drivers/pci/pci.c:pci_restore_state, drivers/pci/pcie/aer.c:pci_aer_clear_status.
 */
export function restoreConfig(port: AerHostPort, { bdf, statuses, registers }: ConfigSnapshot): void {
  const native = port.nativeAer ?? true;
  if (native) for (const offset of statuses) port.writeConfig(bdf, offset, 4, port.readConfig(bdf, offset, 4));
  for (const { offset, width, value } of registers) port.writeConfig(bdf, offset, width, value);
}
