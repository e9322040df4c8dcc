import { UAPI } from './abi/constants.js';
import { type ByteOrder, HOST_BYTE_ORDER } from './byte-order.js';
import { checkArgszKept } from './info-reply.js';
import { decodeStruct } from './struct/decode.js';
import { badField, encodeStruct } from './struct/encode.js';
import { kernelReply } from './struct/kernel-reply.js';
import { sizeOf } from './struct/tables.js';

const MAP = 'vfio_iommu_type1_dma_map';
const UNMAP = 'vfio_iommu_type1_dma_unmap';

const TOP = 1n << 64n;

/** Memory that devices of a container may reach. Bytes. */
export interface DmaMapping {
  /** Address in this process. */
  readonly address: bigint;
  /** DMA address. */
  readonly iova: bigint;
  readonly size: bigint;
  /** What the device may do. */
  readonly read: boolean;
  readonly write: boolean;
}

/** VFIO_IOMMU_MAP_DMA, of type1 and SPAPR TCE containers (vfio_iommu_type1.c:vfio_iommu_type1_map_dma). Nothing is written back. */
export const dmaMap = {
  request: 'VFIO_IOMMU_MAP_DMA',
  /** The call's argument. */
  encodeRequest({ address, iova, size, read, write }: DmaMapping, order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
    if (size <= 0n || iova + size > TOP || address + size > TOP) {
      throw badField(MAP, 'size', size, 'it is above 0, and address and iova end by 2^64');
    }
    if (!read && !write) throw badField(MAP, 'flags', 0, 'the device may read, write, or both');
    const flags = (read ? UAPI.VFIO_DMA_MAP_FLAG_READ : 0) | (write ? UAPI.VFIO_DMA_MAP_FLAG_WRITE : 0);
    return encodeStruct(MAP, { argsz: sizeOf(MAP), flags, vaddr: address, iova, size }, { order });
  },
} as const;

/** What to unmap: a range, or everything (extension `unmapAll`). */
export type DmaUnmapping = { readonly iova: bigint; readonly size: bigint } | 'all';

/** VFIO_IOMMU_UNMAP_DMA (vfio_iommu_type1.c:vfio_iommu_type1_unmap_dma). SPAPR TCE containers unmap no `all`. */
export const dmaUnmap = {
  request: 'VFIO_IOMMU_UNMAP_DMA',
  /** The call's argument. */
  encodeRequest(what: DmaUnmapping, order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
    const argsz = sizeOf(UNMAP);
    if (what === 'all') return encodeStruct(UNMAP, { argsz, flags: UAPI.VFIO_DMA_UNMAP_FLAG_ALL }, { order });
    const { iova, size } = what;
    if (size <= 0n || iova + size > TOP) throw badField(UNMAP, 'size', size, 'it is above 0 and ends by 2^64');
    return encodeStruct(UNMAP, { argsz, iova, size }, { order });
  },
  /**
   * The bytes that were unmapped.
   * @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY` for more than was asked for
   */
  decodeReply(buffer: Uint8Array, asked: DmaUnmapping, order: ByteOrder = HOST_BYTE_ORDER): bigint {
    const { argsz, size } = decodeStruct(UNMAP, buffer, order);
    checkArgszKept(UNMAP, 'argsz', argsz, buffer);
    if (asked !== 'all' && size > asked.size) {
      throw kernelReply(UNMAP, 'size', size, `${asked.size} bytes were to be unmapped`);
    }
    return size;
  },
} as const;
