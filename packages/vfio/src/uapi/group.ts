import { UAPI } from './abi/constants.js';
import { type ByteOrder, HOST_BYTE_ORDER } from './byte-order.js';
import { type Flags, readFlags } from './flags.js';
import { checkArgszKept } from './info-reply.js';
import { decodeStruct } from './struct/decode.js';
import { badField, checkFd, encodeStruct } from './struct/encode.js';
import { sizeOf } from './struct/tables.js';

const STATUS = 'vfio_group_status';

const FLAGS = {
  /** No device of the group is bound to another driver. */
  viable: UAPI.VFIO_GROUP_FLAGS_VIABLE,
  containerSet: UAPI.VFIO_GROUP_FLAGS_CONTAINER_SET,
} as const;

/** What VFIO_GROUP_GET_STATUS tells. */
export type GroupStatus = Flags<typeof FLAGS>;

/** VFIO_GROUP_GET_STATUS (drivers/vfio/group.c:vfio_group_ioctl_get_status). */
export const groupStatus = {
  request: 'VFIO_GROUP_GET_STATUS',
  /** The call's argument. */
  encodeRequest: (order: ByteOrder = HOST_BYTE_ORDER): Uint8Array =>
    encodeStruct(STATUS, { argsz: sizeOf(STATUS) }, { order }),
  /** @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY` */
  decodeReply(buffer: Uint8Array, order: ByteOrder = HOST_BYTE_ORDER): GroupStatus {
    const { argsz, flags } = decodeStruct(STATUS, buffer, order);
    checkArgszKept(STATUS, 'argsz', argsz, buffer);
    return readFlags(flags, FLAGS);
  },
} as const;

/** VFIO_GROUP_SET_CONTAINER: takes the address of a descriptor, of a container or of an iommufd. */
export const setContainer = {
  request: 'VFIO_GROUP_SET_CONTAINER',
  /** The call's argument. */
  encodeRequest(containerFd: number, order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
    checkFd('ioctl', 'VFIO_GROUP_SET_CONTAINER', containerFd, 0);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setInt32(0, containerFd, order === 'LE');
    return bytes;
  },
} as const;

/** VFIO_GROUP_UNSET_CONTAINER: no argument. EBUSY while device descriptors of the group are open. */
export const unsetContainer = { request: 'VFIO_GROUP_UNSET_CONTAINER', argument: undefined } as const;

/** The kernel reads at most a page (drivers/vfio/group.c:vfio_group_ioctl_get_device_fd), which has at least 4 KiB. */
const MOST_NAME = 4095;

/**
 * VFIO_GROUP_GET_DEVICE_FD: takes a device's name, as in the group's `devices` folder of sysfs: a PCI address; a virtual
 * function may want ` vf_token=<uuid>` behind it. The result is a descriptor that the caller owns.
 */
export const getDeviceFd = {
  request: 'VFIO_GROUP_GET_DEVICE_FD',
  /** The call's argument. */
  encodeRequest(name: string): Uint8Array {
    const printable = /^[\x21-\x7e][\x20-\x7e]*$/.test(name);
    if (!printable || name.length > MOST_NAME) {
      throw badField(
        'ioctl',
        'VFIO_GROUP_GET_DEVICE_FD',
        name,
        `a name has 1 to ${MOST_NAME} printable ASCII characters`,
      );
    }
    return Uint8Array.from([...name, '\0'], (character) => character.charCodeAt(0));
  },
} as const;
