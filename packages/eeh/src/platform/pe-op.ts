import { EEH_RESET, EEH_STATE } from '../firmware/states.js';
import { PE_STATE, type Pe } from '../pe/pe.js';
import { VFIO_EEH_PE, VFIO_EEH_PE_STATE, type EehInjection } from '../vfio.js';
import { resetStep, thaw } from './control.js';
import { ERRNO } from './errno.js';
import { changeOwner } from './ownership.js';
import { type Surroundings } from './surroundings.js';
import { waitFor, type Waiting } from './waiting.js';

/** Functions that may be injected at all (arch/powerpc/include/uapi/asm/eeh.h: EEH_ERR_FUNC_MAX). */
const LAST_FUNCTION = 19;

/**
 * One VFIO_EEH_PE_OP on one PE, as the kernel answers it: 0, a state for GET_STATE, or a negative errno.
 *
 * Source: Linux 7.3 drivers/vfio/vfio_iommu_spapr_tce.c:vfio_spapr_ioctl_eeh_pe_op; arch/powerpc/kernel/eeh.c:
 * eeh_pe_set_option, eeh_pe_get_state, eeh_pe_reset, eeh_pe_configure, eeh_pe_inject_err.
 */
export function* peOperation(
  around: Surroundings,
  pe: Pe,
  operation: number,
  injection?: EehInjection,
): Waiting<number> {
  switch (operation) {
    case VFIO_EEH_PE.DISABLE:
      return 0;
    case VFIO_EEH_PE.ENABLE:
      return yield* changeOwner(around, pe);
    case VFIO_EEH_PE.UNFREEZE_IO:
      return yield* waitFor(thaw(around, pe, 'mmio'));
    case VFIO_EEH_PE.UNFREEZE_DMA:
      return yield* waitFor(thaw(around, pe, 'dma'));
    case VFIO_EEH_PE.GET_STATE:
      return peState(around, pe);
    case VFIO_EEH_PE.RESET_DEACTIVATE:
      return yield* resetStep(around, pe, EEH_RESET.DEACTIVATE, true);
    case VFIO_EEH_PE.RESET_HOT:
      return yield* resetStep(around, pe, EEH_RESET.HOT, true);
    case VFIO_EEH_PE.RESET_FUNDAMENTAL:
      return yield* resetStep(around, pe, EEH_RESET.FUNDAMENTAL, true);
    case VFIO_EEH_PE.CONFIGURE:
      return around.ops.configureBridges ? yield* around.ops.configureBridges(pe) : 0;
    case VFIO_EEH_PE.INJECT_ERR:
      return inject(around, pe, injection);
    default:
      return ERRNO.EINVAL;
  }
}

function inject({ ops }: Surroundings, pe: Pe, injection: EehInjection | undefined): number {
  if (!injection || injection.func < 0 || injection.func > LAST_FUNCTION) return ERRNO.EINVAL;
  const { type, func, address, mask } = injection;
  return ops.injectError(pe, type, func, address, mask);
}

/**
 * The state as an owner sees it: unavailable while the host recovers a PE above, and when only MMIO is stopped. An error of
 * firmware is unavailable too: no bit of a negative state means anything.
 */
function peState({ ops }: Surroundings, pe: Pe): number {
  const above = pe.parent?.state ?? 0;
  const hostBusy = (above & (PE_STATE.ISOLATED | PE_STATE.RECOVERING)) !== 0;
  if (hostBusy && (pe.state & PE_STATE.REMOVED) === 0) return VFIO_EEH_PE_STATE.UNAVAILABLE;
  const { state } = ops.getState(pe);
  if (state < 0) return VFIO_EEH_PE_STATE.UNAVAILABLE;
  if ((state & EEH_STATE.RESET_ACTIVE) !== 0) return VFIO_EEH_PE_STATE.RESET;
  const mmio = (state & EEH_STATE.MMIO_ENABLED) !== 0;
  const dma = (state & EEH_STATE.DMA_ENABLED) !== 0;
  if (mmio) return dma ? VFIO_EEH_PE_STATE.NORMAL : VFIO_EEH_PE_STATE.STOPPED_DMA;
  return dma ? VFIO_EEH_PE_STATE.UNAVAILABLE : VFIO_EEH_PE_STATE.STOPPED;
}
