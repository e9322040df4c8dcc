import { type EehPeOperation, eehPe, encodeStruct, sizeOf, UAPI } from '../../uapi/index.js';
import { type AnswerCall, type KernelAnswer } from './row.js';

type Plain = Exclude<EehPeOperation, 'injectError'>;

const pe = (operation: Plain): AnswerCall => ({
  fd: 'container',
  request: 'VFIO_EEH_PE_OP',
  argument: ({ order }) => eehPe.encodeRequest(operation, order),
});

const inject = (func: number, type = 0): AnswerCall => ({
  fd: 'container',
  request: 'VFIO_EEH_PE_OP',
  argument: ({ order }) => eehPe.encodeInjection({ type, func, address: 0n, mask: 0n }, order),
});

const raw = (values: { readonly argsz?: number; readonly flags?: number; readonly op: number }): AnswerCall => ({
  fd: 'container',
  request: 'VFIO_EEH_PE_OP',
  argument: ({ order }) => encodeStruct('vfio_eeh_pe_op', { argsz: sizeOf('vfio_eeh_pe_op'), ...values }, { order }),
});

type Row = Omit<KernelAnswer, 'platforms' | 'source'> & Partial<Pick<KernelAnswer, 'source'>>;
const SOURCE = 'drivers/vfio/vfio_iommu_spapr_tce.c:vfio_spapr_ioctl_eeh_pe_op';

/** Functions of an injection that a PHB4 takes, and those that it does not. */
const INJECTED = Array.from({ length: 20 }, (_, func): Row => {
  const answer = [4, 5, 10, 11].includes(func) ? 0 : 'EIO';
  return { id: `eeh.inject.${func}`, state: 'open', call: inject(func), answer };
});

const ROWS: readonly Row[] = [
  { id: 'eeh.disable', state: 'open', call: pe('disable'), answer: 0 },
  { id: 'eeh.enable', state: 'open', call: pe('enable'), answer: 0 },
  { id: 'eeh.state.normal', state: 'open', call: pe('getState'), answer: 0 },
  { id: 'eeh.state.stopped', state: 'error', call: pe('getState'), answer: 2 },
  { id: 'eeh.state.only-mmio-frozen', state: 'mmio_frozen', call: pe('getState'), answer: 5 },
  { id: 'eeh.state.only-dma-frozen', state: 'dma_frozen', call: pe('getState'), answer: 4 },
  { id: 'eeh.unfreeze-io', state: 'error', call: pe('unfreezeIo'), answer: 0 },
  { id: 'eeh.state.after-unfreeze-io', state: 'error', after: [pe('unfreezeIo')], call: pe('getState'), answer: 4 },
  {
    id: 'eeh.state.after-both',
    state: 'error',
    after: [pe('unfreezeIo'), pe('unfreezeDma')],
    call: pe('getState'),
    answer: 0,
  },
  { id: 'eeh.enable-thaws', state: 'error', after: [pe('enable')], call: pe('getState'), answer: 0 },
  { id: 'eeh.reset-hot', state: 'error', call: pe('resetHot'), answer: 0 },
  { id: 'eeh.reset-fundamental', state: 'error', call: pe('resetFundamental'), answer: 0 },
  { id: 'eeh.reset-deactivate', state: 'error', after: [pe('resetHot')], call: pe('resetDeactivate'), answer: 0 },
  {
    id: 'eeh.state.after-reset',
    state: 'error',
    after: [pe('resetHot'), pe('resetDeactivate')],
    call: pe('getState'),
    answer: 0,
  },
  { id: 'eeh.configure', state: 'open', call: pe('configure'), answer: 0 },
  { id: 'eeh.op-42', state: 'open', call: raw({ op: 42 }), answer: 'EINVAL' },
  { id: 'eeh.flags', state: 'open', call: raw({ op: 4, flags: 1 }), answer: 'EINVAL', source: SOURCE },
  { id: 'eeh.short-argsz', state: 'open', call: raw({ op: 4, argsz: 11 }), answer: 'EINVAL', source: SOURCE },
  {
    id: 'eeh.inject-short-argsz',
    state: 'open',
    call: raw({ op: UAPI.VFIO_EEH_PE_INJECT_ERR, argsz: 12 }),
    answer: 'EINVAL',
    source: SOURCE,
  },
  ...INJECTED,
  { id: 'eeh.inject.20', state: 'open', call: inject(20), answer: 'EINVAL' },
  { id: 'eeh.inject.bad-type', state: 'open', call: inject(4, 2), answer: 'ERANGE' },
];

/** PowerNV: VFIO_EEH_PE_OP 0–9 (R4.5, R4.8, R4.11). */
export const EEH: readonly KernelAnswer[] = ROWS.map((row) => ({ platforms: ['ppc64'], source: 'lab', ...row }));
