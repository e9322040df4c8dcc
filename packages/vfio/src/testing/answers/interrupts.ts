import { irqInfo, irqSet, PCI_IRQ, sizeOf, UAPI } from '../../uapi/index.js';
import { type AnswerCall, type AnswerPlatform, type AnswerScene, type KernelAnswer } from './row.js';

const ALL: readonly AnswerPlatform[] = ['x64', 's390x', 'ppc64'];
const SOURCE = 'drivers/vfio/pci/vfio_pci_intrs.c:vfio_pci_set_ctx_trigger_single';
const PREPARE = 'drivers/vfio/vfio_main.c:vfio_set_irqs_validate_and_prepare';
const MSI = 'drivers/vfio/pci/vfio_pci_intrs.c:vfio_pci_set_msi_trigger';
const { VFIO_IRQ_SET_DATA_NONE: NONE, VFIO_IRQ_SET_DATA_BOOL: BOOL, VFIO_IRQ_SET_DATA_EVENTFD: EVENTFD } = UAPI;
const TRIGGER = UAPI.VFIO_IRQ_SET_ACTION_TRIGGER;

const set = (argument: (scene: AnswerScene) => Uint8Array): AnswerCall => ({
  fd: 'device',
  request: 'VFIO_DEVICE_SET_IRQS',
  argument,
});

/** A request as no codec makes it. */
const raw = (values: {
  readonly argsz?: number;
  readonly flags: number;
  readonly index: number;
  readonly start?: number;
  readonly count: number;
  readonly data?: readonly number[];
}): AnswerCall =>
  set(({ order }) => {
    const { flags, index, start = 0, count, data = [] } = values;
    const bytes = new Uint8Array(sizeOf('vfio_irq_set') + data.length);
    const view = new DataView(bytes.buffer);
    const argsz = values.argsz ?? bytes.length;
    [argsz, flags, index, start, count].forEach((word, at) => view.setUint32(4 * at, word, order === 'LE'));
    bytes.set(data, 20);
    return bytes;
  });

const attach = (index: number): AnswerCall => set(({ eventfd, order }) => irqSet.eventfds({ index }, [eventfd], order));
const detach = (index: number): AnswerCall => set(({ order }) => irqSet.eventfds({ index }, [-1], order));
const loop = (index: number): AnswerCall => set(({ order }) => irqSet.none({ index }, 1, order));
const loopBool = (index: number, on: boolean): AnswerCall => set(({ order }) => irqSet.bools({ index }, [on], order));
const off = (index: number): AnswerCall => set(({ order }) => irqSet.disable(index, order));

type Row = Omit<KernelAnswer, 'platforms' | 'state'> & Partial<Pick<KernelAnswer, 'state' | 'platforms'>>;

/** A row for each of two indexes. */
interface SingleRow extends Omit<Row, 'id' | 'call' | 'after'> {
  readonly id: string;
  readonly call: (index: number) => AnswerCall;
  readonly after?: readonly ((index: number) => AnswerCall)[];
}

const SINGLE: readonly SingleRow[] = [
  { id: 'attach', call: attach, answer: 0, source: 'lab' },
  {
    id: 'loop-back',
    after: [attach],
    call: loop,
    answer: 0,
    signals: 1,
    source: 'lab',
  },
  {
    id: 'loop-back-bool',
    after: [attach],
    call: (index) => loopBool(index, true),
    answer: 0,
    signals: 1,
    source: SOURCE,
  },
  {
    id: 'loop-back-false',
    after: [attach],
    call: (index) => loopBool(index, false),
    answer: 0,
    signals: 0,
    source: SOURCE,
  },
  { id: 'loop-back-without-eventfd', call: loop, answer: 'EINVAL', source: SOURCE },
  { id: 'bool-without-eventfd', call: (index) => loopBool(index, true), answer: 0, source: SOURCE },
  {
    id: 'detach-by-minus-one',
    after: [attach, detach],
    call: loop,
    answer: 'EINVAL',
    signals: 0,
    source: SOURCE,
  },
  { id: 'detach-nothing', call: detach, answer: 0, source: SOURCE },
  {
    id: 'detach-by-count-0',
    after: [attach, off],
    call: loop,
    answer: 'EINVAL',
    source: SOURCE,
  },
  { id: 'disable-nothing', call: off, answer: 'EINVAL', source: SOURCE },
  {
    id: 'eventfd-count-0',
    call: (index) => raw({ flags: EVENTFD | TRIGGER, index, count: 0 }),
    answer: 'EINVAL',
    source: SOURCE,
  },
  {
    id: 'bool-count-0',
    call: (index) => raw({ flags: BOOL | TRIGGER, index, count: 0 }),
    answer: 'EINVAL',
    source: SOURCE,
  },
  {
    id: 'fd-minus-two',
    call: (index) => raw({ flags: EVENTFD | TRIGGER, index, count: 1, data: [0xfe, 0xff, 0xff, 0xff] }),
    answer: 'EINVAL',
    source: SOURCE,
    platforms: ['x64', 'ppc64'],
  },
  {
    id: 'fd-not-open',
    call: (index) => set(({ order }) => irqSet.eventfds({ index }, [999], order)),
    answer: 'EBADF',
    source: SOURCE,
  },
  {
    id: 'fd-no-eventfd',
    call: (index) => set(({ order, container }) => irqSet.eventfds({ index }, [container], order)),
    answer: 'EINVAL',
    source: SOURCE,
  },
  {
    id: 'start-1',
    call: (index) => raw({ flags: NONE | TRIGGER, index, start: 1, count: 1 }),
    answer: 'EINVAL',
    source: PREPARE,
  },
  {
    id: 'count-2',
    call: (index) => raw({ flags: NONE | TRIGGER, index, count: 2 }),
    answer: 'EINVAL',
    source: PREPARE,
  },
  {
    id: 'mask',
    call: (index) => set(({ order }) => irqSet.none({ index, action: 'mask' }, 1, order)),
    answer: 'ENOTTY',
    source: 'drivers/vfio/pci/vfio_pci_intrs.c:vfio_pci_set_irqs_ioctl',
  },
  {
    id: 'unmask',
    call: (index) => set(({ order }) => irqSet.none({ index, action: 'unmask' }, 1, order)),
    answer: 'ENOTTY',
    source: 'drivers/vfio/pci/vfio_pci_intrs.c:vfio_pci_set_irqs_ioctl',
  },
];

/** ERR and REQ have the same rules (vfio_pci_set_err_trigger, vfio_pci_set_req_trigger). */
const single = (name: 'err' | 'req'): readonly Row[] =>
  SINGLE.map(({ id, call, after = [], ...rest }) => ({
    ...rest,
    id: `irq.${name}.${id}`,
    call: call(PCI_IRQ[name]),
    after: after.map((each) => each(PCI_IRQ[name])),
  }));

const err = PCI_IRQ.err;

const PREPARED: readonly Row[] = [
  {
    id: 'irq.no-such-index',
    call: raw({ flags: NONE | TRIGGER, index: 5, count: 1 }),
    answer: 'EINVAL',
    source: PREPARE,
  },
  {
    id: 'irq.short-argsz',
    call: raw({ argsz: 19, flags: NONE | TRIGGER, index: err, count: 1 }),
    answer: 'EINVAL',
    source: PREPARE,
  },
  { id: 'irq.no-data-kind', call: raw({ flags: TRIGGER, index: err, count: 1 }), answer: 'EINVAL', source: PREPARE },
  {
    id: 'irq.two-data-kinds',
    call: raw({ flags: NONE | BOOL | TRIGGER, index: err, count: 1, data: [1] }),
    answer: 'EINVAL',
    source: PREPARE,
  },
  {
    id: 'irq.unknown-flag',
    call: raw({ flags: NONE | TRIGGER | 0x40, index: err, count: 1 }),
    answer: 'EINVAL',
    source: PREPARE,
  },
  {
    id: 'irq.data-too-short',
    call: raw({ flags: EVENTFD | TRIGGER, index: err, count: 1, data: [0, 0, 0] }),
    answer: 'EINVAL',
    source: PREPARE,
  },
  {
    id: 'irq.count-overflows',
    call: raw({ flags: NONE | TRIGGER, index: err, start: 1, count: 0xffff_ffff }),
    answer: 'EINVAL',
    source: PREPARE,
  },
  {
    id: 'irq.no-action',
    call: raw({ flags: NONE, index: err, count: 1 }),
    answer: 'ENOTTY',
    source: 'drivers/vfio/pci/vfio_pci_intrs.c:vfio_pci_set_irqs_ioctl',
  },
];

const msix = PCI_IRQ.msix;
const MESSAGES: readonly Row[] = [
  { id: 'irq.msix.attach', call: attach(msix), answer: 0, source: MSI },
  { id: 'irq.msix.loop-back', after: [attach(msix)], call: loop(msix), answer: 0, signals: 1, source: MSI },
  { id: 'irq.msix.loop-back-off', call: loop(msix), answer: 'EINVAL', source: MSI },
  { id: 'irq.msix.disable', after: [attach(msix)], call: off(msix), answer: 0, source: MSI },
  { id: 'irq.msix.disable-off', call: off(msix), answer: 'EINVAL', source: MSI },
  {
    id: 'irq.msix.fd-not-open',
    call: set(({ order }) => irqSet.eventfds({ index: msix }, [999], order)),
    answer: 'EBADF',
    source: MSI,
  },
  {
    id: 'irq.msix.failed-attach-leaves-it-off',
    after: [attach(msix), off(msix)],
    call: loop(msix),
    answer: 'EINVAL',
    source: MSI,
  },
  {
    id: 'irq.msix.mask',
    call: set(({ order }) => irqSet.none({ index: msix, action: 'mask' }, 1, order)),
    answer: 'ENOTTY',
    source: 'drivers/vfio/pci/vfio_pci_intrs.c:vfio_pci_set_irqs_ioctl',
  },
  {
    id: 'irq.info.no-such-index',
    call: {
      fd: 'device',
      request: 'VFIO_DEVICE_GET_IRQ_INFO',
      argument: ({ order }) => irqInfo.encodeRequest(5, order),
    },
    answer: 'EINVAL',
    source: 'drivers/vfio/pci/vfio_pci_core.c:vfio_pci_ioctl_get_irq_info',
  },
  {
    id: 'irq.info.err',
    call: {
      fd: 'device',
      request: 'VFIO_DEVICE_GET_IRQ_INFO',
      argument: ({ order }) => irqInfo.encodeRequest(err, order),
    },
    answer: 0,
    source: 'lab',
  },
];

/** VFIO_DEVICE_SET_IRQS in all its forms. ERR is there for any device, with or without PCI Express (R2.11). */
export const INTERRUPTS: readonly KernelAnswer[] = [...single('err'), ...single('req'), ...PREPARED, ...MESSAGES].map(
  (row) => ({ platforms: ALL, state: 'open', ...row }),
);
