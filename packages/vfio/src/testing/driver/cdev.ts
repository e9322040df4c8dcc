import { UAPI } from '../../uapi/abi/constants.js';
import { endOf, sizeOf } from '../../uapi/struct/tables.js';
import { type Caller } from '../kernel/open-file.js';
import { errno, notPlayed } from '../kernel/outcome.js';
import { type VfioContext } from './context.js';
import { type VfioDevice } from './device.js';
import { type DeviceFile } from './device-file.js';
import { IommufdContext } from './iommufd-context.js';
import { copyIn, copyOut, onlyBits } from './structs.js';

const BIND = 'vfio_device_bind_iommufd';
const ATTACH = 'vfio_device_attach_iommufd_pt';
const DETACH = 'vfio_device_detach_iommufd_pt';

/**
 * VFIO_DEVICE_BIND_IOMMUFD (drivers/vfio/device_cdev.c:vfio_df_ioctl_bind_iommufd): only for descriptors of device nodes, once;
 * EBUSY while the group is open; EBADF, EBADFD for what is no iommufd; EPERM when somebody else owns the group's DMA.
 */
export function bindIommufd(
  context: VfioContext,
  file: DeviceFile,
  caller: Caller,
  bytes: Uint8Array | undefined,
): number {
  const { order } = context.kernel;
  const { device } = file;
  const asked = copyIn(BIND, bytes, 'out_devid', order);
  if (!asked || !bytes) return errno('EFAULT');
  if (asked.argsz < endOf(BIND, 'out_devid')) return errno('EINVAL');
  if (bytes.subarray(sizeOf(BIND), asked.argsz).some((byte) => byte !== 0)) return errno('E2BIG');
  if (asked.iommufd < 0 || !onlyBits(asked.flags, UAPI.VFIO_DEVICE_BIND_FLAG_TOKEN)) return errno('EINVAL');
  if (file.throughGroup) return errno('EINVAL');
  if (device.group.opened) return errno('EBUSY');
  if (file.granted) return errno('EINVAL');
  // A function that is no PF with VFs takes no token (vfio_pci_validate_vf_token).
  if ((asked.flags & UAPI.VFIO_DEVICE_BIND_FLAG_TOKEN) !== 0) return errno('EINVAL');
  const bound = bind(context, device, caller, asked.iommufd);
  if (bound < 0) return bound;
  file.granted = true;
  copyOut(BIND, bytes, { out_devid: device.devid }, order);
  return 0;
}

function bind(context: VfioContext, device: VfioDevice, caller: Caller, fd: number): number {
  const open = caller.fds.get(fd);
  if (!open) return errno('EBADF');
  if (!(open.file instanceof IommufdContext)) return errno('EBADFD');
  // A device node is open once only: the second descriptor cannot be bound (vfio_df_open).
  if (device.openCount > 0) return errno('EINVAL');
  const id = open.file.bind(device);
  if (id < 0) return id;
  device.devid = id;
  device.iommufd = open.file;
  device.iommufdHold = open.hold();
  const opened = device.firstOpen(context.machine);
  if (opened < 0) {
    releaseIommufd(device);
    return opened;
  }
  device.openCount = 1;
  device.cdevOpened = true;
  device.group.cdevOpen++;
  return 0;
}

function releaseIommufd(device: VfioDevice): void {
  device.iommufd?.unbind(device);
  device.iommufd = undefined;
  device.iommufdHold?.drop();
  device.iommufdHold = undefined;
}

/** vfio_df_unbind_iommufd, as the descriptor is closed. */
export function unbindIommufd(context: VfioContext, device: VfioDevice): void {
  device.openCount = 0;
  device.lastClose(context.machine);
  releaseIommufd(device);
  device.cdevOpened = false;
  device.group.cdevOpen--;
}

/** VFIO_DEVICE_ATTACH_IOMMUFD_PT (vfio_df_ioctl_attach_pt): ENOENT for an object that there is not, EINVAL for another kind. */
export function attachIoas(context: VfioContext, device: VfioDevice, bytes: Uint8Array | undefined): number {
  const { order } = context.kernel;
  const asked = copyIn(ATTACH, bytes, 'pt_id', order);
  if (!asked || !bytes) return errno('EFAULT');
  if (asked.argsz < endOf(ATTACH, 'pt_id')) return errno('EINVAL');
  if (!onlyBits(asked.flags, UAPI.VFIO_DEVICE_ATTACH_PASID)) return errno('EINVAL');
  if (asked.flags !== 0) throw notPlayed('PASIDs');
  // While it, or a sibling in its group, is being reset it cannot be attached (drivers/iommu/iommu.c).
  if (device.memoryLock.closed) return errno('EBUSY');
  const attached = device.iommufd!.attach(device, asked.pt_id);
  if (attached < 0) return attached;
  copyOut(ATTACH, bytes, { pt_id: attached }, order);
  return 0;
}

/** VFIO_DEVICE_DETACH_IOMMUFD_PT: also where nothing is attached. */
export function detachIoas(context: VfioContext, device: VfioDevice, bytes: Uint8Array | undefined): number {
  const asked = copyIn(DETACH, bytes, 'flags', context.kernel.order);
  if (!asked) return errno('EFAULT');
  if (asked.argsz < endOf(DETACH, 'flags')) return errno('EINVAL');
  if (!onlyBits(asked.flags, UAPI.VFIO_DEVICE_DETACH_PASID)) return errno('EINVAL');
  if (asked.flags !== 0) throw notPlayed('PASIDs');
  device.iommufd!.detach(device);
  return 0;
}
