import { UAPI } from './abi/constants.js';
import { type ByteOrder, HOST_BYTE_ORDER } from './byte-order.js';
import { checkArgszKept } from './info-reply.js';
import { decodeStruct } from './struct/decode.js';
import { badField, encodeStruct } from './struct/encode.js';
import { kernelReply } from './struct/kernel-reply.js';
import { arrayOffset, sizeOf } from './struct/tables.js';

const STRUCT = 'vfio_device_feature';
const ZPCI = 'vfio_device_feature_zpci_err';
const DATA = arrayOffset(STRUCT, 'data');

/** Features by name; VFIO_DEVICE_FEATURE takes any other number as well. */
export const DEVICE_FEATURE = {
  pciVfToken: UAPI.VFIO_DEVICE_FEATURE_PCI_VF_TOKEN,
  migration: UAPI.VFIO_DEVICE_FEATURE_MIGRATION,
  migDeviceState: UAPI.VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
  lowPowerEntry: UAPI.VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY,
  lowPowerEntryWithWakeup: UAPI.VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP,
  lowPowerExit: UAPI.VFIO_DEVICE_FEATURE_LOW_POWER_EXIT,
  dmaLoggingStart: UAPI.VFIO_DEVICE_FEATURE_DMA_LOGGING_START,
  dmaLoggingStop: UAPI.VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP,
  dmaLoggingReport: UAPI.VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT,
  migDataSize: UAPI.VFIO_DEVICE_FEATURE_MIG_DATA_SIZE,
  busMaster: UAPI.VFIO_DEVICE_FEATURE_BUS_MASTER,
  dmaBuf: UAPI.VFIO_DEVICE_FEATURE_DMA_BUF,
  migPrecopyInfoV2: UAPI.VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2,
  zpciError: UAPI.VFIO_DEVICE_FEATURE_ZPCI_ERROR,
} as const;

/** Most bytes of a feature's data. */
export const MOST_FEATURE_BYTES = 65_536;

function message(feature: number, operation: number, data: Uint8Array, order: ByteOrder): Uint8Array {
  if (!Number.isInteger(feature) || feature < 0 || feature > UAPI.VFIO_DEVICE_FEATURE_MASK) {
    throw badField(STRUCT, 'flags', feature, `a feature is a number from 0 to ${UAPI.VFIO_DEVICE_FEATURE_MASK}`);
  }
  const length = DATA + data.byteLength;
  const buffer = encodeStruct(STRUCT, { argsz: length, flags: feature | operation }, { order, length });
  buffer.set(data, DATA);
  return buffer;
}

const room = (bytes: number): Uint8Array => {
  if (!Number.isInteger(bytes) || bytes < 0 || bytes > MOST_FEATURE_BYTES) {
    throw badField(STRUCT, 'data', bytes, `a feature has 0 to ${MOST_FEATURE_BYTES} bytes of data`);
  }
  return new Uint8Array(bytes);
};

/** Asks whether a feature, and getting or setting it, is there: 0 yes, ENOTTY no, EINVAL not that way. */
function probe(
  feature: number,
  how: { readonly get?: boolean; readonly set?: boolean } = {},
  order: ByteOrder = HOST_BYTE_ORDER,
): Uint8Array {
  const get = how.get ? UAPI.VFIO_DEVICE_FEATURE_GET : 0;
  const set = how.set ? UAPI.VFIO_DEVICE_FEATURE_SET : 0;
  return message(feature, UAPI.VFIO_DEVICE_FEATURE_PROBE | get | set, new Uint8Array(), order);
}

/** @param data what the feature wants as input, or as many zero bytes as it answers */
function get(feature: number, data: Uint8Array | number, order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
  const bytes = typeof data === 'number' ? room(data) : data;
  room(bytes.byteLength);
  return message(feature, UAPI.VFIO_DEVICE_FEATURE_GET, bytes, order);
}

function set(feature: number, data: Uint8Array, order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
  room(data.byteLength);
  return message(feature, UAPI.VFIO_DEVICE_FEATURE_SET, data, order);
}

/**
 * The data of a GET that succeeded: a view of the buffer.
 * @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY` when the header is no longer what was asked
 */
function decodeReply(buffer: Uint8Array, feature: number, order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
  const { argsz, flags } = decodeStruct(STRUCT, buffer, order);
  checkArgszKept(STRUCT, 'argsz', argsz, buffer);
  const asked = feature | UAPI.VFIO_DEVICE_FEATURE_GET;
  if (flags !== asked)
    throw kernelReply(STRUCT, 'flags', flags, `the kernel leaves it at ${asked}, which it was given`);
  return buffer.subarray(DATA);
}

/**
 * VFIO_DEVICE_FEATURE (drivers/vfio/vfio_main.c:vfio_ioctl_device_feature). The kernel writes only into the data of a GET.
 * ENOTTY: no such feature; EINVAL: not this way, or data too short.
 */
export const deviceFeature = {
  request: 'VFIO_DEVICE_FEATURE',
  /** Asks whether a feature is there. */
  probe,
  /** Asks for a feature's data. */
  get,
  /** Gives a feature its data. */
  set,
  /** The data that a GET was answered with. */
  decodeReply,
} as const;

/**
 * VFIO_DEVICE_FEATURE_ZPCI_ERROR (R2.3, R2.4; drivers/vfio/pci/vfio_pci_zdev.c:vfio_pci_zdev_feature_err): takes the
 * oldest pending error of an s390 function. The record goes into memory of the caller that the request points at, not
 * into the request. The kernel takes the record out of its queue **before** it writes: with a bad address (EFAULT) it is
 * lost. ENOMSG: none pending. ENODEV: no zPCI function; ENOTTY: no kernel of s390 (CONFIG_VFIO_PCI_ZDEV_KVM).
 */
export const zpciError = {
  request: 'VFIO_DEVICE_FEATURE',
  /** Asks whether the feature is there. */
  encodeProbe: (order: ByteOrder = HOST_BYTE_ORDER): Uint8Array =>
    probe(DEVICE_FEATURE.zpciError, { get: true }, order),
  /**
   * The call's argument.
   * @param address of at least `ccdfErrLength` bytes (of the zpci-base capability) that stay where they are until the call returns
   */
  encodeRequest(address: bigint, order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
    if (address === 0n) throw badField(ZPCI, 'data', 0n, 'it is the address of memory for the record');
    const data = encodeStruct(ZPCI, { data: address }, { order, length: sizeOf(ZPCI) });
    return get(DEVICE_FEATURE.zpciError, data, order);
  },
} as const;
