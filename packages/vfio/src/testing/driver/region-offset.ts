/** Bits of an offset within a region (include/linux/vfio_pci_core.h:VFIO_PCI_OFFSET_SHIFT). */
const SHIFT = 40n;

/** Where a region begins in the device's descriptor. */
export const regionOffset = (index: number): bigint => BigInt(index) << SHIFT;

/** The region that an offset lies in. */
export const regionIndex = (offset: bigint): number => Number(offset >> SHIFT);

/** The offset within its region, bytes. */
export const withinRegion = (offset: bigint): number => Number(offset & ((1n << SHIFT) - 1n));
