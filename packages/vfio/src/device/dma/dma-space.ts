import { type Plain, PciRecoveryError } from '@pci-recovery/core';
import { type Meanings } from '../../seam/refused-call.js';

/** Memory that devices may reach. Addresses and bytes. */
export interface DmaRequest {
  /** Address in this process. */
  readonly address: bigint;
  readonly size: bigint;
  /** DMA address. iommufd chooses one where it is left out; the others want one. */
  readonly iova?: bigint;
  /** Whether the device may read it. Default: true. */
  readonly read?: boolean;
  /** Whether the device may write it. Default: true. */
  readonly write?: boolean;
}

/** A piece of DMA address space; both ends included. */
export interface DmaRange {
  readonly start: bigint;
  readonly last: bigint;
}

/** The DMA mappings of the devices of one container, or of one address space of an iommufd. */
export interface DmaSpace {
  readonly kind: 'type1' | 'iommufd' | 'spapr';
  /** Where DMA addresses may lie; none: the kernel does not tell. */
  ranges(): readonly DmaRange[];
  /**
   * @returns the DMA address
   * @throws PciRecoveryError `ERR_PCI_BAD_DMA` when the request cannot be, `ERR_PCI_LIMIT` when RLIMIT_MEMLOCK is too small;
   * what else the kernel refused (EEXIST: something is mapped there; EIO: the device is in the error state, on s390)
   */
  map(request: DmaRequest): Promise<bigint>;
  /**
   * Unmaps whole mappings.
   * @returns the bytes that were mapped there
   */
  unmap(iova: bigint, size: bigint): Promise<bigint>;
}

/** What it was asked for cannot be. */
export const badDma = (message: string, context: Readonly<Record<string, Plain>> = {}): PciRecoveryError =>
  new PciRecoveryError('ERR_PCI_BAD_DMA', message, { context });

/** The DMA address that was asked for, where the IOMMU takes no other way. */
export function wantedIova({ iova }: DmaRequest, kind: DmaSpace['kind']): bigint {
  if (iova === undefined) throw badDma(`A ${kind} mapping wants a DMA address: give iova, within ranges().`, { kind });
  return iova;
}

/** A request in words that survive JSON. */
export const dmaContext = ({ address, size, iova }: DmaRequest): Readonly<Record<string, Plain>> => ({
  address: `0x${address.toString(16)}`,
  size: String(size),
  ...(iova !== undefined && { iova: `0x${iova.toString(16)}` }),
});

/** What errnos of mapping mean (drivers/vfio/vfio_iommu_type1.c:vfio_dma_do_map, drivers/iommu/iommufd/ioas.c). */
export const MAP_MEANINGS: Meanings = {
  ENOMEM: {
    code: 'ERR_PCI_LIMIT',
    advice:
      'mappings lock all that they map, and RLIMIT_MEMLOCK is too small for it: raise it (ulimit -l, LimitMEMLOCK= of systemd), or give CAP_IPC_LOCK.',
    context: { limit: 'RLIMIT_MEMLOCK' },
  },
  EPERM: { code: 'ERR_PCI_PERMISSION', advice: 'the container is not enabled for DMA, or belongs to another process.' },
  EEXIST: { code: 'ERR_PCI_BUSY', advice: 'something is mapped at this DMA address: unmap it first.' },
  ENOSPC: { code: 'ERR_PCI_LIMIT', advice: 'there are too many mappings (dma_entry_limit of vfio_iommu_type1).' },
  EINVAL: {
    code: 'ERR_PCI_BAD_DMA',
    advice: 'address, size and DMA address are multiples of the page size, and the DMA address lies within ranges().',
  },
  EIO: { advice: 'the device is in the error state (s390): reset it, then map.' },
  ENXIO: { code: 'ERR_PCI_BAD_DMA', advice: 'no DMA window has this address.' },
};
