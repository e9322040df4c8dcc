import { PciRecoveryError } from '@pci-recovery/core';
import { errnoName } from '../../seam/errno.js';
import { type Mapping, type RawFd, type Syscalls } from '../../seam/syscalls.js';
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
  new PciRecoveryError(
    'ERR_PCI_SYSCALL',
    `${what} failed with ${errnoName(result)}: the row cannot be tried. The device must be bound to vfio-pci, and its group free.`,
  );

/** What a scene has opened so far; every step throws when it is refused. */
class Opened {
  readonly #fds: RawFd[] = [];
  #memory: ArrayBuffer | undefined;

  constructor(readonly syscalls: Syscalls) {}

  done(what: string, result: number): number {
    if (result < 0) throw refused(what, result);
    return result;
  }

  fd(what: string, result: number): RawFd {
    this.#fds.push(this.done(what, result));
    return result;
  }

  ioctl(fd: RawFd, request: RequestName, argument: Uint8Array | number): number {
    return this.done(request, this.syscalls.ioctl(fd, requests()[request], argument));
  }

  map(length: number): Mapping {
    const mapping = this.syscalls.mmap(-1, length, PROTECTION, 0n);
    if (typeof mapping === 'number') throw refused('mmap', mapping);
    this.#memory = mapping.memory;
    return mapping;
  }

  /** The descriptors to close, the device first; the memory is unmapped. */
  close(): readonly RawFd[] {
    if (this.#memory) this.syscalls.munmap(this.#memory);
    return this.#fds.splice(0).reverse();
  }
}

function openAll(
  opened: Opened,
  { platform, bdf, groupNumber, page = 4096 }: ScenePlace,
  state: AnswerState,
): AnswerScene {
  const { syscalls } = opened;
  const order: ByteOrder = HOST_BYTE_ORDER;
  const steps = STEPS[state];
  const eventfd = opened.fd('eventfd', syscalls.eventfd(0));
  const container = opened.fd('open of /dev/vfio/vfio', syscalls.open('/dev/vfio/vfio', READ_WRITE));
  const groupNode = `/dev/vfio/${groupNumber}`;
  const group = opened.fd(`open of ${groupNode}`, syscalls.open(groupNode, READ_WRITE));
  const { memory, address } = opened.map(2 * page);
  let device = -1;
  if (steps > 0) opened.ioctl(group, 'VFIO_GROUP_SET_CONTAINER', setContainer.encodeRequest(container, order));
  const type = platform === 'ppc64' ? EXTENSION.spaprTceIommu : EXTENSION.type1v2Iommu;
  if (steps > 1) opened.ioctl(container, 'VFIO_SET_IOMMU', type);
  if (steps > 2) {
    const request = 'VFIO_GROUP_GET_DEVICE_FD';
    device = opened.fd(request, opened.ioctl(group, request, getDeviceFd.encodeRequest(bdf)));
  }
  if (steps > 3)
    opened.ioctl(device, 'VFIO_DEVICE_SET_IRQS', irqSet.eventfds({ index: PCI_IRQ.err }, [eventfd], order));
  const descriptors = { container, group, device, eventfd };
  return { syscalls, order, bdf, groupNumber, ...descriptors, memory: new Uint8Array(memory), address, page };
}

/**
 * Opens container, group and device as far as a state wants it, on any kernel behind the seam. Disposing closes all.
 * @throws PciRecoveryError `ERR_PCI_SYSCALL` when a step is refused; what was opened is closed again then
 */
export function openScene(syscalls: Syscalls, place: ScenePlace, state: AnswerState): AnswerScene & AsyncDisposable {
  const opened = new Opened(syscalls);
  try {
    return {
      ...openAll(opened, place, state),
      async [Symbol.asyncDispose]() {
        for (const fd of opened.close()) await syscalls.closeAsync(fd);
      },
    };
  } catch (error) {
    for (const fd of opened.close()) syscalls.close(fd);
    throw error;
  }
}
