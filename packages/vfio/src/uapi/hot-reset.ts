import { type Bdf, formatBdf } from '@pci-recovery/core';
import { UAPI } from './abi/constants.js';
import { type ByteOrder, HOST_BYTE_ORDER } from './byte-order.js';
import { hasFlag } from './flags.js';
import { checkArgszKept } from './info-reply.js';
import { ask, type Query, type Reading } from './query.js';
import { decodeStruct, viewOf } from './struct/decode.js';
import { badField, checkFd, encodeStruct } from './struct/encode.js';
import { checkReply, kernelReply, type ReplyRule } from './struct/kernel-reply.js';
import { arrayOffset, sizeOf, type StructValues } from './struct/tables.js';

const INFO = 'vfio_pci_hot_reset_info';
const DEVICE = 'vfio_pci_dependent_device';
const RESET = 'vfio_pci_hot_reset';
const DEVICES = arrayOffset(INFO, 'devices');
const FDS = arrayOffset(RESET, 'group_fds');

/** errno numbers of Linux on all four architectures. */
const ENOSPC = -28;
const EAGAIN = -11;

/** A domain has 256 buses of 256 functions. */
export const MOST_FUNCTIONS = 65_536;

/**
 * Who owns an affected function, seen from the device that was asked (R4.2): `id`: this iommufd holds it; `group`: its IOMMU
 * group belongs to this iommufd; `not`: neither, so it stands in the way of the reset.
 */
export type Ownership =
  { readonly owned: 'id'; readonly devid: number } | { readonly owned: 'group' } | { readonly owned: 'not' };

/** A function that a hot reset touches. Domains above 0xffff (VMD) are cut to 16 bits by the interface itself. */
export type AffectedFunction = { readonly bdf: Bdf } & (
  | { readonly mode: 'group'; /** Number of its IOMMU group: own this group. */ readonly group: number }
  | ({ readonly mode: 'cdev' } & Ownership)
);

/** What VFIO_DEVICE_GET_PCI_HOT_RESET_INFO tells. */
export interface HotResetInfo {
  /** How the device was opened: it decides how {@link hotReset} proves ownership. */
  readonly mode: 'group' | 'cdev';
  /** Cdev: the kernel says that all functions are owned. Group: undefined, since group descriptors prove it. */
  readonly owned?: boolean;
  readonly functions: readonly AffectedFunction[];
}

type Header = StructValues<typeof INFO>;

const roomIn = (buffer: Uint8Array): number => Math.floor((buffer.byteLength - DEVICES) / sizeOf(DEVICE));
const bytesFor = (functions: number): number => DEVICES + functions * sizeOf(DEVICE);
const isCdev = ({ flags }: Header): boolean => hasFlag(flags, UAPI.VFIO_PCI_HOT_RESET_FLAG_DEV_ID);
const isOwned = ({ flags }: Header): boolean => hasFlag(flags, UAPI.VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED);

const REPLY_RULES = (room: number): readonly ReplyRule<Header>[] => [
  {
    field: 'flags',
    rule: 'DEV_ID_OWNED comes only with DEV_ID',
    holds: (header) => !isOwned(header) || isCdev(header),
  },
  { field: 'count', rule: 'a hot reset touches at least the device itself', holds: ({ count }) => count >= 1 },
  { field: 'count', rule: `only ${room} fit into the reply`, holds: ({ count }) => count <= room },
];

const SHORT_RULES = (room: number): readonly ReplyRule<Header>[] => [
  { field: 'count', rule: `${room} would have fitted`, holds: ({ count }) => count > room },
  { field: 'count', rule: `a domain has ${MOST_FUNCTIONS} functions`, holds: ({ count }) => count <= MOST_FUNCTIONS },
];

function ownership(devid: number): Ownership {
  if (devid === UAPI.VFIO_PCI_DEVID_NOT_OWNED) return { owned: 'not' };
  return devid === UAPI.VFIO_PCI_DEVID_OWNED ? { owned: 'group' } : { owned: 'id', devid };
}

function affected(buffer: Uint8Array, at: number, cdev: boolean, order: ByteOrder): AffectedFunction {
  const device = decodeStruct(DEVICE, buffer, order, DEVICES + at * sizeOf(DEVICE));
  const { segment: domain, bus, devfn } = device;
  const bdf = formatBdf({ domain, bus, device: devfn >> 3, function: devfn & 7 });
  return cdev ? { bdf, mode: 'cdev', ...ownership(device.devid) } : { bdf, mode: 'group', group: device.group_id };
}

function checkFunctions(functions: readonly AffectedFunction[], owned: boolean): void {
  const seen = new Set<Bdf>();
  for (const each of functions) {
    if (seen.has(each.bdf)) throw kernelReply(DEVICE, 'devfn', each.bdf, 'each function is listed once');
    seen.add(each.bdf);
    if (owned && each.mode === 'cdev' && each.owned === 'not') {
      throw kernelReply(INFO, 'flags', 'DEV_ID_OWNED', `${each.bdf} is listed as not owned`);
    }
  }
}

function readInfo(buffer: Uint8Array, header: Header, order: ByteOrder): HotResetInfo {
  checkReply(INFO, header, REPLY_RULES(roomIn(buffer)));
  const cdev = isCdev(header);
  const functions = Array.from({ length: header.count }, (_, at) => affected(buffer, at, cdev, order));
  checkFunctions(functions, isOwned(header));
  return cdev ? { mode: 'cdev', owned: isOwned(header), functions } : { mode: 'group', functions };
}

function decodeReply(buffer: Uint8Array, result: number, order: ByteOrder = HOST_BYTE_ORDER): Reading<HotResetInfo> {
  if (result === EAGAIN) return { again: true };
  if (result < 0 && result !== ENOSPC) return { errno: result };
  const header = decodeStruct(INFO, buffer, order);
  checkArgszKept(INFO, 'argsz', header.argsz, buffer);
  if (result >= 0) return { value: readInfo(buffer, header, order) };
  checkReply(INFO, header, SHORT_RULES(roomIn(buffer)));
  return { needed: bytesFor(header.count) };
}

/** @param bytes length of the buffer */
function encodeInfoRequest(bytes = sizeOf(INFO), order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
  return encodeStruct(INFO, { argsz: bytes }, { order, length: bytes });
}

/**
 * VFIO_DEVICE_GET_PCI_HOT_RESET_INFO: whom a hot reset would touch (R4.1;
 * drivers/vfio/pci/vfio_pci_core.c:vfio_pci_ioctl_get_pci_hot_reset_info). ENODEV: no hot reset is possible.
 */
export const hotResetInfo = {
  request: 'VFIO_DEVICE_GET_PCI_HOT_RESET_INFO',
  /** The call's argument: `bytes` of memory, zero but for its head. */
  encodeRequest: encodeInfoRequest,
  /**
   * Reads a reply together with the call's result: ENOSPC says how many bytes are needed; EAGAIN that devices came or
   * went in between.
   * @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY`
   */
  decodeReply,
  /** Asks with room for one function, then for as many as there are; they may grow in number in between. */
  query: (order: ByteOrder = HOST_BYTE_ORDER): Query<HotResetInfo> =>
    ask(
      {
        request: 'VFIO_DEVICE_GET_PCI_HOT_RESET_INFO',
        encode: (bytes) => encodeInfoRequest(bytes, order),
        read: (buffer, result) => decodeReply(buffer, result, order),
      },
      bytesFor(1),
    ),
} as const;

/** Group mode: descriptors of all groups that the reset touches prove that they are owned (R4.2). */
function byGroups(groupFds: readonly number[], order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
  if (groupFds.length === 0)
    throw badField(RESET, 'count', 0, 'group mode gives the descriptors of all affected groups');
  if (groupFds.length > MOST_FUNCTIONS) throw badField(RESET, 'count', groupFds.length, `at most ${MOST_FUNCTIONS}`);
  groupFds.forEach((fd) => checkFd(RESET, 'group_fds', fd, 0));
  const length = FDS + 4 * groupFds.length;
  const buffer = encodeStruct(RESET, { argsz: length, count: groupFds.length }, { order, length });
  const view = viewOf(buffer);
  groupFds.forEach((fd, at) => view.setInt32(FDS + 4 * at, fd, order === 'LE'));
  return buffer;
}

/** Cdev mode: an array of length zero; the kernel looks at its own list of owned devices. */
const byDeviceIds = (order: ByteOrder = HOST_BYTE_ORDER): Uint8Array =>
  encodeStruct(RESET, { argsz: sizeOf(RESET) }, { order });

/**
 * VFIO_DEVICE_PCI_HOT_RESET (vfio_pci_ioctl_pci_hot_reset): EINVAL when not every affected function is proven to be owned, or
 * when the form does not fit the way the device was opened; EBUSY: others are in the way just now; ENODEV: not possible here.
 */
export const hotReset = {
  request: 'VFIO_DEVICE_PCI_HOT_RESET',
  /** The argument in group mode. */
  byGroups,
  /** The argument in cdev mode. */
  byDeviceIds,
} as const;
