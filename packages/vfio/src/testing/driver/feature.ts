import { UAPI } from '../../uapi/abi/constants.js';
import { viewOf } from '../../uapi/struct/decode.js';
import { sizeOf } from '../../uapi/struct/tables.js';
import { type Caller } from '../kernel/open-file.js';
import { errno, notPlayed } from '../kernel/outcome.js';
import { type VfioContext } from './context.js';
import { type VfioDevice } from './device.js';
import { copyIn, onlyBits } from './structs.js';
import { CCDF_BYTES } from './zpci-capabilities.js';

const FEATURE = 'vfio_device_feature';
const HEADER = sizeOf(FEATURE);
const { VFIO_DEVICE_FEATURE_GET: GET, VFIO_DEVICE_FEATURE_SET: SET, VFIO_DEVICE_FEATURE_PROBE: PROBE } = UAPI;

/** Features of every PCI device of 7.3 besides ZPCI_ERROR, and how they are used; all others are ENOTTY. */
const KNOWN: Readonly<Record<number, number>> = {
  [UAPI.VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY]: SET,
  [UAPI.VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP]: SET,
  [UAPI.VFIO_DEVICE_FEATURE_LOW_POWER_EXIT]: SET,
  [UAPI.VFIO_DEVICE_FEATURE_DMA_BUF]: GET,
};

/** vfio_check_feature (include/linux/vfio.h): 1 when the operation is to be done, else the answer. */
function check(flags: number, room: number, supported: number, least: number): number {
  if (!onlyBits(flags & (GET | SET), supported)) return errno('EINVAL');
  if ((flags & PROBE) !== 0) return 0;
  if ((flags & (GET | SET)) === 0 || room < least) return errno('EINVAL');
  return 1;
}

/**
 * VFIO_DEVICE_FEATURE_ZPCI_ERROR (drivers/vfio/pci/vfio_pci_zdev.c:vfio_pci_zdev_feature_err; R2.3, R2.4). The record is taken
 * out of the queue before it is written: with a bad pointer (EFAULT) it is lost.
 */
function zpciError(
  context: VfioContext,
  { subject }: VfioDevice,
  caller: Caller,
  flags: number,
  data: Uint8Array,
  room: number,
): number {
  const zpci = context.machine.zpciOf(subject);
  // A kernel that knows only older base capabilities does not know the feature.
  if (zpci && (zpci.description.baseVersion ?? 3) < 3) return errno('ENOTTY');
  // Elsewhere the kernel is built without CONFIG_VFIO_PCI_ZDEV_KVM (drivers/vfio/pci/vfio_pci_priv.h).
  if (!zpci) return errno(context.machine.description.arch === 's390x' ? 'ENODEV' : 'ENOTTY');
  const checked = check(flags, room, GET, 8);
  if (checked !== 1) return checked;
  if (data.byteLength < 8) return errno('EFAULT');
  const address = viewOf(data).getBigUint64(0, context.kernel.order === 'LE');
  if (address === 0n) return errno('EINVAL');
  const record = zpci.take();
  if (!record) return errno('ENOMSG');
  const target = caller.memory.at(address, CCDF_BYTES);
  if (!target) return errno('EFAULT');
  target.set(record);
  return 0;
}

/** VFIO_DEVICE_FEATURE (drivers/vfio/vfio_main.c:vfio_ioctl_device_feature). */
export function deviceFeature(
  context: VfioContext,
  device: VfioDevice,
  caller: Caller,
  bytes: Uint8Array | undefined,
): number {
  const header = copyIn(FEATURE, bytes, 'flags', context.kernel.order);
  if (!header || !bytes) return errno('EFAULT');
  const { argsz, flags } = header;
  if (argsz < HEADER || !onlyBits(flags, UAPI.VFIO_DEVICE_FEATURE_MASK | GET | SET | PROBE)) return errno('EINVAL');
  if ((flags & PROBE) === 0 && (flags & GET) !== 0 && (flags & SET) !== 0) return errno('EINVAL');
  const feature = flags & UAPI.VFIO_DEVICE_FEATURE_MASK;
  const room = argsz - HEADER;
  if (feature === UAPI.VFIO_DEVICE_FEATURE_ZPCI_ERROR) {
    return zpciError(context, device, caller, flags, bytes.subarray(HEADER), room);
  }
  const supported = KNOWN[feature];
  if (supported === undefined) return errno('ENOTTY');
  const checked = check(flags, room, supported, 0);
  if (checked !== 1) return checked;
  throw notPlayed(`VFIO_DEVICE_FEATURE ${feature}`);
}
