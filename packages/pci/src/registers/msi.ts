import { flag, value } from './fields.js';

/** Register offsets in bytes within the MSI capability (PCI LB 3.0 §6.8.1; Linux PCI_MSI_*). */
export const MSI = {
  /** 16 bits. */
  CONTROL: 0x02,
  ADDRESS: 0x04,
  /** 64-bit form only. */
  ADDRESS_UPPER: 0x08,
  /** 16 bits. */
  DATA_32: 0x08,
  /** 16 bits. */
  DATA_64: 0x0c,
  MASK_32: 0x0c,
  MASK_64: 0x10,
  PENDING_32: 0x10,
  PENDING_64: 0x14,
} as const;

/** Message Control of MSI (PCIe r6.1 §7.7.1.2). */
export const MSI_CONTROL = {
  enable: flag(0),
  /** log2 of the number of vectors that the function asks for. */
  multipleMessageCapable: value(3, 1),
  /** log2 of the number of vectors that it was given. */
  multipleMessageEnable: value(6, 4),
  address64: flag(7),
  perVectorMasking: flag(8),
  extendedMessageDataCapable: flag(9),
  extendedMessageDataEnable: flag(10),
} as const;

/** Register offsets in bytes within the MSI-X capability (PCIe r6.1 §7.7.2; Linux PCI_MSIX_*). */
export const MSIX = {
  /** 16 bits. */
  CONTROL: 0x02,
  TABLE: 0x04,
  PENDING_BIT_ARRAY: 0x08,
} as const;

/** Length in bytes of the MSI-X capability. */
export const MSIX_LENGTH = 12;

/** Message Control of MSI-X (PCIe r6.1 §7.7.2.2). */
export const MSIX_CONTROL = {
  /** Number of table entries − 1. */
  tableSize: value(10, 0),
  functionMask: flag(14),
  enable: flag(15),
} as const;

/** Offsets in bytes within one entry of the MSI-X table, which lies in device memory (PCIe r6.1 §6.1.4.2; R5.1). */
export const MSIX_ENTRY = { ADDRESS: 0x0, ADDRESS_UPPER: 0x4, DATA: 0x8, VECTOR_CONTROL: 0xc, LENGTH: 0x10 } as const;

/** Bit 0 of an entry's Vector Control: the vector is masked. */
export const MSIX_ENTRY_MASKED = 1;
