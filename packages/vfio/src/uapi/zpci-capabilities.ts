import { UAPI } from './abi/constants.js';
import { type ByteOrder } from './byte-order.js';
import { type RawCapability } from './capability-chain.js';
import { decodeEbcdic } from './ebcdic.js';
import { hasFlag } from './flags.js';
import { decodeStruct } from './struct/decode.js';
import { checkReply, kernelReply, type ReplyRule } from './struct/kernel-reply.js';
import { arrayOffset, endOf, type StructValues } from './struct/tables.js';

const BASE = 'vfio_device_info_cap_zpci_base';
const GROUP = 'vfio_device_info_cap_zpci_group';

/**
 * A PCI function of IBM Z (R2.4). Source: Linux 7.3 include/uapi/linux/vfio_zdev.h, drivers/vfio/pci/vfio_pci_zdev.c:zpci_base_cap.
 */
export interface ZpciBase {
  readonly kind: 'zpci-base';
  /** 1 to 3 are known; a newer version appends fields, so it is read as version 3. */
  readonly version: number;
  /** First and last usable DMA address. */
  readonly startDma: bigint;
  readonly endDma: bigint;
  /** Physical channel id. */
  readonly pchid: number;
  /** Virtual function number. */
  readonly vfn: number;
  /** Function measurement block, in bytes. */
  readonly fmbLength: number;
  /** Function type. */
  readonly pft: number;
  /** Function group id. */
  readonly gid: number;
  /** Function handle; from version 2. */
  readonly fh?: number;
  /** Bytes that VFIO_DEVICE_FEATURE_ZPCI_ERROR writes for each error; from version 3 (R2.4). */
  readonly ccdfErrLength?: number;
}

/** A function group of IBM Z. Source: as {@link ZpciBase}, zpci_group_cap. */
export interface ZpciGroup {
  readonly kind: 'zpci-group';
  /** 1 and 2 are known; a newer version is read as version 2. */
  readonly version: number;
  /** DMA address space mask. */
  readonly dasm: bigint;
  /** Address that MSIs are written to. */
  readonly msiAddr: bigint;
  /** Program-specified TLB refresh is on. */
  readonly refresh: boolean;
  /** Measurement block update interval, in milliseconds. */
  readonly mui: number;
  /** Most MSIs. */
  readonly noi: number;
  /** Longest store block, in bytes. */
  readonly maxstbl: number;
  /** Supported PCI version, as firmware numbers it. */
  readonly pciVersion: number;
  /** Longest interpreted store block, in bytes; from version 2. */
  readonly imaxstbl?: number;
}

/** The utility string: an identifier that the operator gave the device. */
export interface ZpciUtil {
  readonly kind: 'zpci-util';
  readonly version: number;
  readonly text: string;
  /** As firmware stores it: EBCDIC, padded. */
  readonly raw: Uint8Array;
}

/** The function path: where in the machine the device sits, one byte for each segment. */
export interface ZpciPfip {
  readonly kind: 'zpci-pfip';
  readonly version: number;
  readonly segments: readonly number[];
}

/** The least and the most bytes of an error record: the kernel always writes all 32 of struct zpci_ccdf_err. */
export const CCDF_ERR_LENGTHS = { least: 32, most: 4096 } as const;

const BASE_RULES: readonly ReplyRule<StructValues<typeof BASE>>[] = [
  { field: 'header.version', rule: 'versions begin with 1', holds: (base) => base['header.version'] >= 1 },
  { field: 'end_dma', rule: 'it is not below start_dma', holds: (base) => base.end_dma >= base.start_dma },
  {
    field: 'ccdf_err_length',
    rule: `an error record has ${CCDF_ERR_LENGTHS.least} to ${CCDF_ERR_LENGTHS.most} bytes`,
    holds: ({ 'header.version': version, ccdf_err_length: length }) =>
      version < 3 || (length >= CCDF_ERR_LENGTHS.least && length <= CCDF_ERR_LENGTHS.most),
  },
];

const BASE_ENDS = [endOf(BASE, 'gid'), endOf(BASE, 'fh'), endOf(BASE, 'ccdf_err_length')] as const;

/** How long a capability of a version is at least; versions append fields. */
const leastLength = (ends: readonly number[], version: number): number =>
  ends[Math.min(Math.max(version, 1), ends.length) - 1]!;

/** @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY` */
export function zpciBase({ bytes, version }: RawCapability, order: ByteOrder): ZpciBase {
  const base = decodeStruct(BASE, bytes, order, 0, leastLength(BASE_ENDS, version));
  checkReply(BASE, base, BASE_RULES);
  return {
    kind: 'zpci-base',
    version,
    startDma: base.start_dma,
    endDma: base.end_dma,
    pchid: base.pchid,
    vfn: base.vfn,
    fmbLength: base.fmb_length,
    pft: base.pft,
    gid: base.gid,
    ...(version >= 2 && { fh: base.fh }),
    ...(version >= 3 && { ccdfErrLength: base.ccdf_err_length }),
  };
}

const GROUP_ENDS = [endOf(GROUP, 'version'), endOf(GROUP, 'imaxstbl')] as const;

/** @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY` */
export function zpciGroup({ bytes, version }: RawCapability, order: ByteOrder): ZpciGroup {
  const group = decodeStruct(GROUP, bytes, order, 0, leastLength(GROUP_ENDS, version));
  if (version < 1) throw kernelReply(GROUP, 'header.version', version, 'versions begin with 1');
  return {
    kind: 'zpci-group',
    version,
    dasm: group.dasm,
    msiAddr: group.msi_addr,
    refresh: hasFlag(Number(group.flags & 0xffff_ffffn), UAPI.VFIO_DEVICE_INFO_ZPCI_FLAG_REFRESH),
    mui: group.mui,
    noi: group.noi,
    maxstbl: group.maxstbl,
    pciVersion: group.version,
    ...(version >= 2 && { imaxstbl: group.imaxstbl }),
  };
}

/** The bytes that a capability counts in `size`. */
function counted(
  struct: 'vfio_device_info_cap_zpci_util' | 'vfio_device_info_cap_zpci_pfip',
  start: number,
  { bytes }: RawCapability,
  order: ByteOrder,
): Uint8Array {
  const { size } = decodeStruct(struct, bytes, order);
  const room = bytes.byteLength - start;
  if (size > room) throw kernelReply(struct, 'size', size, `only ${room} bytes are left in the capability`);
  return new Uint8Array(bytes.subarray(start, start + size));
}

/** @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY` */
export function zpciUtil(capability: RawCapability, order: ByteOrder): ZpciUtil {
  const struct = 'vfio_device_info_cap_zpci_util';
  const raw = counted(struct, arrayOffset(struct, 'util_str'), capability, order);
  return { kind: 'zpci-util', version: capability.version, text: decodeEbcdic(raw), raw };
}

/** @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY` */
export function zpciPfip(capability: RawCapability, order: ByteOrder): ZpciPfip {
  const struct = 'vfio_device_info_cap_zpci_pfip';
  const segments = [...counted(struct, arrayOffset(struct, 'pfip'), capability, order)];
  return { kind: 'zpci-pfip', version: capability.version, segments };
}
