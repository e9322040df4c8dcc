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

const STRUCT = 'vfio_iommu_type1_info';
const RANGES = 'vfio_iommu_type1_info_cap_iova_range';
const RANGE = 'vfio_iova_range';
const MIGRATION = 'vfio_iommu_type1_info_cap_migration';
const AVAILABLE = 'vfio_iommu_type1_info_dma_avail';

const FLAGS = { pgsizes: UAPI.VFIO_IOMMU_INFO_PGSIZES, caps: UAPI.VFIO_IOMMU_INFO_CAPS } as const;

/** Where DMA addresses may lie; both ends included. */
export interface IovaRangesCapability {
  readonly kind: 'iova-ranges';
  readonly ranges: readonly { readonly start: bigint; readonly end: bigint }[];
}

/** Dirty pages can be logged. */
export interface MigrationCapability {
  readonly kind: 'migration';
  readonly flags: number;
  /** Page sizes that can be logged, one bit each. */
  readonly pageSizes: bigint;
  /** Bytes. */
  readonly maxDirtyBitmapSize: bigint;
}

/** How many more mappings are allowed. */
export interface DmaAvailable {
  readonly kind: 'dma-available';
  readonly available: number;
}

/** A capability of a type1 IOMMU. */
export type Type1Capability = IovaRangesCapability | MigrationCapability | DmaAvailable | UnknownCapability;

/** What VFIO_IOMMU_GET_INFO tells of a type1 IOMMU. */
export interface Type1Info extends Flags<typeof FLAGS> {
  /** Page sizes, one bit each; undefined when the kernel does not tell. */
  readonly pageSizes?: bigint;
  readonly capabilities: readonly Type1Capability[];
}

const RULES: readonly ReplyRule<StructValues<typeof STRUCT>>[] = [
  {
    field: 'iova_pgsizes',
    rule: 'an IOMMU that tells its page sizes has one',
    holds: ({ flags, iova_pgsizes }) => !hasFlag(flags, FLAGS.pgsizes) || iova_pgsizes !== 0n,
  },
];

function iovaRanges({ bytes }: RawCapability, order: ByteOrder): IovaRangesCapability {
  const { nr_iovas } = decodeStruct(RANGES, bytes, order);
  const start = arrayOffset(RANGES, 'iova_ranges');
  const room = Math.floor((bytes.byteLength - start) / sizeOf(RANGE));
  if (nr_iovas > room) throw kernelReply(RANGES, 'nr_iovas', nr_iovas, `only ${room} fit into the capability`);
  const ranges = Array.from({ length: nr_iovas }, (_, at) =>
    decodeStruct(RANGE, bytes, order, start + at * sizeOf(RANGE)),
  );
  for (const range of ranges) {
    if (range.end < range.start) throw kernelReply(RANGE, 'end', range.end, `the range begins at ${range.start}`);
  }
  return { kind: 'iova-ranges', ranges };
}

function migration({ bytes }: RawCapability, order: ByteOrder): MigrationCapability {
  const { flags, pgsize_bitmap, max_dirty_bitmap_size } = decodeStruct(MIGRATION, bytes, order);
  if (pgsize_bitmap === 0n) throw kernelReply(MIGRATION, 'pgsize_bitmap', 0, 'at least one page size can be logged');
  return { kind: 'migration', flags, pageSizes: pgsize_bitmap, maxDirtyBitmapSize: max_dirty_bitmap_size };
}

/** All three known capabilities have one version; others are kept whole. */
function capability(raw: RawCapability, order: ByteOrder): Type1Capability {
  if (raw.version === 1) {
    if (raw.id === UAPI.VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE) return iovaRanges(raw, order);
    if (raw.id === UAPI.VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION) return migration(raw, order);
    if (raw.id === UAPI.VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL) {
      return { kind: 'dma-available', available: decodeStruct(AVAILABLE, raw.bytes, order).avail };
    }
  }
  return { kind: 'unknown', ...raw };
}

function decodeReply(buffer: Uint8Array, order: ByteOrder = HOST_BYTE_ORDER): Reading<Type1Info> {
  const reply = decodeStruct(STRUCT, buffer, order);
  const length = infoLength(STRUCT, reply.argsz, buffer);
  checkReply(STRUCT, reply, RULES);
  if ('needed' in length) return length;
  const place = { buffer, start: sizeOf(STRUCT), order };
  const chain = capabilitiesOf(STRUCT, reply, hasFlag(reply.flags, FLAGS.caps), place);
  const capabilities = chain.map((raw) => capability(raw, order));
  const told = hasFlag(reply.flags, FLAGS.pgsizes) ? { pageSizes: reply.iova_pgsizes } : {};
  return { value: { ...readFlags(reply.flags, FLAGS), ...told, capabilities } };
}

/** @param bytes length of the buffer; at least the fixed structure */
function encodeRequest(bytes = sizeOf(STRUCT), order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
  return encodeStruct(STRUCT, { argsz: bytes }, { order, length: bytes });
}

/** VFIO_IOMMU_GET_INFO of a type1 container (drivers/vfio/vfio_iommu_type1.c:vfio_iommu_type1_get_info). */
export const type1Info = {
  request: 'VFIO_IOMMU_GET_INFO',
  /** The call's argument: `bytes` of memory, zero but for its head. */
  encodeRequest,
  /**
   * Reads what the kernel wrote into the request's buffer; `needed`: the capabilities take that many bytes.
   * @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY`
   */
  decodeReply,
  /** Asks until the capabilities fit. */
  query: (order: ByteOrder = HOST_BYTE_ORDER): Query<Type1Info> =>
    ask(
      {
        request: 'VFIO_IOMMU_GET_INFO',
        encode: (bytes) => encodeRequest(bytes, order),
        read: (buffer, result) => (result < 0 ? { errno: result } : decodeReply(buffer, order)),
      },
      sizeOf(STRUCT),
    ),
} as const;
