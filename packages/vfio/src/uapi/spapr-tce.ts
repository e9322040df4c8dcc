import { UAPI } from './abi/constants.js';
import { type ByteOrder, HOST_BYTE_ORDER } from './byte-order.js';
import { type Flags, hasFlag, readFlags } from './flags.js';
import { checkArgszKept } from './info-reply.js';
import { decodeStruct } from './struct/decode.js';
import { badField, encodeStruct } from './struct/encode.js';
import { checkReply, kernelReply, type ReplyRule } from './struct/kernel-reply.js';
import { sizeOf, type StructValues } from './struct/tables.js';

const INFO = 'vfio_iommu_spapr_tce_info';
const MEMORY = 'vfio_iommu_spapr_register_memory';
const CREATE = 'vfio_iommu_spapr_tce_create';
const REMOVE = 'vfio_iommu_spapr_tce_remove';

const TOP = 1n << 64n;

/**
 * VFIO_IOMMU_ENABLE: lets a version 1 container be used (drivers/vfio/vfio_iommu_spapr_tce.c:tce_iommu_enable). No argument.
 * ENOMEM: the whole DMA window counts as locked, and RLIMIT_MEMLOCK is below it; EPERM: the window has size 0, or another process
 * has used the container; EBUSY: enabled already; ENODEV: no group is attached.
 */
export const spaprEnable = { request: 'VFIO_IOMMU_ENABLE', argument: undefined } as const;

/** VFIO_IOMMU_DISABLE: the opposite. Version 2 containers know neither. */
export const spaprDisable = { request: 'VFIO_IOMMU_DISABLE', argument: undefined } as const;

const FLAGS = { ddw: UAPI.VFIO_IOMMU_SPAPR_INFO_DDW } as const;

/** Dynamic DMA windows of a version 2 container. */
export interface DynamicWindows {
  /** Page sizes, one bit each. */
  readonly pageSizes: bigint;
  readonly mostWindows: number;
  /** Most levels of a table. */
  readonly levels: number;
}

/** What VFIO_IOMMU_SPAPR_TCE_GET_INFO tells. Bus addresses and bytes. */
export interface SpaprTceInfo extends Flags<typeof FLAGS> {
  readonly dma32WindowStart: number;
  readonly dma32WindowSize: number;
  /** Only with version 2 and where the platform can. */
  readonly dynamicWindows?: DynamicWindows;
}

const hasWindows = ({ flags }: StructValues<typeof INFO>): boolean => hasFlag(flags, FLAGS.ddw);

const INFO_RULES: readonly ReplyRule<StructValues<typeof INFO>>[] = [
  {
    field: 'dma32_window_size',
    rule: 'the 32-bit window ends by 2^32',
    holds: ({ dma32_window_start: start, dma32_window_size: size }) => start + size <= 2 ** 32,
  },
  {
    field: 'ddw.pgsizes',
    rule: 'dynamic windows have a page size',
    holds: (info) => !hasWindows(info) || info['ddw.pgsizes'] !== 0n,
  },
  {
    field: 'ddw.max_dynamic_windows_supported',
    rule: 'dynamic windows come with at least one window',
    holds: (info) => !hasWindows(info) || info['ddw.max_dynamic_windows_supported'] !== 0,
  },
  {
    field: 'ddw.levels',
    rule: 'tables have at least one level',
    holds: (info) => !hasWindows(info) || info['ddw.levels'] !== 0,
  },
];

/** VFIO_IOMMU_SPAPR_TCE_GET_INFO (drivers/vfio/vfio_iommu_spapr_tce.c:tce_iommu_ioctl). ENXIO: no group is attached. */
export const spaprInfo = {
  request: 'VFIO_IOMMU_SPAPR_TCE_GET_INFO',
  /** The call's argument. */
  encodeRequest: (order: ByteOrder = HOST_BYTE_ORDER): Uint8Array =>
    encodeStruct(INFO, { argsz: sizeOf(INFO) }, { order }),
  /** @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY` */
  decodeReply(buffer: Uint8Array, order: ByteOrder = HOST_BYTE_ORDER): SpaprTceInfo {
    const reply = decodeStruct(INFO, buffer, order);
    checkArgszKept(INFO, 'argsz', reply.argsz, buffer);
    checkReply(INFO, reply, INFO_RULES);
    const dynamicWindows: DynamicWindows = {
      pageSizes: reply['ddw.pgsizes'],
      mostWindows: reply['ddw.max_dynamic_windows_supported'],
      levels: reply['ddw.levels'],
    };
    return {
      ...readFlags(reply.flags, FLAGS),
      dma32WindowStart: reply.dma32_window_start,
      dma32WindowSize: reply.dma32_window_size,
      ...(hasWindows(reply) && { dynamicWindows }),
    };
  },
} as const;

/** Memory of this process, in whole pages: address and bytes. */
export interface ProcessMemory {
  readonly address: bigint;
  readonly size: bigint;
}

function encodeMemory({ address, size }: ProcessMemory, order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
  if (size <= 0n || address + size > TOP) throw badField(MEMORY, 'size', size, 'it is above 0 and ends by 2^64');
  return encodeStruct(MEMORY, { argsz: sizeOf(MEMORY), vaddr: address, size }, { order });
}

/** VFIO_IOMMU_SPAPR_REGISTER_MEMORY: pins memory before it may be mapped (version 2). Counts against the memlock limit. */
export const spaprRegisterMemory = {
  request: 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY',
  /** The call's argument. */
  encodeRequest: encodeMemory,
} as const;

/** VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY: the opposite; EBUSY while it is mapped. */
export const spaprUnregisterMemory = {
  request: 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY',
  /** The call's argument. */
  encodeRequest: encodeMemory,
} as const;

/** A DMA window to create. */
export interface TceWindow {
  /** Page size as a power of two. */
  readonly pageShift: number;
  /** Bytes; a power of two. */
  readonly size: bigint;
  /** Levels of its table. */
  readonly levels: number;
}

function checkWindow({ pageShift, size, levels }: TceWindow): void {
  if (!Number.isInteger(pageShift) || pageShift < 12 || pageShift > 63) {
    throw badField(CREATE, 'page_shift', pageShift, 'a page has 2^12 to 2^63 bytes');
  }
  if (size <= 0n || (size & (size - 1n)) !== 0n) throw badField(CREATE, 'window_size', size, 'it is a power of two');
  if (levels < 1) throw badField(CREATE, 'levels', levels, 'a table has at least one level');
}

/** VFIO_IOMMU_SPAPR_TCE_CREATE: makes a DMA window (version 2). */
export const tceCreate = {
  request: 'VFIO_IOMMU_SPAPR_TCE_CREATE',
  /** The call's argument. */
  encodeRequest(window: TceWindow, order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
    checkWindow(window);
    const { pageShift: page_shift, size: window_size, levels } = window;
    return encodeStruct(CREATE, { argsz: sizeOf(CREATE), page_shift, window_size, levels }, { order });
  },
  /**
   * The bus address where the window begins.
   * @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY`
   */
  decodeReply(buffer: Uint8Array, { size }: TceWindow, order: ByteOrder = HOST_BYTE_ORDER): bigint {
    const { argsz, start_addr } = decodeStruct(CREATE, buffer, order);
    checkArgszKept(CREATE, 'argsz', argsz, buffer);
    if (start_addr + size > TOP) throw kernelReply(CREATE, 'start_addr', start_addr, 'the window ends by 2^64');
    return start_addr;
  },
} as const;

/** VFIO_IOMMU_SPAPR_TCE_REMOVE: removes the window that begins at a bus address (version 2). */
export const tceRemove = {
  request: 'VFIO_IOMMU_SPAPR_TCE_REMOVE',
  /** The call's argument. */
  encodeRequest: (start: bigint, order: ByteOrder = HOST_BYTE_ORDER): Uint8Array =>
    encodeStruct(REMOVE, { argsz: sizeOf(REMOVE), start_addr: start }, { order }),
} as const;
