import { flag, value } from './fields.js';

/** Register offsets in bytes within the SR-IOV extended capability (PCIe r6.1 §9.3.3; Linux PCI_SRIOV_*). */
export const SRIOV = {
  CAPABILITIES: 0x04,
  /** 16 bits, like all up to the VF Device ID. */
  CONTROL: 0x08,
  STATUS: 0x0a,
  INITIAL_VFS: 0x0c,
  TOTAL_VFS: 0x0e,
  NUM_VFS: 0x10,
  /** 8 bits. */
  FUNCTION_DEPENDENCY_LINK: 0x12,
  FIRST_VF_OFFSET: 0x14,
  VF_STRIDE: 0x16,
  VF_DEVICE_ID: 0x1a,
  SUPPORTED_PAGE_SIZES: 0x1c,
  SYSTEM_PAGE_SIZE: 0x20,
  /** Six dwords. */
  VF_BAR_0: 0x24,
  VF_MIGRATION_STATE_ARRAY: 0x3c,
} as const;

/** Length in bytes of the SR-IOV capability, and its number of VF BARs. */
export const SRIOV_LENGTH = 0x40;
export const SRIOV_VF_BARS = 6;

/** SR-IOV Capabilities (PCIe r6.1 §9.3.3.2). */
export const SRIOV_CAPABILITIES = {
  vfMigrationCapable: flag(0),
  ariCapableHierarchyPreserved: flag(1),
  vf10BitTagRequesterSupported: flag(2),
  vf14BitTagRequesterSupported: flag(3),
  vfMigrationInterruptMessageNumber: value(31, 21),
} as const;

/** SR-IOV Control (PCIe r6.1 §9.3.3.3). */
export const SRIOV_CONTROL = {
  vfEnable: flag(0),
  vfMigrationEnable: flag(1),
  vfMigrationInterruptEnable: flag(2),
  vfMemorySpaceEnable: flag(3),
  ariCapableHierarchy: flag(4),
  vf10BitTagRequesterEnable: flag(5),
  vf14BitTagRequesterEnable: flag(6),
} as const;

/** SR-IOV Status (PCIe r6.1 §9.3.3.4). */
export const SRIOV_STATUS = { vfMigrationStatus: flag(0) } as const;
