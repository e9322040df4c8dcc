import { Blocked, errno, Takes, type Outcome } from '../kernel/outcome.js';
import { type VfioContext } from './context.js';
import { type VfioDevice } from './device.js';
import { resetFunction } from './reset-function.js';

/**
 * VFIO_DEVICE_RESET (drivers/vfio/pci/vfio_pci_core.c:vfio_pci_ioctl_reset): EINVAL when no reset worked as the device was
 * opened; EAGAIN while somebody else, the host's recovery above all, has the device lock; ENOTTY when its methods are gone.
 */
export function deviceReset(context: VfioContext, device: VfioDevice): Outcome {
  const { subject, memoryLock } = device;
  if (!device.resetWorks) return errno('EINVAL');
  if (memoryLock.closed) return new Blocked(memoryLock, 'another reset of the device');
  if (subject.resetMethods.length === 0) return errno('ENOTTY');
  if (subject.deviceLock.closed) return errno('EAGAIN');
  return held([device], context.durations.reset ?? 0, () => resetFunction(context.machine, subject));
}

/** Does `work` while devices are locked: their memory and configuration space cannot be touched meanwhile. */
export function held(devices: readonly VfioDevice[], ms: number, work: () => number): Outcome {
  const opens = devices.flatMap(({ subject, memoryLock }) => [
    memoryLock.close(),
    subject.deviceLock.close(),
    subject.configAccess.close(),
  ]);
  const end = (): number => {
    try {
      return work();
    } finally {
      for (const open of opens) open();
    }
  };
  return ms > 0 ? new Takes(ms, end) : end();
}
