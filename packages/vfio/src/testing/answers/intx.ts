import { irqSet, PCI_IRQ } from '../../uapi/index.js';
import { type AnswerCall, type AnswerScene, type KernelAnswer } from './row.js';

const { intx, msi, msix } = PCI_IRQ;
const PREPARE = 'drivers/vfio/vfio_main.c:vfio_set_irqs_validate_and_prepare';
const TRIGGER = 'drivers/vfio/pci/vfio_pci_intrs.c:vfio_pci_set_intx_trigger';
const MASK = 'drivers/vfio/pci/vfio_pci_intrs.c:vfio_pci_set_intx_mask';
const UNMASK = 'drivers/vfio/pci/vfio_pci_intrs.c:vfio_pci_set_intx_unmask';
const MSI = 'drivers/vfio/pci/vfio_pci_intrs.c:vfio_pci_set_msi_trigger';
const BLOCK = 'drivers/vfio/pci/vfio_pci_intrs.c:vfio_msi_set_block';

const set = (argument: (scene: AnswerScene) => Uint8Array): AnswerCall => ({
  fd: 'device',
  request: 'VFIO_DEVICE_SET_IRQS',
  argument,
});

type Action = 'trigger' | 'mask' | 'unmask';
type Fd = 'eventfd' | 'container' | number;

interface Place {
  readonly action?: Action;
  readonly start?: number;
  readonly count?: number;
}

const eventfds = (index: number, fds: readonly Fd[], { action = 'trigger', start = 0 }: Place = {}): AnswerCall =>
  set((scene) =>
    irqSet.eventfds(
      { index, action, start },
      fds.map((fd) => (typeof fd === 'number' ? fd : scene[fd])),
      scene.order,
    ),
  );
const none = (index: number, { action = 'trigger', count = 1, start = 0 }: Place = {}): AnswerCall =>
  set(({ order }) => irqSet.none({ index, action, start }, count, order));
const bool = (index: number, on: boolean): AnswerCall => set(({ order }) => irqSet.bools({ index }, [on], order));
const off = (index: number): AnswerCall => set(({ order }) => irqSet.disable(index, order));
const on = (index: number): AnswerCall => eventfds(index, ['eventfd']);

type Row = Omit<KernelAnswer, 'platforms' | 'state'>;

const TRIGGERS: readonly Row[] = [
  { id: 'irq.intx.attach', call: on(intx), answer: 0, source: TRIGGER },
  { id: 'irq.intx.attach-nothing', call: eventfds(intx, [-1]), answer: 0, source: TRIGGER },
  { id: 'irq.intx.loop-back', after: [on(intx)], call: none(intx), answer: 0, signals: 1, source: TRIGGER },
  { id: 'irq.intx.loop-back-bool', after: [on(intx)], call: bool(intx, true), answer: 0, signals: 1, source: TRIGGER },
  {
    id: 'irq.intx.loop-back-false',
    after: [on(intx)],
    call: bool(intx, false),
    answer: 0,
    signals: 0,
    source: TRIGGER,
  },
  { id: 'irq.intx.loop-back-off', call: none(intx), answer: 'EINVAL', source: TRIGGER },
  { id: 'irq.intx.disable', after: [on(intx)], call: off(intx), answer: 0, source: TRIGGER },
  { id: 'irq.intx.disable-off', call: off(intx), answer: 'EINVAL', source: TRIGGER },
  { id: 'irq.intx.fd-not-open', call: eventfds(intx, [999]), answer: 'EBADF', source: TRIGGER },
  { id: 'irq.intx.fd-no-eventfd', call: eventfds(intx, ['container']), answer: 'EINVAL', source: TRIGGER },
  { id: 'irq.intx.start-1', call: none(intx, { start: 1 }), answer: 'EINVAL', source: PREPARE },
  { id: 'irq.intx.count-2', call: none(intx, { count: 2 }), answer: 'EINVAL', source: PREPARE },
  { id: 'irq.intx.while-msix', after: [on(msix)], call: on(intx), answer: 'EINVAL', source: TRIGGER },
];

const MASKS: readonly Row[] = [
  { id: 'irq.intx.mask-off', call: none(intx, { action: 'mask' }), answer: 'EINVAL', source: MASK },
  { id: 'irq.intx.unmask-off', call: none(intx, { action: 'unmask' }), answer: 'EINVAL', source: UNMASK },
  { id: 'irq.intx.mask', after: [on(intx)], call: none(intx, { action: 'mask' }), answer: 0, source: MASK },
  { id: 'irq.intx.unmask', after: [on(intx)], call: none(intx, { action: 'unmask' }), answer: 0, source: UNMASK },
  {
    id: 'irq.intx.mask-by-eventfd',
    after: [on(intx)],
    call: eventfds(intx, ['eventfd'], { action: 'mask' }),
    answer: 'ENOTTY',
    source: MASK,
  },
  {
    id: 'irq.intx.unmask-by-eventfd',
    after: [on(intx)],
    call: eventfds(intx, ['eventfd'], { action: 'unmask' }),
    answer: 0,
    source: UNMASK,
  },
  {
    id: 'irq.intx.unmask-by-eventfd-not-open',
    after: [on(intx)],
    call: eventfds(intx, [999], { action: 'unmask' }),
    answer: 'EBADF',
    source: UNMASK,
  },
];

const MESSAGES: readonly Row[] = [
  { id: 'irq.msi.of-a-function-without', call: on(msi), answer: 'EINVAL', source: PREPARE },
  { id: 'irq.msi.disable-without', call: off(msi), answer: 'EINVAL', source: PREPARE },
  { id: 'irq.msix.while-intx', after: [on(intx)], call: on(msix), answer: 'EINVAL', source: MSI },
  { id: 'irq.msix.attach-again', after: [on(msix)], call: on(msix), answer: 0, source: BLOCK },
  { id: 'irq.msix.attach-nothing', call: eventfds(msix, [-1]), answer: 0, source: BLOCK },
  { id: 'irq.msix.attach-second-only', call: eventfds(msix, ['eventfd'], { start: 1 }), answer: 0, source: BLOCK },
  {
    id: 'irq.msix.add-another',
    after: [on(msix)],
    call: eventfds(msix, ['eventfd'], { start: 1 }),
    answer: 0,
    source: BLOCK,
  },
  {
    id: 'irq.msix.loop-back-of-one-that-is-not-attached',
    after: [on(msix)],
    call: none(msix, { start: 1 }),
    answer: 0,
    signals: 0,
    source: MSI,
  },
  { id: 'irq.msix.beyond', call: none(msix, { start: 2047 }), answer: 'EINVAL', source: PREPARE },
  { id: 'irq.msix.loop-back-bool', after: [on(msix)], call: bool(msix, true), answer: 0, signals: 1, source: MSI },
  { id: 'irq.msix.loop-back-false', after: [on(msix)], call: bool(msix, false), answer: 0, signals: 0, source: MSI },
  { id: 'irq.msix.fd-no-eventfd', call: eventfds(msix, ['container']), answer: 'EINVAL', source: BLOCK },
  {
    id: 'irq.msix.half-an-attach',
    call: eventfds(msix, ['eventfd', 999]),
    answer: 'EBADF',
    source: BLOCK,
  },
  {
    id: 'irq.msix.bad-fd-takes-the-first-away',
    after: [on(msix)],
    call: eventfds(msix, ['eventfd', 999]),
    answer: 'EBADF',
    source: BLOCK,
  },
];

/** INTx, and what MSI-X does beside it: of a function with a pin and two MSI-X vectors, without MSI. */
export const INTX: readonly KernelAnswer[] = [...TRIGGERS, ...MASKS, ...MESSAGES].map((row) => ({
  platforms: ['x64'],
  state: 'open',
  ...row,
}));
