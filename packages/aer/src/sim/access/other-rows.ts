import { CAPABILITY_ID, EXTENDED_CAPABILITY_ID, MSI, MSIX, SRIOV, SRIOV_VF_BARS } from '@pci-recovery/pci';
import { EFFECT, type AccessRow } from './access-row.js';

const MSI_ROWS: readonly AccessRow[] = [
  { offset: MSI.CONTROL, width: 2, rw: 0x0071 },
  { offset: MSI.ADDRESS, width: 4, rw: 0xffff_fffc },
  { offset: MSI.ADDRESS_UPPER, width: 4, rw: 0xffff_ffff },
  { offset: MSI.DATA_64, width: 2, rw: 0xffff },
];

/** PMCSR: power state and PME enable; PME status (PCIe r6.1 §7.5.2.2). */
const POWER_ROWS: readonly AccessRow[] = [{ offset: 0x04, width: 2, rw: 0x0103, w1c: 0x8000 }];

/** Function mask and enable; the table is in device memory. */
const MSIX_ROWS: readonly AccessRow[] = [{ offset: MSIX.CONTROL, width: 2, rw: 0xc000 }];

/** Capabilities besides PCI Express whose registers software changes, by id. What is not here is read-only. */
export const CAPABILITY_ROWS: Readonly<Record<number, readonly AccessRow[]>> = {
  [CAPABILITY_ID.MSI]: MSI_ROWS,
  [CAPABILITY_ID.MSIX]: MSIX_ROWS,
  [CAPABILITY_ID.POWER_MANAGEMENT]: POWER_ROWS,
};

const SRIOV_ROWS: readonly AccessRow[] = [
  { offset: SRIOV.CONTROL, width: 2, rw: 0x001f, effect: EFFECT.SRIOV_CONTROL },
  { offset: SRIOV.NUM_VFS, width: 2, rw: 0xffff, effect: EFFECT.SRIOV_NUM_VFS },
  { offset: SRIOV.SYSTEM_PAGE_SIZE, width: 4, rw: 0xffff_ffff, reset: 1 },
  ...Array.from({ length: SRIOV_VF_BARS }, (_, n) => ({
    offset: SRIOV.VF_BAR_0 + 4 * n,
    width: 4 as const,
    rw: 0xffff_f000,
  })),
];

/** ACS Control (PCIe r6.1 §7.7.11.3). */
const ACS_ROWS: readonly AccessRow[] = [{ offset: 0x06, width: 2, rw: 0x007f }];

/** Extended capabilities besides AER, by id. */
export const EXTENDED_CAPABILITY_ROWS: Readonly<Record<number, readonly AccessRow[]>> = {
  [EXTENDED_CAPABILITY_ID.SRIOV]: SRIOV_ROWS,
  [EXTENDED_CAPABILITY_ID.ACS]: ACS_ROWS,
};
