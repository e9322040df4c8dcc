import { EEH_RESET, EEH_STATE, isActive } from '../firmware/states.js';
import { PE_STATE, type EehDevice, type Pe } from '../pe/pe.js';
import { clear, forgetIsolation, mark } from '../pe/tree.js';
import { resetFull, resetStep, unfreeze, unfreezeAll } from './control.js';
import { ERRNO } from './errno.js';
import { restoreState, saveState } from './saved-state.js';
import { type Surroundings } from './surroundings.js';
import { type Waiting } from './waiting.js';

/** Adapters that need a whole reset when they change hands frozen (eeh.c:eeh_reset_ids). Device id << 16 | vendor id. */
const RESET_ON_CHANGE: ReadonlySet<number> = new Set([0x0710_19a2, 0xe220_10df, 0x1657_14e4]);

/**
 * A PE that changes hands is thawed, whoever froze it; three adapters are reset instead. 0 or an error. One that works is no
 * longer isolated: its owner may have thawed it by itself, which the kernel forgets, so that the host never finds it again.
 *
 * Source: Linux 7.3 arch/powerpc/kernel/eeh.c:eeh_pe_change_owner.
 */
export function* changeOwner(around: Surroundings, pe: Pe): Waiting<number> {
  const { state } = around.ops.getState(pe);
  if (isActive(state)) forgetIsolation(pe);
  if (state < 0 || state === EEH_STATE.NOT_SUPPORTED || isActive(state)) return 0;
  if (pe.functions.some((one) => one.present && RESET_ON_CHANGE.has(one.saved[0]!)))
    return yield* resetAndRecover(around, pe);
  const rc = yield* unfreeze(around, pe);
  if (rc === 0) clear(pe, PE_STATE.ISOLATED, true);
  return rc;
}

/** A reset that nobody is told of; registers are kept (eeh_driver.c:eeh_pe_reset_and_recover). */
function* resetAndRecover(around: Surroundings, pe: Pe): Waiting<number> {
  if ((pe.state & PE_STATE.RECOVERING) !== 0) return 0;
  mark(pe, PE_STATE.RECOVERING);
  const saved = saveState(around, pe);
  try {
    const rc = (yield* resetFull(around, pe, true)) || (yield* unfreezeAll(around, pe, true));
    if (rc === 0) yield* restoreState(around, pe, saved);
    return rc;
  } finally {
    clear(pe, PE_STATE.RECOVERING, true);
  }
}

/** VFIO opens a function: its PE is thawed and from now on its owner's to watch and recover. 0 or an error (eeh_dev_open). */
export function* openFunction(around: Surroundings, device: EehDevice | undefined): Waiting<number> {
  if (!device?.present || !device.pe) return ERRNO.ENODEV;
  const { pe } = device;
  const rc = yield* changeOwner(around, pe);
  if (rc !== 0) return rc;
  // A reset takes its time: the function may have left meanwhile.
  if (device.pe !== pe || !device.present) return ERRNO.ENODEV;
  pe.passed++;
  device.opened++;
  return 0;
}

/**
 * VFIO lets a function go, as often as it was opened (eeh_dev_release). One that has left since is its owner's no longer
 * anyhow. A reset that the last owner asserted and did not take back is taken back, unlike in the kernel, whose next driver
 * would find a device in reset and its registers blocked.
 */
export function* releaseFunction(around: Surroundings, device: EehDevice | undefined): Waiting<void> {
  if (!device?.pe || device.opened === 0) return;
  const { pe } = device;
  device.opened--;
  pe.passed--;
  if (pe.passed === 0 && pe.resetAsserted) yield* resetStep(around, pe, EEH_RESET.DEACTIVATE, true);
  yield* changeOwner(around, pe);
}
