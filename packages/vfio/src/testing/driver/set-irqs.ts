import { UAPI } from '../../uapi/abi/constants.js';
import { viewOf } from '../../uapi/struct/decode.js';
import { sizeOf } from '../../uapi/struct/tables.js';
import { EventFd } from '../kernel/eventfd.js';
import { type Caller } from '../kernel/open-file.js';
import { errno } from '../kernel/outcome.js';
import { type VfioContext } from './context.js';
import { type VfioDevice } from './device.js';
import { copyIn, onlyBits } from './structs.js';
import { type DeviceInterrupts } from './interrupts.js';

const SET = 'vfio_irq_set';
const { VFIO_IRQ_SET_DATA_NONE: NONE, VFIO_IRQ_SET_DATA_BOOL: BOOL, VFIO_IRQ_SET_DATA_EVENTFD: EVENTFD } = UAPI;
const DATA = NONE | BOOL | EVENTFD;
const ACTION = UAPI.VFIO_IRQ_SET_ACTION_MASK | UAPI.VFIO_IRQ_SET_ACTION_UNMASK | UAPI.VFIO_IRQ_SET_ACTION_TRIGGER;
const U32_MOST = 0xffff_ffff;

/** What is asked for, checked as far as it is the same for every index. */
interface Asked {
  readonly index: number;
  readonly action: number;
  readonly data: number;
  readonly start: number;
  readonly count: number;
  /** Values of DATA_BOOL. */
  readonly bools: readonly boolean[];
  /** Descriptors of DATA_EVENTFD. */
  readonly fds: readonly number[];
}

/** vfio_set_irqs_validate_and_prepare: only one kind of data, within the index, and as much data as is counted. */
function prepare(
  { order }: VfioContext['kernel'],
  interrupts: DeviceInterrupts,
  bytes: Uint8Array | undefined,
): Asked | number {
  const header = copyIn(SET, bytes, 'count', order);
  if (!header || !bytes) return errno('EFAULT');
  const { argsz, flags, index, start, count } = header;
  const known = argsz >= sizeOf(SET) && index < UAPI.VFIO_PCI_NUM_IRQS && count < U32_MOST - start;
  if (!known || !onlyBits(flags, DATA | ACTION)) return errno('EINVAL');
  const there = interrupts.count(index);
  if (start >= there || start + count > there) return errno('EINVAL');
  const data = flags & DATA;
  const size = { [NONE]: 0, [BOOL]: 1, [EVENTFD]: 4 }[data];
  if (size === undefined || argsz - sizeOf(SET) < count * size) return errno('EINVAL');
  const values = bytes.subarray(sizeOf(SET));
  if (values.byteLength < count * size) return errno('EFAULT');
  const fdAt = (at: number): number => viewOf(values).getInt32(4 * at, order === 'LE');
  return {
    index,
    action: flags & ACTION,
    data,
    start,
    count,
    bools: data === BOOL ? [...values.subarray(0, count)].map((value) => value !== 0) : [],
    fds: data === EVENTFD ? Array.from({ length: count }, (_, at) => fdAt(at)) : [],
  };
}

/** eventfd_ctx_fdget: EBADF, or EINVAL for what is no eventfd. */
function eventfdOf({ fds }: Caller, fd: number): EventFd | number {
  const file = fds.get(fd)?.file;
  if (file instanceof EventFd) return file;
  return errno(file ? 'EINVAL' : 'EBADF');
}

/** vfio_pci_set_ctx_trigger_single: one eventfd; NONE and BOOL loop back, NONE without a count and −1 detach. */
function setSingle(caller: Caller, interrupts: DeviceInterrupts, which: 'error' | 'request', asked: Asked): number {
  const { data, start, count } = asked;
  if (start !== 0 || count > 1) return errno('EINVAL');
  const attached = interrupts[which];
  if (data === NONE) {
    if (!attached) return errno('EINVAL');
    if (count > 0) attached.signal();
    else interrupts[which] = undefined;
    return 0;
  }
  if (count === 0) return errno('EINVAL');
  if (data === BOOL) {
    if (asked.bools[0]) attached?.signal();
    return 0;
  }
  const [fd] = asked.fds;
  if (fd! < -1) return errno('EINVAL');
  const eventfd = fd === -1 ? undefined : eventfdOf(caller, fd!);
  if (typeof eventfd === 'number') return eventfd;
  interrupts[which] = eventfd;
  return 0;
}

/** vfio_pci_set_msi_trigger: the first call allocates vectors up to the last one named. */
function setMessages(caller: Caller, interrupts: DeviceInterrupts, asked: Asked): number {
  const { index, data, start, count } = asked;
  const on = interrupts.active === index;
  if (on && count === 0 && data === NONE) {
    interrupts.disable();
    return 0;
  }
  if (!on && interrupts.active !== undefined) return errno('EINVAL');
  if (data === EVENTFD) return setBlock(caller, interrupts, asked, on);
  if (!on) return errno('EINVAL');
  for (let vector = start; vector < start + count; vector++) {
    if (data === NONE || asked.bools[vector - start]) interrupts.vectors.get(vector)?.signal();
  }
  return 0;
}

/** vfio_msi_set_block: all or none of the vectors. */
function setBlock(
  caller: Caller,
  interrupts: DeviceInterrupts,
  { index, start, count, fds }: Asked,
  on: boolean,
): number {
  if (!on) {
    // pci_alloc_irq_vectors takes at least one.
    if (start + count === 0) return errno('EINVAL');
    const enabled = interrupts.enableMessages(index, start + count);
    if (enabled < 0) return enabled;
  }
  for (const [at, fd] of fds.entries()) {
    const eventfd = fd < 0 ? undefined : eventfdOf(caller, fd);
    if (typeof eventfd === 'number') {
      for (let vector = start; vector <= start + at; vector++) interrupts.setVector(vector, undefined);
      if (!on) interrupts.disable();
      return eventfd;
    }
    interrupts.setVector(start + at, eventfd);
  }
  return 0;
}

/** vfio_pci_set_intx_trigger. */
function setIntx(caller: Caller, interrupts: DeviceInterrupts, asked: Asked): number {
  const { index, data, start, count } = asked;
  const on = interrupts.active === index;
  if (on && count === 0 && data === NONE) {
    interrupts.disable();
    return 0;
  }
  if ((!on && interrupts.active !== undefined) || start !== 0 || count !== 1) return errno('EINVAL');
  if (data === EVENTFD) {
    const [fd] = asked.fds;
    const eventfd = fd! < 0 ? undefined : eventfdOf(caller, fd!);
    if (typeof eventfd === 'number') return eventfd;
    interrupts.active = index;
    if (eventfd) interrupts.vectors.set(0, eventfd);
    else interrupts.vectors.delete(0);
    return 0;
  }
  if (!on) return errno('EINVAL');
  if (data === NONE || asked.bools[0]) interrupts.vectors.get(0)?.signal();
  return 0;
}

/** vfio_pci_set_intx_mask, …_unmask: eventfds that mask are not implemented, those that unmask act on their next write. */
function maskIntx(caller: Caller, interrupts: DeviceInterrupts, asked: Asked, masked: boolean): number {
  const { index, data, start, count } = asked;
  if (interrupts.active !== index || start !== 0 || count !== 1) return errno('EINVAL');
  if (data === EVENTFD) {
    if (masked) return errno('ENOTTY');
    const [fd] = asked.fds;
    if (fd! < 0) return 0;
    const eventfd = eventfdOf(caller, fd!);
    if (typeof eventfd === 'number') return eventfd;
    eventfd.wakeup.listen(() => void (interrupts.masked = false));
    return 0;
  }
  if (data === NONE || asked.bools[0]) interrupts.masked = masked;
  return 0;
}

/** VFIO_DEVICE_SET_IRQS (vfio_pci_ioctl_set_irqs, vfio_pci_set_irqs_ioctl). ENOTTY: the index does not know the action. */
export function setInterrupts(
  context: VfioContext,
  { interrupts }: VfioDevice,
  caller: Caller,
  bytes: Uint8Array | undefined,
): number {
  const asked = prepare(context.kernel, interrupts, bytes);
  if (typeof asked === 'number') return asked;
  const { index, action } = asked;
  if (index === UAPI.VFIO_PCI_INTX_IRQ_INDEX) {
    if (action === UAPI.VFIO_IRQ_SET_ACTION_TRIGGER) return setIntx(caller, interrupts, asked);
    if (action === UAPI.VFIO_IRQ_SET_ACTION_MASK) return maskIntx(caller, interrupts, asked, true);
    if (action === UAPI.VFIO_IRQ_SET_ACTION_UNMASK) return maskIntx(caller, interrupts, asked, false);
    return errno('ENOTTY');
  }
  if (action !== UAPI.VFIO_IRQ_SET_ACTION_TRIGGER) return errno('ENOTTY');
  if (index === UAPI.VFIO_PCI_ERR_IRQ_INDEX) return setSingle(caller, interrupts, 'error', asked);
  if (index === UAPI.VFIO_PCI_REQ_IRQ_INDEX) return setSingle(caller, interrupts, 'request', asked);
  return setMessages(caller, interrupts, asked);
}
