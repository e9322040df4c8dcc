import { EEH_STATE, isActive } from '../firmware/states.js';
import { PE_STATE, type EehDevice, type Pe } from '../pe/pe.js';
import { markIsolated } from '../pe/tree.js';
import { type Surroundings } from './surroundings.js';

/** So many ignored reads look like an endless loop in a driver (eeh.c:EEH_MAX_FAILS). */
export const MOST_IGNORED_READS = 2_100_000;

/** What became of a read that gave all ones. */
export type Check =
  /** All is well: the device just answered that. */
  | 'false_positive'
  /** Nobody watches over it: no PE, or EEH is off. */
  | 'ignored'
  /** An owner watches over it. */
  | 'passed'
  /** It is known to be frozen; the read was counted. */
  | 'counted'
  /** Found frozen: `pe` is to be recovered. */
  | { readonly pe: Pe; readonly state: number };

/** Counts of all checks of a machine (`/proc/powerpc/eeh`). */
export interface EehStatistics {
  /** Functions without PE. */
  ignoredChecks: number;
  allOnes: number;
  falsePositives: number;
  /** Freezes found. */
  freezes: number;
}

/**
 * Whether a read of all ones comes from a freeze: the host bridge first, then the function's PE, and of frozen PEs the topmost.
 * What is found is isolated from here on.
 *
 * Source: Linux 7.3 arch/powerpc/kernel/eeh.c:eeh_dev_check_failure.
 */
export function checkFailure(around: Surroundings, device: EehDevice | undefined, statistics: EehStatistics): Check {
  statistics.allOnes++;
  const pe = device?.pe;
  if (!pe) {
    statistics.ignoredChecks++;
    return 'ignored';
  }
  const bridge = checkHostBridge(around, pe);
  if (bridge) return bridge;
  if (pe.passed > 0) return 'passed';
  if ((pe.state & PE_STATE.ISOLATED) !== 0) {
    pe.checkCount++;
    return 'counted';
  }
  const { state } = around.ops.getState(pe);
  const lost = state === EEH_STATE.NOT_SUPPORTED && device.channel === 'perm_failure';
  if (state < 0 || lost || isActive(state)) {
    statistics.falsePositives++;
    pe.falsePositives++;
    return 'false_positive';
  }
  const top = topmostFrozen(around, pe);
  statistics.freezes++;
  markIsolated(top);
  return { pe: top, state };
}

/** A fenced host bridge is dealt with first: below it everything looks frozen (eeh_phb_check_failure). */
export function checkHostBridge({ tree, ops }: Surroundings, { phb }: Pe): Extract<Check, { pe: Pe }> | undefined {
  const pe = tree.phb(phb);
  if (!ops.knowsHostBridges || !pe || (pe.state & PE_STATE.ISOLATED) !== 0) return undefined;
  const { state } = ops.getState(pe);
  if (state < 0 || state === EEH_STATE.NOT_SUPPORTED || isActive(state)) return undefined;
  markIsolated(pe);
  return { pe, state };
}

/**
 * The highest PE above that is frozen too; host bridges are not looked at here. The kernel overlooks one whose MMIO and DMA are
 * both stopped (it wants a state above 0), and would leave it isolated for ever; we do not.
 */
export function topmostFrozen({ ops }: Surroundings, pe: Pe): Pe {
  let top = pe;
  for (let up = pe.parent; up && up.type !== 'phb'; up = up.parent) {
    const { state } = ops.getState(up);
    if (state >= 0 && !isActive(state)) top = up;
  }
  return top;
}
