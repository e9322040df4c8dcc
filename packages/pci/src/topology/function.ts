import { type Bdf } from '@pci-recovery/core';

/** What a PCIe function is: the Device/Port Type field of PCI Express Capabilities (PCIe r6.1 §7.5.3.2, bits 7:4). */
export type PortType =
  | 'endpoint'
  | 'legacy_endpoint'
  | 'root_port'
  | 'upstream_port'
  | 'downstream_port'
  | 'pcie_to_pci_bridge'
  | 'pci_to_pcie_bridge'
  | 'rciep'
  | 'rcec';

/** A function as enumeration found it. */
export interface TopologyFunction {
  readonly bdf: Bdf;
  /** Absent: a conventional PCI function. */
  readonly portType?: PortType;
  /** Has a bridge header (type 1); then `secondary` and `subordinate` are its bus numbers (0–255). */
  readonly bridge: boolean;
  readonly secondary?: number;
  readonly subordinate?: number;
  /** For an SR-IOV virtual function: its physical function. */
  readonly physicalFunction?: Bdf;
  /** For an RCiEP: the event collector that it is associated with. */
  readonly eventCollector?: Bdf;
  /** Name of the host's driver, where one is bound. */
  readonly driver?: string;
}
