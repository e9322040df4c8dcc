import { UAPI } from './abi/constants.js';
import { type ByteOrder, HOST_BYTE_ORDER } from './byte-order.js';
import { type RawCapability, type UnknownCapability } from './capability-chain.js';
import { type Flags, hasFlag, readFlags } from './flags.js';
import { capabilitiesOf, infoLength } from './info-reply.js';
import { ask, type Query, type Reading } from './query.js';
import { decodeStruct } from './struct/decode.js';
import { encodeStruct } from './struct/encode.js';
import { checkReply, type ReplyRule } from './struct/kernel-reply.js';
import { sizeOf, type StructValues } from './struct/tables.js';
import {
  type ZpciBase,
  zpciBase,
  type ZpciGroup,
  zpciGroup,
  type ZpciPfip,
  zpciPfip,
  type ZpciUtil,
  zpciUtil,
} from './zpci-capabilities.js';

const STRUCT = 'vfio_device_info';
const ATOMIC = 'vfio_device_info_cap_pci_atomic_comp';

const FLAGS = {
  reset: UAPI.VFIO_DEVICE_FLAGS_RESET,
  pci: UAPI.VFIO_DEVICE_FLAGS_PCI,
  platform: UAPI.VFIO_DEVICE_FLAGS_PLATFORM,
  amba: UAPI.VFIO_DEVICE_FLAGS_AMBA,
  ccw: UAPI.VFIO_DEVICE_FLAGS_CCW,
  ap: UAPI.VFIO_DEVICE_FLAGS_AP,
  fslMc: UAPI.VFIO_DEVICE_FLAGS_FSL_MC,
  caps: UAPI.VFIO_DEVICE_FLAGS_CAPS,
  cdx: UAPI.VFIO_DEVICE_FLAGS_CDX,
} as const;

/** AtomicOps that the root complex completes, in bits of their operands. */
export interface AtomicCompleter {
  readonly kind: 'pci-atomic-comp';
  readonly version: number;
  readonly widths: readonly (32 | 64 | 128)[];
}

/** A capability of a device. */
export type DeviceCapability = ZpciBase | ZpciGroup | ZpciUtil | ZpciPfip | AtomicCompleter | UnknownCapability;

/** What VFIO_DEVICE_GET_INFO tells. Flag `reset`: VFIO_DEVICE_RESET can work. */
export interface DeviceInfo extends Flags<typeof FLAGS> {
  /** Region indexes are below this. */
  readonly regions: number;
  /** Interrupt indexes are below this. */
  readonly irqs: number;
  readonly capabilities: readonly DeviceCapability[];
}

/** No device has more regions or interrupt indexes than this; a larger count would be followed for ever. */
export const MOST_INDEXES = 65_536;

const RULES: readonly ReplyRule<StructValues<typeof STRUCT>>[] = [
  { field: 'num_regions', rule: `at most ${MOST_INDEXES}`, holds: ({ num_regions }) => num_regions <= MOST_INDEXES },
  { field: 'num_irqs', rule: `at most ${MOST_INDEXES}`, holds: ({ num_irqs }) => num_irqs <= MOST_INDEXES },
];

function atomicCompleter({ bytes, version }: RawCapability, order: ByteOrder): AtomicCompleter {
  const { flags } = decodeStruct(ATOMIC, bytes, order);
  const bits = [
    [32, UAPI.VFIO_PCI_ATOMIC_COMP32],
    [64, UAPI.VFIO_PCI_ATOMIC_COMP64],
    [128, UAPI.VFIO_PCI_ATOMIC_COMP128],
  ] as const;
  return {
    kind: 'pci-atomic-comp',
    version,
    widths: bits.filter(([, bit]) => hasFlag(flags, bit)).map(([width]) => width),
  };
}

/** Layouts of one version only: another version is kept whole. */
const ONLY_VERSION_1 = new Set<number>([
  UAPI.VFIO_DEVICE_INFO_CAP_ZPCI_UTIL,
  UAPI.VFIO_DEVICE_INFO_CAP_ZPCI_PFIP,
  UAPI.VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP,
]);

function capability(raw: RawCapability, order: ByteOrder): DeviceCapability {
  const unknown: UnknownCapability = { kind: 'unknown', ...raw };
  if (ONLY_VERSION_1.has(raw.id) && raw.version !== 1) return unknown;
  if (raw.id === UAPI.VFIO_DEVICE_INFO_CAP_ZPCI_BASE) return zpciBase(raw, order);
  if (raw.id === UAPI.VFIO_DEVICE_INFO_CAP_ZPCI_GROUP) return zpciGroup(raw, order);
  if (raw.id === UAPI.VFIO_DEVICE_INFO_CAP_ZPCI_UTIL) return zpciUtil(raw, order);
  if (raw.id === UAPI.VFIO_DEVICE_INFO_CAP_ZPCI_PFIP) return zpciPfip(raw, order);
  if (raw.id === UAPI.VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP) return atomicCompleter(raw, order);
  return unknown;
}

function decodeReply(buffer: Uint8Array, order: ByteOrder = HOST_BYTE_ORDER): Reading<DeviceInfo> {
  const reply = decodeStruct(STRUCT, buffer, order);
  const length = infoLength(STRUCT, reply.argsz, buffer);
  checkReply(STRUCT, reply, RULES);
  if ('needed' in length) return length;
  const place = { buffer, start: sizeOf(STRUCT), order };
  const chain = capabilitiesOf(STRUCT, reply, hasFlag(reply.flags, FLAGS.caps), place);
  return {
    value: {
      ...readFlags(reply.flags, FLAGS),
      regions: reply.num_regions,
      irqs: reply.num_irqs,
      capabilities: chain.map((raw) => capability(raw, order)),
    },
  };
}

/** @param bytes length of the buffer; at least the fixed structure */
function encodeRequest(bytes = sizeOf(STRUCT), order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
  return encodeStruct(STRUCT, { argsz: bytes }, { order, length: bytes });
}

/**
 * VFIO_DEVICE_GET_INFO: what a device is, and its capabilities (drivers/vfio/pci/vfio_pci_core.c:vfio_pci_ioctl_get_info).
 */
export const deviceInfo = {
  request: 'VFIO_DEVICE_GET_INFO',
  /** The call's argument: `bytes` of memory, zero but for its head. */
  encodeRequest,
  /**
   * Reads what the kernel wrote into the request's buffer; `needed`: the capabilities take that many bytes.
   * @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY`
   */
  decodeReply,
  /** Asks until the capabilities fit. */
  query: (order: ByteOrder = HOST_BYTE_ORDER): Query<DeviceInfo> =>
    ask(
      {
        request: 'VFIO_DEVICE_GET_INFO',
        encode: (bytes) => encodeRequest(bytes, order),
        read: (buffer, result) => (result < 0 ? { errno: result } : decodeReply(buffer, order)),
      },
      sizeOf(STRUCT),
    ),
} as const;
