import { UAPI } from './abi/constants.js';
import { type ByteOrder, HOST_BYTE_ORDER } from './byte-order.js';
import { MOST_IRQS } from './irq-info.js';
import { viewOf } from './struct/decode.js';
import { badField, checkFd, encodeStruct } from './struct/encode.js';
import { arrayOffset } from './struct/tables.js';

const STRUCT = 'vfio_irq_set';
const DATA = arrayOffset(STRUCT, 'data');

const ACTIONS = {
  mask: UAPI.VFIO_IRQ_SET_ACTION_MASK,
  unmask: UAPI.VFIO_IRQ_SET_ACTION_UNMASK,
  trigger: UAPI.VFIO_IRQ_SET_ACTION_TRIGGER,
} as const;

/**
 * What to do with interrupts. With eventfds: `trigger` connects the interrupt to the descriptor, `mask` and `unmask` let the
 * descriptor do so. Without: it happens at once (`trigger` loops back, for tests).
 */
export type IrqAction = keyof typeof ACTIONS;

/** Which interrupts: `start` within `index`. */
export interface IrqPlace {
  readonly index: number;
  /** Default: 0. */
  readonly start?: number;
  /** Default: `trigger`. */
  readonly action?: IrqAction;
}

interface Message extends IrqPlace {
  readonly data: number;
  readonly count: number;
  readonly bytes: number;
}

function message({ index, start = 0, action = 'trigger', data, count, bytes }: Message, order: ByteOrder): Uint8Array {
  if (count > MOST_IRQS) throw badField(STRUCT, 'count', count, `no index has more than ${MOST_IRQS} interrupts`);
  if (!Object.hasOwn(ACTIONS, action)) throw badField(STRUCT, 'flags', action, 'an action is mask, unmask or trigger');
  const length = DATA + bytes;
  return encodeStruct(STRUCT, { argsz: length, flags: data | ACTIONS[action], index, start, count }, { order, length });
}

/** One eventfd for each interrupt from `start` on; −1 detaches it. */
function eventfds(place: IrqPlace, fds: readonly number[], order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
  if (fds.length === 0) throw badField(STRUCT, 'count', 0, 'give at least one descriptor; disable(index) detaches all');
  fds.forEach((fd) => checkFd(STRUCT, 'data', fd, -1));
  const data = UAPI.VFIO_IRQ_SET_DATA_EVENTFD;
  const buffer = message({ ...place, data, count: fds.length, bytes: 4 * fds.length }, order);
  const view = viewOf(buffer);
  fds.forEach((fd, at) => view.setInt32(DATA + 4 * at, fd, order === 'LE'));
  return buffer;
}

/** The action happens at once for each interrupt whose value is true. */
function bools(place: IrqPlace, values: readonly boolean[], order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
  if (values.length === 0) throw badField(STRUCT, 'count', 0, 'give at least one value');
  const data = UAPI.VFIO_IRQ_SET_DATA_BOOL;
  const buffer = message({ ...place, data, count: values.length, bytes: values.length }, order);
  buffer.set(values.map(Number), DATA);
  return buffer;
}

/** The action happens at once for `count` interrupts from `start` on. */
function none(place: IrqPlace, count: number, order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
  if (count === 0) throw badField(STRUCT, 'count', 0, 'give at least one interrupt; disable(index) disables all');
  return message({ ...place, data: UAPI.VFIO_IRQ_SET_DATA_NONE, count, bytes: 0 }, order);
}

/** Disables an index: all its eventfds are detached (no data, trigger, count 0). */
function disable(index: number, order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
  return message({ index, data: UAPI.VFIO_IRQ_SET_DATA_NONE, count: 0, bytes: 0 }, order);
}

/**
 * VFIO_DEVICE_SET_IRQS in all its forms (drivers/vfio/vfio_main.c:vfio_set_irqs_validate_and_prepare,
 * drivers/vfio/pci/vfio_pci_intrs.c:vfio_pci_set_irqs_ioctl). The kernel writes nothing back. The ERR and REQ indexes take
 * one eventfd with `trigger`; −1 or `disable` detaches it. A second eventfd replaces the first, whoever set it.
 */
export const irqSet = {
  request: 'VFIO_DEVICE_SET_IRQS',
  /** One eventfd for each interrupt from `start` on; −1 detaches it. */
  eventfds,
  /** Acts at once on each interrupt whose value is true. */
  bools,
  /** Acts at once on `count` interrupts from `start` on. */
  none,
  /** Detaches everything from an index. */
  disable,
} as const;
