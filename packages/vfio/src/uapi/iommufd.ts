import { UAPI } from './abi/constants.js';
import { type ByteOrder, HOST_BYTE_ORDER } from './byte-order.js';
import { checkArgszKept } from './info-reply.js';
import { decodeStruct } from './struct/decode.js';
import { checkFd, encodeStruct } from './struct/encode.js';
import { kernelReply } from './struct/kernel-reply.js';
import { sizeOf } from './struct/tables.js';

const BIND = 'vfio_device_bind_iommufd';
const ATTACH = 'vfio_device_attach_iommufd_pt';
const DETACH = 'vfio_device_detach_iommufd_pt';

/** Objects of an iommufd are numbered from 1 (drivers/iommu/iommufd/main.c:_iommufd_object_alloc). */
export function checkObjectId(struct: string, field: string, id: number): number {
  if (id === 0 || id > 0x7fff_ffff)
    throw kernelReply(struct, field, id, 'objects of an iommufd have numbers from 1 to 2^31 − 1');
  return id;
}

/**
 * VFIO_DEVICE_BIND_IOMMUFD: the first call on a device's cdev; before it, no other works
 * (drivers/vfio/device_cdev.c:vfio_df_ioctl_bind_iommufd). Undone by closing the device.
 */
export const bindIommufd = {
  request: 'VFIO_DEVICE_BIND_IOMMUFD',
  /**
   * The call's argument.
   * @param tokenAddress of the 16 bytes of a VF token, where the physical function wants one; older kernels refuse it
   */
  encodeRequest(iommufd: number, tokenAddress?: bigint, order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
    checkFd(BIND, 'iommufd', iommufd, 0);
    const token =
      tokenAddress === undefined ? {} : { flags: UAPI.VFIO_DEVICE_BIND_FLAG_TOKEN, token_uuid_ptr: tokenAddress };
    return encodeStruct(BIND, { argsz: sizeOf(BIND), iommufd, ...token }, { order });
  },
  /**
   * The device's number within the iommufd: `devid` of hot-reset infos.
   * @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY`
   */
  decodeReply(buffer: Uint8Array, order: ByteOrder = HOST_BYTE_ORDER): number {
    const { argsz, out_devid } = decodeStruct(BIND, buffer, order);
    checkArgszKept(BIND, 'argsz', argsz, buffer);
    return checkObjectId(BIND, 'out_devid', out_devid);
  },
} as const;

/** VFIO_DEVICE_ATTACH_IOMMUFD_PT: gives the device an address space. EBUSY while it, or a sibling in its group, is being reset. */
export const attachIommufd = {
  request: 'VFIO_DEVICE_ATTACH_IOMMUFD_PT',
  /**
   * The call's argument.
   * @param ptId number of an IOAS or a hardware page table
   */
  encodeRequest(ptId: number, pasid?: number, order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
    const only = pasid === undefined ? {} : { flags: UAPI.VFIO_DEVICE_ATTACH_PASID, pasid };
    return encodeStruct(ATTACH, { argsz: sizeOf(ATTACH), pt_id: ptId, ...only }, { order });
  },
  /**
   * The number of what it was attached to: the IOAS, or a page table that the kernel made for it.
   * @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY`
   */
  decodeReply(buffer: Uint8Array, order: ByteOrder = HOST_BYTE_ORDER): number {
    const { argsz, pt_id } = decodeStruct(ATTACH, buffer, order);
    checkArgszKept(ATTACH, 'argsz', argsz, buffer);
    return checkObjectId(ATTACH, 'pt_id', pt_id);
  },
} as const;

/** VFIO_DEVICE_DETACH_IOMMUFD_PT: the device's DMA is blocked after it. The kernel writes nothing back. */
export const detachIommufd = {
  request: 'VFIO_DEVICE_DETACH_IOMMUFD_PT',
  /** The call's argument. */
  encodeRequest(pasid?: number, order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
    const only = pasid === undefined ? {} : { flags: UAPI.VFIO_DEVICE_DETACH_PASID, pasid };
    return encodeStruct(DETACH, { argsz: sizeOf(DETACH), ...only }, { order });
  },
} as const;
