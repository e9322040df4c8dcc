import { UAPI } from './abi/constants.js';
import { type ByteOrder, HOST_BYTE_ORDER } from './byte-order.js';
import { type RawCapability, type UnknownCapability } from './capability-chain.js';
import { type Flags, hasFlag, readFlags } from './flags.js';
import { capabilitiesOf, infoLength } from './info-reply.js';
import { ask, type Query, type Reading } from './query.js';
import { decodeStruct } from './struct/decode.js';
import { encodeStruct } from './struct/encode.js';
import { checkReply, kernelReply, type ReplyRule } from './struct/kernel-reply.js';
import { arrayOffset, sizeOf, type StructValues } from './struct/tables.js';

const STRUCT = 'vfio_region_info';
const SPARSE = 'vfio_region_info_cap_sparse_mmap';
const AREA = 'vfio_region_sparse_mmap_area';
const TYPE = 'vfio_region_info_cap_type';

/** Indexes of a PCI device's fixed regions; higher ones say by a `type` capability what they are. */
export const PCI_REGION = {
  bar0: UAPI.VFIO_PCI_BAR0_REGION_INDEX,
  bar1: UAPI.VFIO_PCI_BAR1_REGION_INDEX,
  bar2: UAPI.VFIO_PCI_BAR2_REGION_INDEX,
  bar3: UAPI.VFIO_PCI_BAR3_REGION_INDEX,
  bar4: UAPI.VFIO_PCI_BAR4_REGION_INDEX,
  bar5: UAPI.VFIO_PCI_BAR5_REGION_INDEX,
  rom: UAPI.VFIO_PCI_ROM_REGION_INDEX,
  config: UAPI.VFIO_PCI_CONFIG_REGION_INDEX,
  vga: UAPI.VFIO_PCI_VGA_REGION_INDEX,
} as const;

const FLAGS = {
  read: UAPI.VFIO_REGION_INFO_FLAG_READ,
  write: UAPI.VFIO_REGION_INFO_FLAG_WRITE,
  mmap: UAPI.VFIO_REGION_INFO_FLAG_MMAP,
  caps: UAPI.VFIO_REGION_INFO_FLAG_CAPS,
} as const;

/** A part of a region that can be mapped. Bytes, relative to the region. */
export interface MmapArea {
  readonly offset: bigint;
  readonly size: bigint;
}

/** Only these parts of the region can be mapped. */
export interface SparseMmap {
  readonly kind: 'sparse-mmap';
  readonly areas: readonly MmapArea[];
}

/** What a device-specific region is: `vendor` is there when `type` belongs to a PCI vendor. */
export interface RegionType {
  readonly kind: 'type';
  readonly type: number;
  readonly subtype: number;
  /** PCI vendor id. */
  readonly vendor?: number;
}

/** The MSI-X table may be mapped with its BAR: the only way to see it (R5.4). */
export interface MsixMappable {
  readonly kind: 'msix-mappable';
}

/** A capability of a region. */
export type RegionCapability = SparseMmap | RegionType | MsixMappable | UnknownCapability;

/** What VFIO_DEVICE_GET_REGION_INFO tells. A size of 0: the region is not implemented. */
export interface RegionInfo extends Flags<typeof FLAGS> {
  readonly index: number;
  /** Bytes. */
  readonly size: bigint;
  /** Where the region begins in the device's descriptor, in bytes. */
  readonly offset: bigint;
  readonly capabilities: readonly RegionCapability[];
}

/** Offsets of a file are signed 64-bit numbers. */
const MOST_OFFSET = (1n << 63n) - 1n;

const rules = (index: number): readonly ReplyRule<StructValues<typeof STRUCT>>[] => [
  { field: 'index', rule: `region ${index} was asked for`, holds: (info) => info.index === index },
  { field: 'size', rule: 'a file holds less than 2^63 bytes', holds: ({ size }) => size <= MOST_OFFSET },
  {
    field: 'offset',
    rule: 'the region ends below 2^63',
    holds: ({ offset, size }) => offset + size <= MOST_OFFSET,
  },
];

function sparseMmap({ bytes }: RawCapability, regionSize: bigint, order: ByteOrder): SparseMmap {
  const { nr_areas } = decodeStruct(SPARSE, bytes, order);
  const start = arrayOffset(SPARSE, 'areas');
  const room = Math.floor((bytes.byteLength - start) / sizeOf(AREA));
  if (nr_areas > room) throw kernelReply(SPARSE, 'nr_areas', nr_areas, `only ${room} fit into the capability`);
  const areas = Array.from({ length: nr_areas }, (_, at) =>
    decodeStruct(AREA, bytes, order, start + at * sizeOf(AREA)),
  );
  for (const { offset, size } of areas) {
    if (offset > regionSize) throw kernelReply(AREA, 'offset', offset, `the region has ${regionSize} bytes`);
    if (offset + size > regionSize) throw kernelReply(AREA, 'size', size, `the region has ${regionSize} bytes`);
  }
  return { kind: 'sparse-mmap', areas };
}

function regionType({ bytes }: RawCapability, order: ByteOrder): RegionType {
  const { type, subtype } = decodeStruct(TYPE, bytes, order);
  const vendor = hasFlag(type, UAPI.VFIO_REGION_TYPE_PCI_VENDOR_TYPE)
    ? { vendor: type & UAPI.VFIO_REGION_TYPE_PCI_VENDOR_MASK }
    : {};
  return { kind: 'type', type, subtype, ...vendor };
}

/** All three known capabilities have one version; others are kept whole. */
function capability(raw: RawCapability, regionSize: bigint, order: ByteOrder): RegionCapability {
  if (raw.version === 1) {
    if (raw.id === UAPI.VFIO_REGION_INFO_CAP_SPARSE_MMAP) return sparseMmap(raw, regionSize, order);
    if (raw.id === UAPI.VFIO_REGION_INFO_CAP_TYPE) return regionType(raw, order);
    if (raw.id === UAPI.VFIO_REGION_INFO_CAP_MSIX_MAPPABLE) return { kind: 'msix-mappable' };
  }
  return { kind: 'unknown', ...raw };
}

function decodeReply(buffer: Uint8Array, index: number, order: ByteOrder = HOST_BYTE_ORDER): Reading<RegionInfo> {
  const reply = decodeStruct(STRUCT, buffer, order);
  const length = infoLength(STRUCT, reply.argsz, buffer);
  checkReply(STRUCT, reply, rules(index));
  if ('needed' in length) return length;
  const place = { buffer, start: sizeOf(STRUCT), order };
  const chain = capabilitiesOf(STRUCT, reply, hasFlag(reply.flags, FLAGS.caps), place);
  return {
    value: {
      ...readFlags(reply.flags, FLAGS),
      index,
      size: reply.size,
      offset: reply.offset,
      capabilities: chain.map((raw) => capability(raw, reply.size, order)),
    },
  };
}

/** @param bytes length of the buffer; at least the fixed structure */
function encodeRequest(index: number, bytes = sizeOf(STRUCT), order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
  return encodeStruct(STRUCT, { argsz: bytes, index }, { order, length: bytes });
}

/**
 * VFIO_DEVICE_GET_REGION_INFO: size, place and abilities of one region
 * (drivers/vfio/vfio_main.c, drivers/vfio/pci/vfio_pci_core.c:vfio_pci_ioctl_get_region_info). EINVAL: no such index.
 */
export const regionInfo = {
  request: 'VFIO_DEVICE_GET_REGION_INFO',
  /** The call's argument: `bytes` of memory, zero but for its head. */
  encodeRequest,
  /**
   * Reads what the kernel wrote into the request's buffer; `needed`: the capabilities take that many bytes.
   * @param index the region that was asked for
   * @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY`
   */
  decodeReply,
  /** Asks until the capabilities fit. */
  query: (index: number, order: ByteOrder = HOST_BYTE_ORDER): Query<RegionInfo> =>
    ask(
      {
        request: 'VFIO_DEVICE_GET_REGION_INFO',
        encode: (bytes) => encodeRequest(index, bytes, order),
        read: (buffer, result) => (result < 0 ? { errno: result } : decodeReply(buffer, index, order)),
      },
      sizeOf(STRUCT),
    ),
} as const;
