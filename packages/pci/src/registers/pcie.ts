/** Register offsets in bytes within the PCI Express capability (PCIe r6.1 §7.5.3; Linux PCI_EXP_*). */
export const PCIE = {
  /** PCI Express Capabilities, 16 bits. */
  FLAGS: 0x02,
  DEVICE_CAPABILITIES: 0x04,
  /** 16 bits, like every control and status but Root Status. */
  DEVICE_CONTROL: 0x08,
  DEVICE_STATUS: 0x0a,
  LINK_CAPABILITIES: 0x0c,
  LINK_CONTROL: 0x10,
  LINK_STATUS: 0x12,
  SLOT_CAPABILITIES: 0x14,
  SLOT_CONTROL: 0x18,
  SLOT_STATUS: 0x1a,
  ROOT_CONTROL: 0x1c,
  /** 16 bits. */
  ROOT_CAPABILITIES: 0x1e,
  /** 32 bits. */
  ROOT_STATUS: 0x20,
  /** Version 2 of the capability from here on. */
  DEVICE_CAPABILITIES_2: 0x24,
  DEVICE_CONTROL_2: 0x28,
  DEVICE_STATUS_2: 0x2a,
  LINK_CAPABILITIES_2: 0x2c,
  LINK_CONTROL_2: 0x30,
  LINK_STATUS_2: 0x32,
  SLOT_CAPABILITIES_2: 0x34,
  SLOT_CONTROL_2: 0x38,
  SLOT_STATUS_2: 0x3a,
} as const;

/** Lengths in bytes of the PCI Express capability: version 1 by what it implements, version 2. */
export const PCIE_LENGTH = { device: 0x0c, link: 0x14, slot: 0x1c, root: 0x24, link2: 0x34, version2: 0x3c } as const;

/** Device/Port Type (bits 7:4 of PCI Express Capabilities). */
export const PCIE_TYPE = {
  ENDPOINT: 0x0,
  LEGACY_ENDPOINT: 0x1,
  ROOT_PORT: 0x4,
  UPSTREAM_PORT: 0x5,
  DOWNSTREAM_PORT: 0x6,
  /** PCI Express to PCI/PCI-X bridge. */
  PCIE_TO_PCI_BRIDGE: 0x7,
  /** PCI/PCI-X to PCI Express bridge. */
  PCI_TO_PCIE_BRIDGE: 0x8,
  /** Root Complex Integrated Endpoint. */
  RCIEP: 0x9,
  /** Root Complex Event Collector. */
  RCEC: 0xa,
} as const;

/** Link speeds in GT/s by their code in Link Capabilities, Link Status and Target Link Speed. */
export const LINK_SPEEDS: readonly (number | undefined)[] = [undefined, 2.5, 5, 8, 16, 32, 64];
