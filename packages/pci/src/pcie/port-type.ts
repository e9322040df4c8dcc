import { PCIE_TYPE } from '../registers/index.js';
import { type PortType } from '../topology/index.js';

const PORT_TYPES: Readonly<Record<number, PortType>> = {
  [PCIE_TYPE.ENDPOINT]: 'endpoint',
  [PCIE_TYPE.LEGACY_ENDPOINT]: 'legacy_endpoint',
  [PCIE_TYPE.ROOT_PORT]: 'root_port',
  [PCIE_TYPE.UPSTREAM_PORT]: 'upstream_port',
  [PCIE_TYPE.DOWNSTREAM_PORT]: 'downstream_port',
  [PCIE_TYPE.PCIE_TO_PCI_BRIDGE]: 'pcie_to_pci_bridge',
  [PCIE_TYPE.PCI_TO_PCIE_BRIDGE]: 'pci_to_pcie_bridge',
  [PCIE_TYPE.RCIEP]: 'rciep',
  [PCIE_TYPE.RCEC]: 'rcec',
};

/** The kind of function that a 4-bit Device/Port Type stands for; undefined for a reserved one. */
export const portTypeOf = (code: number): PortType | undefined => PORT_TYPES[code];

/** Root ports and root complex event collectors have root registers, in the PCIe capability and in AER. */
export const hasRootRegisters = (type: PortType | undefined): boolean => type === 'root_port' || type === 'rcec';

/** Functions inside the root complex have no link. */
export const hasLink = (type: PortType | undefined): boolean => type !== 'rciep' && type !== 'rcec';

/** Ports that lead downstream can have a slot. */
export const leadsDownstream = (type: PortType | undefined): boolean =>
  type === 'root_port' || type === 'downstream_port' || type === 'pci_to_pcie_bridge';
