import { PciRecoveryError } from '@pci-recovery/core';
import { errnoName } from '../../seam/errno.js';
import { type Syscalls } from '../../seam/syscalls.js';
import { type ByteOrder, HOST_BYTE_ORDER } from '../../uapi/byte-order.js';
import { getDeviceFd, setContainer } from '../../uapi/group.js';
import { irqSet } from '../../uapi/irq-set.js';
import { PCI_IRQ } from '../../uapi/irq-info.js';
import { EXTENSION } from '../../uapi/container.js';
import { requests, type RequestName } from '../../uapi/requests.js';
import { type AnswerPlatform, type AnswerScene, type AnswerState } from './row.js';

/** Which device a scene opens. */
export interface ScenePlace {
  readonly platform: AnswerPlatform;
  readonly bdf: string;
  readonly groupNumber: number;
  /** Bytes of a page. Default 4096. */
  readonly page?: number;
}

const READ_WRITE = 2;
const PROTECTION = 3;

/** How many steps of opening each state has behind it; what happens to the device then is the bench's. */
const STEPS: Readonly<Record<AnswerState, number>> = {
  nodes: 0,
  attached: 1,
  ready: 2,
  open: 3,
  told: 4,
  error: 3,
  error_just_now: 3,
  mmio_frozen: 3,
  dma_frozen: 3,
};

const refused = (what: string, result: number): PciRecoveryError =>
  new PciRecoveryError('ERR_PCI_SYSCALL', `${what} failed with ${errnoName(result)}: the row cannot be tried.`);

/**
 * Opens container, group and device as far as a state wants it, on any kernel behind the seam. Disposing closes all.
 * @throws PciRecoveryError `ERR_PCI_SYSCALL` when a step is refused
 */
export function openScene(
  syscalls: Syscalls,
  { platform, bdf, groupNumber, page = 4096 }: ScenePlace,
  state: AnswerState,
): AnswerScene & AsyncDisposable {
  const order: ByteOrder = HOST_BYTE_ORDER;
  const numbers = requests();
  const done = (what: string, result: number): number => {
    if (result < 0) throw refused(what, result);
    return result;
  };
  const ioctl = (fd: number, request: RequestName, argument: Uint8Array | number): number =>
    done(request, syscalls.ioctl(fd, numbers[request], argument));
  const container = done('open', syscalls.open('/dev/vfio/vfio', READ_WRITE));
  const group = done('open', syscalls.open(`/dev/vfio/${groupNumber}`, READ_WRITE));
  const eventfd = done('eventfd', syscalls.eventfd(0));
  const mapping = syscalls.mmap(-1, 2 * page, PROTECTION, 0n);
  if (typeof mapping === 'number') throw refused('mmap', mapping);
  const steps = STEPS[state];
  if (steps > 0) ioctl(group, 'VFIO_GROUP_SET_CONTAINER', setContainer.encodeRequest(container, order));
  const type = platform === 'ppc64' ? EXTENSION.spaprTceIommu : EXTENSION.type1v2Iommu;
  if (steps > 1) ioctl(container, 'VFIO_SET_IOMMU', type);
  const device = steps > 2 ? ioctl(group, 'VFIO_GROUP_GET_DEVICE_FD', getDeviceFd.encodeRequest(bdf)) : -1;
  if (steps > 3) ioctl(device, 'VFIO_DEVICE_SET_IRQS', irqSet.eventfds({ index: PCI_IRQ.err }, [eventfd], order));
  return {
    syscalls,
    order,
    bdf,
    groupNumber,
    container,
    group,
    device,
    eventfd,
    memory: new Uint8Array(mapping.memory),
    address: mapping.address,
    page,
    async [Symbol.asyncDispose]() {
      syscalls.munmap(mapping.memory);
      for (const fd of [device, group, container, eventfd]) if (fd >= 0) await syscalls.closeAsync(fd);
    },
  };
}
