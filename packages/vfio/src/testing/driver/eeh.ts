import { UAPI } from '../../uapi/abi/constants.js';
import { endOf } from '../../uapi/struct/tables.js';
import { errno, Takes, type Outcome } from '../kernel/outcome.js';
import { type Pe } from '../machine/pe.js';
import { type VfioContext } from './context.js';
import { type VfioGroup } from './group-state.js';
import { copyIn } from './structs.js';

const OP = 'vfio_eeh_pe_op';
const MOST_FUNC = 19;

/** Injections that firmware of a PHB4 takes: loads and stores of configuration space. */
const INJECTABLE = new Set([4, 5, 10, 11]);

/** eeh_pe_get_state: 0–5. Reading it can mark the PE isolated. */
function stateOf(pe: Pe, pseries: boolean): number {
  if (pe.parentBusy) return UAPI.VFIO_EEH_PE_STATE_UNAVAIL;
  if (pe.resetAsserted && pseries) return UAPI.VFIO_EEH_PE_STATE_RESET;
  pe.poll();
  if (!pe.mmioFrozen && !pe.dmaFrozen) return UAPI.VFIO_EEH_PE_STATE_NORMAL;
  if (pe.mmioFrozen && pe.dmaFrozen) return UAPI.VFIO_EEH_PE_STATE_STOPPED;
  return pe.dmaFrozen ? UAPI.VFIO_EEH_PE_STATE_STOPPED_DMA : UAPI.VFIO_EEH_PE_STATE_UNAVAIL;
}

/** eeh_pe_reset: hot and fundamental freeze the PE and hold it in reset until it is deactivated. */
function reset(pe: Pe, deactivate: boolean): number {
  if (deactivate) {
    pe.resetAsserted = false;
    pe.configBlocked = false;
    pe.unfreeze();
    // eeh_pe_reenable_devices: BARs and COMMAND are restored.
    for (const each of pe.functions) each.restore();
    return 0;
  }
  pe.freeze();
  pe.configBlocked = true;
  pe.resetAsserted = true;
  for (const each of pe.functions) each.reset();
  return 0;
}

/** eeh_pe_inject_err, pnv_eeh_err_inject. */
function inject(type: number, func: number): number {
  if (func > MOST_FUNC) return errno('EINVAL');
  if (type > 1) return errno('ERANGE');
  return INJECTABLE.has(func) ? 0 : errno('EIO');
}

function operate(pe: Pe, op: number, pseries: boolean): number {
  switch (op) {
    case UAPI.VFIO_EEH_PE_DISABLE:
      return 0;
    case UAPI.VFIO_EEH_PE_ENABLE:
      // eeh_pe_change_owner: a frozen PE is thawed for its new owner.
      if (pe.mmioFrozen || pe.dmaFrozen) pe.unfreeze();
      return 0;
    case UAPI.VFIO_EEH_PE_UNFREEZE_IO:
      pe.poll();
      pe.thaw({ mmio: true });
      return 0;
    case UAPI.VFIO_EEH_PE_UNFREEZE_DMA:
      pe.poll();
      pe.thaw({ dma: true });
      return 0;
    case UAPI.VFIO_EEH_PE_GET_STATE:
      return stateOf(pe, pseries);
    case UAPI.VFIO_EEH_PE_RESET_DEACTIVATE:
      return reset(pe, true);
    case UAPI.VFIO_EEH_PE_RESET_HOT:
    case UAPI.VFIO_EEH_PE_RESET_FUNDAMENTAL:
      return reset(pe, false);
    case UAPI.VFIO_EEH_PE_CONFIGURE:
      return 0;
    default:
      return errno('EINVAL');
  }
}

const RESETS: readonly number[] = [UAPI.VFIO_EEH_PE_RESET_HOT, UAPI.VFIO_EEH_PE_RESET_FUNDAMENTAL];

/** One group's share of VFIO_EEH_PE_OP (drivers/vfio/vfio_iommu_spapr_tce.c:vfio_spapr_ioctl_eeh_pe_op). */
function operateGroup(context: VfioContext, { machine }: VfioGroup, bytes: Uint8Array | undefined): Outcome {
  const { pe } = machine;
  if (!pe) return errno('ENODEV');
  const { order } = context.kernel;
  const asked = copyIn(OP, bytes, 'op', order);
  if (!asked) return errno('EFAULT');
  if (asked.argsz < endOf(OP, 'op') || asked.flags !== 0) return errno('EINVAL');
  if (asked.op === UAPI.VFIO_EEH_PE_INJECT_ERR) {
    if (asked.argsz < endOf(OP, 'err.mask')) return errno('EINVAL');
    const error = copyIn(OP, bytes, 'err.mask', order);
    return error ? inject(error['err.type'], error['err.func']) : errno('EFAULT');
  }
  const pseries = context.machine.description.eeh === 'pseries';
  const ms = RESETS.includes(asked.op) ? (context.durations.eehReset ?? 0) : 0;
  const work = (): number => operate(pe, asked.op, pseries);
  return ms > 0 ? new Takes(ms, work) : work();
}

/**
 * VFIO_EEH_PE_OP (R4.11; tce_iommu_ioctl): walks the groups of the container, and stops at the first result that is not 0, a
 * state among them.
 */
export function eehPeOp(context: VfioContext, groups: readonly VfioGroup[], bytes: Uint8Array | undefined): Outcome {
  for (const [at, group] of groups.entries()) {
    const done = operateGroup(context, group, bytes);
    if (done instanceof Takes) {
      const rest = groups.slice(at + 1);
      return new Takes(done.ms, () => done.end() || finish(eehPeOp(context, rest, bytes)));
    }
    if (done !== 0) return done;
  }
  return 0;
}

/** Groups behind the first one take their time at its end. */
const finish = (outcome: Outcome): number => {
  if (typeof outcome === 'number') return outcome;
  return outcome instanceof Takes ? outcome.end() : errno('EAGAIN');
};
