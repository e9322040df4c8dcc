import { bdfParts, requesterId } from '@pci-recovery/core';
import { UAPI } from '../../uapi/abi/constants.js';
import { viewOf } from '../../uapi/struct/decode.js';
import { arrayOffset, sizeOf } from '../../uapi/struct/tables.js';
import { type Caller } from '../kernel/open-file.js';
import { errno, type Outcome } from '../kernel/outcome.js';
import { type PciFunction } from '../machine/pci-function.js';
import { type VfioContext } from './context.js';
import { type VfioDevice } from './device.js';
import { GroupFile } from './group.js';
import { type VfioGroup } from './group-state.js';
import { type IommufdContext } from './iommufd-context.js';
import { held } from './reset.js';
import { resetHardware } from './reset-function.js';
import { copyIn, copyOut } from './structs.js';

const INFO = 'vfio_pci_hot_reset_info';
const DEVICE = 'vfio_pci_dependent_device';
const RESET = 'vfio_pci_hot_reset';

/** Number of a device in an iommufd; 0: owned through its group; undefined: not owned (vfio_iommufd_get_dev_id). */
function deviceId({ iommufd, devid, group }: VfioDevice, owner: IommufdContext | undefined): number | undefined {
  if (iommufd !== undefined && iommufd === owner) return devid;
  return owner !== undefined && group.isOwnedBy(owner) ? UAPI.VFIO_PCI_DEVID_OWNED : undefined;
}

/** How each function is listed: by its group, or by its number in the caller's iommufd. */
function idOf(context: VfioContext, asked: VfioDevice, subject: PciFunction): number {
  if (!asked.cdevOpened) return context.machine.groupOf(subject).number;
  const inSet = context.machine.deviceSetOf(asked.subject).includes(subject);
  const id = inSet ? deviceId(context.deviceOf(subject), asked.iommufd) : undefined;
  return id ?? UAPI.VFIO_PCI_DEVID_NOT_OWNED;
}

/**
 * VFIO_DEVICE_GET_PCI_HOT_RESET_INFO (vfio_pci_ioctl_get_pci_hot_reset_info): ENODEV where neither slot nor bus can be
 * reset; ENOSPC with the count when the buffer is short.
 */
export function hotResetInfo(context: VfioContext, device: VfioDevice, bytes: Uint8Array | undefined): number {
  const { order } = context.kernel;
  const header = copyIn(INFO, bytes, 'count', order);
  if (!header || !bytes) return errno('EFAULT');
  if (header.argsz < sizeOf(INFO)) return errno('EINVAL');
  const scope = context.machine.resetScopeOf(device.subject);
  if (!scope) return errno('ENODEV');
  const room = Math.floor((header.argsz - sizeOf(INFO)) / sizeOf(DEVICE));
  if (scope.length > room) {
    copyOut(INFO, bytes, { flags: 0, count: scope.length }, order);
    return errno('ENOSPC');
  }
  const start = arrayOffset(INFO, 'devices');
  if (bytes.byteLength < start + scope.length * sizeOf(DEVICE)) return errno('EFAULT');
  const ids = scope.map((subject) => idOf(context, device, subject));
  scope.forEach((subject, at) => {
    const { domain, bus } = bdfParts(subject.bdf);
    const place = bytes.subarray(start + at * sizeOf(DEVICE));
    const values = { segment: domain & 0xffff, bus, devfn: requesterId(subject.bdf) & 0xff };
    copyOut(DEVICE, place, { group_id: ids[at]!, ...values }, order);
  });
  const owned = ids.includes(UAPI.VFIO_PCI_DEVID_NOT_OWNED) ? 0 : UAPI.VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED;
  const flags = device.cdevOpened ? UAPI.VFIO_PCI_HOT_RESET_FLAG_DEV_ID | owned : 0;
  copyOut(INFO, bytes, { flags, count: scope.length }, order);
  return 0;
}

/** The groups whose descriptors were given, or an errno. */
function givenGroups(caller: Caller, bytes: Uint8Array, count: number, little: boolean): readonly VfioGroup[] | number {
  const start = arrayOffset(RESET, 'group_fds');
  if (bytes.byteLength < start + 4 * count) return errno('EFAULT');
  const groups: VfioGroup[] = [];
  for (let at = 0; at < count; at++) {
    const file = caller.fds.get(viewOf(bytes).getInt32(start + 4 * at, little))?.file;
    if (!file) return errno('EBADF');
    if (!(file instanceof GroupFile)) return errno('EINVAL');
    groups.push(file.group);
  }
  return groups;
}

/** vfio_pci_dev_set_hot_reset: everybody must be in the set and owned; a device that is busy elsewhere is EBUSY. */
function resetSet(context: VfioContext, device: VfioDevice, owns: (each: VfioDevice) => boolean): Outcome {
  const { machine, durations } = context;
  const scope = machine.resetScopeOf(device.subject)!;
  const set = machine.deviceSetOf(device.subject);
  if (scope.some((subject) => !set.includes(subject))) return errno('EINVAL');
  const devices = set.map((subject) => context.deviceOf(subject));
  for (const each of devices) {
    if (!owns(each)) return errno('EINVAL');
    if (each.memoryLock.closed) return errno('EBUSY');
  }
  if (devices.some(({ subject }) => subject.deviceLock.closed)) return errno('EAGAIN');
  return held(devices, durations.hotReset ?? 0, () => {
    for (const { subject } of devices) subject.save();
    for (const { subject } of devices) resetHardware(machine, subject);
    for (const { subject } of devices) subject.restore();
    return 0;
  });
}

/**
 * VFIO_DEVICE_PCI_HOT_RESET (vfio_pci_ioctl_pci_hot_reset): EINVAL when the form does not fit the way the device was opened, or not
 * everybody is owned; ENODEV where nothing can be reset; EBUSY, EAGAIN when others are in the way.
 */
export function hotReset(
  context: VfioContext,
  device: VfioDevice,
  caller: Caller,
  bytes: Uint8Array | undefined,
): Outcome {
  const { order } = context.kernel;
  const header = copyIn(RESET, bytes, 'count', order);
  if (!header || !bytes) return errno('EFAULT');
  if (header.argsz < sizeOf(RESET) || header.flags !== 0) return errno('EINVAL');
  if ((header.count !== 0) === device.cdevOpened) return errno('EINVAL');
  const scope = context.machine.resetScopeOf(device.subject);
  if (!scope) return errno('ENODEV');
  if (header.count === 0) return resetSet(context, device, (each) => deviceId(each, device.iommufd) !== undefined);
  if (header.count > scope.length) return errno('EINVAL');
  const groups = givenGroups(caller, bytes, header.count, order === 'LE');
  return typeof groups === 'number' ? groups : resetSet(context, device, ({ group }) => groups.includes(group));
}
