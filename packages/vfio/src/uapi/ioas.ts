import { UAPI } from './abi/constants.js';
import { type ByteOrder, HOST_BYTE_ORDER } from './byte-order.js';
import { checkArgszKept } from './info-reply.js';
import { checkObjectId } from './iommufd.js';
import { decodeStruct } from './struct/decode.js';
import { badField, encodeStruct } from './struct/encode.js';
import { checkReply, kernelReply, type ReplyRule } from './struct/kernel-reply.js';
import { sizeOf, type StructValues } from './struct/tables.js';

const ALLOC = 'iommu_ioas_alloc';
const MAP = 'iommu_ioas_map';
const UNMAP = 'iommu_ioas_unmap';
const RANGES = 'iommu_ioas_iova_ranges';
const RANGE = 'iommu_iova_range';
const DESTROY = 'iommu_destroy';

const TOP = 1n << 64n;

/** A piece of DMA address space. Both ends included. */
export interface IovaRange {
  readonly start: bigint;
  readonly last: bigint;
}

/** IOMMU_IOAS_ALLOC: makes an empty address space (drivers/iommu/iommufd/ioas.c:iommufd_ioas_alloc_ioctl). */
export const ioasAlloc = {
  request: 'IOMMU_IOAS_ALLOC',
  /** The call's argument. */
  encodeRequest: (order: ByteOrder = HOST_BYTE_ORDER): Uint8Array =>
    encodeStruct(ALLOC, { size: sizeOf(ALLOC) }, { order }),
  /**
   * The number of the address space.
   * @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY`
   */
  decodeReply(buffer: Uint8Array, order: ByteOrder = HOST_BYTE_ORDER): number {
    const { size, out_ioas_id } = decodeStruct(ALLOC, buffer, order);
    checkArgszKept(ALLOC, 'size', size, buffer);
    return checkObjectId(ALLOC, 'out_ioas_id', out_ioas_id);
  },
} as const;

/** IOMMU_DESTROY: gives up an object of an iommufd; EBUSY while it is used. */
export const iommuDestroy = {
  request: 'IOMMU_DESTROY',
  /** The call's argument. */
  encodeRequest: (id: number, order: ByteOrder = HOST_BYTE_ORDER): Uint8Array =>
    encodeStruct(DESTROY, { size: sizeOf(DESTROY), id }, { order }),
} as const;

/** What to map. `iova` left out: the kernel chooses. */
export interface IoasMapping {
  readonly ioas: number;
  /** Address in this process. */
  readonly address: bigint;
  /** Bytes. */
  readonly length: bigint;
  readonly iova?: bigint;
  /** What the device may do. */
  readonly read: boolean;
  readonly write: boolean;
}

function mapFlags({ iova, read, write }: IoasMapping): number {
  const fixed = iova === undefined ? 0 : UAPI.IOMMU_IOAS_MAP_FIXED_IOVA;
  return fixed | (read ? UAPI.IOMMU_IOAS_MAP_READABLE : 0) | (write ? UAPI.IOMMU_IOAS_MAP_WRITEABLE : 0);
}

/** IOMMU_IOAS_MAP: lets devices reach memory (iommufd_ioas_map). */
export const ioasMap = {
  request: 'IOMMU_IOAS_MAP',
  /** The call's argument. */
  encodeRequest(mapping: IoasMapping, order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
    const { ioas, address, length, iova = 0n } = mapping;
    if (length <= 0n || iova + length > TOP || address + length > TOP) {
      throw badField(MAP, 'length', length, 'it is above 0, and address and iova end by 2^64');
    }
    if (!mapping.read && !mapping.write) throw badField(MAP, 'flags', 0, 'the device may read, write, or both');
    const values = { size: sizeOf(MAP), flags: mapFlags(mapping), ioas_id: ioas, user_va: address, length, iova };
    return encodeStruct(MAP, values, { order });
  },
  /**
   * The DMA address of the mapping.
   * @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY`
   */
  decodeReply(buffer: Uint8Array, mapping: IoasMapping, order: ByteOrder = HOST_BYTE_ORDER): bigint {
    const reply = decodeStruct(MAP, buffer, order);
    checkArgszKept(MAP, 'size', reply.size, buffer);
    if (mapping.iova !== undefined && reply.iova !== mapping.iova) {
      throw kernelReply(MAP, 'iova', reply.iova, `${mapping.iova} was asked for`);
    }
    if (reply.iova + mapping.length > TOP) throw kernelReply(MAP, 'iova', reply.iova, 'the mapping ends by 2^64');
    return reply.iova;
  },
} as const;

/** What to unmap, whole mappings only. Bytes. */
export interface IoasUnmapping {
  readonly ioas: number;
  readonly iova: bigint;
  /** {@link WHOLE_IOAS} with `iova` 0: everything. */
  readonly length: bigint;
}

/** Length that, from 0 on, unmaps everything. */
export const WHOLE_IOAS = TOP - 1n;

/** IOMMU_IOAS_UNMAP (iommufd_ioas_unmap): ENOENT when nothing is mapped there. */
export const ioasUnmap = {
  request: 'IOMMU_IOAS_UNMAP',
  /** The call's argument. */
  encodeRequest({ ioas, iova, length }: IoasUnmapping, order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
    if (length <= 0n || iova + length > TOP) throw badField(UNMAP, 'length', length, 'it is above 0 and ends by 2^64');
    return encodeStruct(UNMAP, { size: sizeOf(UNMAP), ioas_id: ioas, iova, length }, { order });
  },
  /**
   * The bytes that were unmapped.
   * @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY`
   */
  decodeReply(buffer: Uint8Array, asked: IoasUnmapping, order: ByteOrder = HOST_BYTE_ORDER): bigint {
    const { size, length } = decodeStruct(UNMAP, buffer, order);
    checkArgszKept(UNMAP, 'size', size, buffer);
    if (length > asked.length) throw kernelReply(UNMAP, 'length', length, `${asked.length} bytes were to be unmapped`);
    return length;
  },
} as const;

/** How many ranges there are, and what they are aligned to. */
export interface IovaRanges {
  readonly count: number;
  /** Bytes: a power of two, at most a page. */
  readonly alignment: bigint;
}

/** No address space is cut into more ranges. */
export const MOST_RANGES = 65_536;

const RANGES_RULES: readonly ReplyRule<StructValues<typeof RANGES>>[] = [
  { field: 'num_iovas', rule: `at most ${MOST_RANGES}`, holds: ({ num_iovas }) => num_iovas <= MOST_RANGES },
  {
    field: 'out_iova_alignment',
    rule: 'it is a power of two',
    holds: ({ out_iova_alignment: each }) => each !== 0n && (each & (each - 1n)) === 0n,
  },
];

/**
 * IOMMU_IOAS_IOVA_RANGES: where DMA addresses may lie; changes when devices are attached or detached. The ranges go into
 * memory of the caller. EMSGSIZE: there are more than fit, and the reply says how many.
 */
export const ioasIovaRanges = {
  request: 'IOMMU_IOAS_IOVA_RANGES',
  /** Bytes of memory for that many ranges. */
  bytesFor: (count: number): number => count * sizeOf(RANGE),
  /**
   * The call's argument.
   * @param address of memory for `count` ranges that stays where it is until the call returns
   */
  encodeRequest(ioas: number, address: bigint, count: number, order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
    const values = { size: sizeOf(RANGES), ioas_id: ioas, num_iovas: count, allowed_iovas: address };
    return encodeStruct(RANGES, values, { order });
  },
  /** @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY` */
  decodeReply(buffer: Uint8Array, order: ByteOrder = HOST_BYTE_ORDER): IovaRanges {
    const reply = decodeStruct(RANGES, buffer, order);
    checkArgszKept(RANGES, 'size', reply.size, buffer);
    checkReply(RANGES, reply, RANGES_RULES);
    return { count: reply.num_iovas, alignment: reply.out_iova_alignment };
  },
  /**
   * Reads the ranges themselves.
   * @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY`
   */
  decodeRanges(memory: Uint8Array, count: number, order: ByteOrder = HOST_BYTE_ORDER): readonly IovaRange[] {
    const room = Math.floor(memory.byteLength / sizeOf(RANGE));
    if (count > room) throw kernelReply(RANGES, 'num_iovas', count, `only ${room} fit into the memory`);
    const ranges = Array.from({ length: count }, (_, at) => decodeStruct(RANGE, memory, order, at * sizeOf(RANGE)));
    for (const { start, last } of ranges) {
      if (last < start) throw kernelReply(RANGE, 'last', last, `the range begins at ${start}`);
    }
    return ranges;
  },
} as const;
