import { UAPI } from '../../../src/uapi/abi/constants.js';
import {
  attachIommufd,
  bindIommufd,
  deviceFeature,
  deviceInfo,
  groupStatus,
  hotResetInfo,
  irqInfo,
  regionInfo,
} from '../../../src/uapi/index.js';
import { blaming, CHAIN, golden, one, type ReplyCase, U32, U64 } from './reply-case.js';

const device: Pick<ReplyCase, 'reply' | 'read'> = {
  reply: golden('device-info reply'),
  read: (buffer, order) => deviceInfo.decodeReply(buffer, order),
};
const region: Pick<ReplyCase, 'reply' | 'read'> = {
  reply: golden('region-info reply'),
  read: (buffer, order) => regionInfo.decodeReply(buffer, 2, order),
};
const hotReset: Pick<ReplyCase, 'reply' | 'read'> = {
  reply: golden('hot-reset-info reply'),
  read: (buffer, order) => hotResetInfo.decodeReply(buffer, 0, order),
};

/** What groups and devices answer. */
export const DEVICE_REPLIES: readonly ReplyCase[] = [
  {
    struct: 'vfio_group_status',
    reply: one('vfio_group_status', { flags: 3 }),
    read: (buffer, order) => groupStatus.decodeReply(buffer, order),
    bad: { argsz: [0, 7, 9, U32] },
    any: ['flags'],
  },
  {
    struct: 'vfio_device_info',
    ...device,
    bad: {
      argsz: [0, 16, 167, 0x100001, U32],
      num_regions: [65_537, U32],
      num_irqs: [65_537, U32],
      cap_offset: [0, 4, 20, 25, 26, 164, 168, 0x7fff_fffc, U32],
    },
    any: ['flags', 'pad'],
  },
  {
    struct: 'vfio_device_info_cap_zpci_base',
    at: 24,
    ...device,
    bad: {
      end_dma: [0n, 0xffffffffn],
      start_dma: blaming('vfio_device_info_cap_zpci_base.end_dma', 0x200000000n, U64),
      ccdf_err_length: [0, 31, 4097, U32],
      'header.version': [0],
    },
    any: ['pchid', 'vfn', 'fmb_length', 'pft', 'gid', 'fh'],
    chain: ['header.id', 'header.next'],
  },
  {
    struct: 'vfio_device_info_cap_zpci_group',
    at: 64,
    ...device,
    bad: { 'header.version': [0] },
    any: ['dasm', 'msi_addr', 'flags', 'mui', 'noi', 'maxstbl', 'version', 'reserved', 'imaxstbl'],
    chain: ['header.id', 'header.next'],
  },
  { struct: 'vfio_device_info_cap_zpci_util', at: 112, ...device, bad: { size: [13, 64, U32] }, any: [], chain: CHAIN },
  { struct: 'vfio_device_info_cap_zpci_pfip', at: 136, ...device, bad: { size: [5, U32] }, any: [], chain: CHAIN },
  {
    struct: 'vfio_device_info_cap_pci_atomic_comp',
    at: 152,
    ...device,
    bad: {},
    any: ['flags', 'reserved'],
    chain: CHAIN,
  },
  {
    struct: 'vfio_info_cap_header',
    at: 80,
    ...region,
    bad: { next: [4, 80, 84, 89, 97, 100, 104, U32] },
    any: [],
    chain: ['id', 'version'],
  },
  {
    struct: 'vfio_region_info',
    ...region,
    bad: {
      argsz: [0, 32, 103, 0x100001, U32],
      index: [0, 1, 3, U32],
      size: [
        ...blaming('vfio_region_sparse_mmap_area.size', 0x3fffn, 0x2001n),
        ...blaming('vfio_region_sparse_mmap_area.offset', 0x1fffn),
        ...blaming('vfio_region_info.offset', (1n << 63n) - 1n),
        1n << 63n,
        U64,
      ],
      offset: [1n << 63n, U64, (1n << 63n) - 0x4000n],
      cap_offset: [0, 28, 33, 98, 100, 104, U32],
    },
    any: ['flags'],
  },
  {
    struct: 'vfio_region_info_cap_sparse_mmap',
    at: 32,
    ...region,
    bad: { nr_areas: [3, 0x1000_0000, U32] },
    any: ['reserved'],
    chain: CHAIN,
  },
  {
    struct: 'vfio_region_sparse_mmap_area',
    at: 32 + 16 + 16,
    ...region,
    bad: {
      offset: [...blaming('vfio_region_sparse_mmap_area.size', 0x2001n, 0x4000n), 0x4001n, U64],
      size: [0x2001n, U64],
    },
    any: [],
  },
  { struct: 'vfio_region_info_cap_type', at: 88, ...region, bad: {}, any: ['type', 'subtype'], chain: CHAIN },
  {
    struct: 'vfio_irq_info',
    reply: one('vfio_irq_info', { flags: 9, index: UAPI.VFIO_PCI_ERR_IRQ_INDEX, count: 1 }),
    read: (buffer, order) => irqInfo.decodeReply(buffer, UAPI.VFIO_PCI_ERR_IRQ_INDEX, order),
    bad: { argsz: [0, 15, 17, U32], index: [0, 2, 4, U32], count: [65_537, U32] },
    any: ['flags'],
  },
  {
    struct: 'vfio_pci_hot_reset_info',
    ...hotReset,
    bad: { argsz: [0, 12, 27, 29, U32], flags: [2, 3], count: [0, 3, 0x2000_0000, U32] },
    any: [],
  },
  {
    struct: 'vfio_pci_dependent_device',
    what: 'the second of two',
    at: 12 + 8,
    ...hotReset,
    bad: { devfn: [0xfb] },
    any: ['group_id', 'devid', 'segment', 'bus'],
  },
  {
    struct: 'vfio_device_feature',
    reply: one('vfio_device_feature', { flags: UAPI.VFIO_DEVICE_FEATURE_GET | 13 }),
    read: (buffer, order) => deviceFeature.decodeReply(buffer, 13, order),
    bad: { argsz: [0, 7, 9, U32], flags: [0, 13, UAPI.VFIO_DEVICE_FEATURE_GET, U32] },
    any: [],
  },
  {
    struct: 'vfio_device_bind_iommufd',
    reply: one('vfio_device_bind_iommufd', { iommufd: 5, out_devid: 1 }),
    read: (buffer, order) => bindIommufd.decodeReply(buffer, order),
    bad: { argsz: [0, 16, 25, U32], out_devid: [0, 0x8000_0000, U32] },
    any: ['flags', 'iommufd', 'token_uuid_ptr'],
  },
  {
    struct: 'vfio_device_attach_iommufd_pt',
    reply: one('vfio_device_attach_iommufd_pt', { pt_id: 2 }),
    read: (buffer, order) => attachIommufd.decodeReply(buffer, order),
    bad: { argsz: [0, 12, 17, U32], pt_id: [0, 0x8000_0000, U32] },
    any: ['flags', 'pasid'],
  },
];
