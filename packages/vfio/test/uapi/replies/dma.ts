import { UAPI } from '../../../src/uapi/abi/constants.js';
import {
  dmaUnmap,
  encodeStruct,
  ioasAlloc,
  ioasIovaRanges,
  ioasMap,
  ioasUnmap,
  spaprInfo,
  tceCreate,
  type1Info,
} from '../../../src/uapi/index.js';
import { blaming, CHAIN, golden, one, type ReplyCase, U32, U64 } from './reply-case.js';

const type1: Pick<ReplyCase, 'reply' | 'read'> = {
  reply: golden('type1 info reply'),
  read: (buffer, order) => type1Info.decodeReply(buffer, order),
};

const window = { pageShift: 16, size: 1n << 31n, levels: 1 };
const mapping = { ioas: 1, address: 0x1000n, length: 0x2000n, iova: 0x10000n, read: true, write: false };

/** What containers and iommufds answer. */
export const DMA_REPLIES: readonly ReplyCase[] = [
  {
    struct: 'vfio_iommu_type1_info',
    ...type1,
    bad: { argsz: [0, 24, 119, 0x100001, U32], iova_pgsizes: [0n], cap_offset: [0, 20, 25, 116, 120, U32] },
    any: ['flags', 'pad'],
  },
  {
    struct: 'vfio_iommu_type1_info_cap_migration',
    at: 24,
    ...type1,
    bad: { pgsize_bitmap: [0n] },
    any: ['flags', 'max_dirty_bitmap_size'],
    chain: CHAIN,
  },
  { struct: 'vfio_iommu_type1_info_dma_avail', at: 56, ...type1, bad: {}, any: ['avail'], chain: CHAIN },
  {
    struct: 'vfio_iommu_type1_info_cap_iova_range',
    at: 72,
    ...type1,
    bad: { nr_iovas: [3, 0x1000_0000, U32] },
    any: ['reserved'],
    chain: CHAIN,
  },
  {
    struct: 'vfio_iova_range',
    at: 88,
    ...type1,
    bad: { start: blaming('vfio_iova_range.end', 0xfee00000n, U64) },
    any: ['end'],
  },
  {
    struct: 'vfio_iova_range',
    what: 'the second of two',
    at: 104,
    ...type1,
    bad: { end: [0n, 0xfeefffffn] },
    any: ['start'],
  },
  {
    struct: 'vfio_iommu_type1_dma_unmap',
    reply: one('vfio_iommu_type1_dma_unmap', { iova: 0x1000n, size: 0x1000n }),
    read: (buffer, order) => dmaUnmap.decodeReply(buffer, { iova: 0x1000n, size: 0x1000n }, order),
    bad: { argsz: [0, 23, 25, U32], size: [0x1001n, U64] },
    any: ['flags', 'iova'],
  },
  {
    struct: 'vfio_iommu_spapr_tce_info',
    reply: one('vfio_iommu_spapr_tce_info', {
      flags: UAPI.VFIO_IOMMU_SPAPR_INFO_DDW,
      dma32_window_start: 0x1000_0000,
      dma32_window_size: 0x8000_0000,
      'ddw.pgsizes': 0x1011000n,
      'ddw.max_dynamic_windows_supported': 2,
      'ddw.levels': 5,
    }),
    read: (buffer, order) => spaprInfo.decodeReply(buffer, order),
    bad: {
      argsz: [0, 16, 33, U32],
      dma32_window_start: blaming('vfio_iommu_spapr_tce_info.dma32_window_size', 0x8000_0001, U32),
      dma32_window_size: [0xf000_0001, U32],
      'ddw.pgsizes': [0n],
      'ddw.max_dynamic_windows_supported': [0],
      'ddw.levels': [0],
    },
    any: ['flags'],
  },
  {
    struct: 'vfio_iommu_spapr_tce_create',
    reply: one('vfio_iommu_spapr_tce_create', {
      page_shift: 16,
      window_size: 1n << 31n,
      levels: 1,
      start_addr: 1n << 59n,
    }),
    read: (buffer, order) => tceCreate.decodeReply(buffer, window, order),
    bad: { argsz: [0, 39, 41, U32], start_addr: [U64, U64 - (1n << 31n) + 2n] },
    any: ['flags', 'page_shift', '__resv1', 'window_size', 'levels', '__resv2'],
  },
  {
    struct: 'iommu_ioas_alloc',
    reply: one('iommu_ioas_alloc', { out_ioas_id: 1 }),
    read: (buffer, order) => ioasAlloc.decodeReply(buffer, order),
    bad: { size: [0, 11, 13, U32], out_ioas_id: [0, 0x8000_0000, U32] },
    any: ['flags'],
  },
  {
    struct: 'iommu_ioas_iova_ranges',
    reply: one('iommu_ioas_iova_ranges', { ioas_id: 1, num_iovas: 2, out_iova_alignment: 4096n }),
    read: (buffer, order) => ioasIovaRanges.decodeReply(buffer, order),
    bad: { size: [0, 31, 33, U32], num_iovas: [65_537, U32], out_iova_alignment: [0n, 3n, U64] },
    any: ['ioas_id', '__reserved', 'allowed_iovas'],
  },
  {
    struct: 'iommu_iova_range',
    reply: (order) => encodeStruct('iommu_iova_range', { start: 0x1000n, last: 0x1fffn }, { order }),
    read: (buffer, order) => ioasIovaRanges.decodeRanges(buffer, 1, order),
    bad: { start: blaming('iommu_iova_range.last', 0x2000n, U64), last: [0n, 0xfffn] },
    any: [],
  },
  {
    struct: 'iommu_ioas_map',
    reply: one('iommu_ioas_map', { flags: 5, ioas_id: 1, user_va: 0x1000n, length: 0x2000n, iova: 0x10000n }),
    read: (buffer, order) => ioasMap.decodeReply(buffer, mapping, order),
    bad: { size: [0, 39, 41, U32], iova: [0n, 0x10001n, U64] },
    any: ['flags', 'ioas_id', '__reserved', 'user_va', 'length'],
  },
  {
    struct: 'iommu_ioas_map',
    what: 'where the kernel chooses the address',
    reply: one('iommu_ioas_map', { ioas_id: 1, user_va: 0x1000n, length: 0x2000n, iova: 0x5000n }),
    read: (buffer, order) =>
      ioasMap.decodeReply(buffer, { ioas: 1, address: 0x1000n, length: 0x2000n, read: true, write: true }, order),
    bad: { size: [0, 39, 41], iova: [U64, U64 - 0x1ffen] },
    any: ['flags', 'ioas_id', '__reserved', 'user_va', 'length'],
  },
  {
    struct: 'iommu_ioas_unmap',
    reply: one('iommu_ioas_unmap', { ioas_id: 1, iova: 0x1000n, length: 0x1000n }),
    read: (buffer, order) => ioasUnmap.decodeReply(buffer, { ioas: 1, iova: 0x1000n, length: 0x1000n }, order),
    bad: { size: [0, 23, 25, U32], length: [0x1001n, U64] },
    any: ['ioas_id', 'iova'],
  },
];
