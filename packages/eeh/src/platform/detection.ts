import { EEH_STATE, isActive } from '../firmware/states.js';
import { PE_STATE, type EehDevice, type Pe } from '../pe/pe.js';
import { markIsolated } from '../pe/tree.js';
import { type Surroundings } from './surroundings.js';

/** So many ignored reads look like an endless loop in a driver (eeh.c:EEH_MAX_FAILS). */
export const MOST_IGNORED_READS = 2_100_000;

/** A PE that was found frozen, to be recovered, and its state in bits of `EEH_STATE`. */
export type FoundFrozen = { readonly pe: Pe; readonly state: number };

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
  | FoundFrozen;

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
  const { top } = topmostFrozen(around, pe);
  statistics.freezes++;
  isolate(around, top);
  return { pe: top, state };
}

/** A fenced host bridge is dealt with first: below it everything looks frozen (eeh_phb_check_failure). */
export function checkHostBridge({ tree, ops }: Surroundings, { phb }: Pe): FoundFrozen | undefined {
  const pe = tree.phb(phb);
  if (!ops.knowsHostBridges || !pe || (pe.state & PE_STATE.ISOLATED) !== 0) return undefined;
  const { state } = ops.getState(pe);
  if (state < 0 || state === EEH_STATE.NOT_SUPPORTED || isActive(state)) return undefined;
  markIsolated(pe);
  return { pe, state };
}

/**
 * Isolated from here on, with the log of this error: that of one of which both MMIO and DMA are stopped was taken when its state
 * was asked for. The kernel takes none of a half frozen one, and would show that of an earlier error.
 */
function isolate({ ops }: Surroundings, pe: Pe): void {
  if ((pe.state & PE_STATE.ISOLATED) === 0) ops.takeDiag?.(pe);
  markIsolated(pe);
}

/**
 * The highest PE above that is frozen too, and whether it was isolated before it was asked; host bridges are not looked at here.
 * The kernel overlooks one whose MMIO and DMA are both stopped (it wants a state above 0), and would leave it isolated for ever;
 * we do not.
 */
export function topmostFrozen({ ops }: Surroundings, pe: Pe): { readonly top: Pe; readonly wasIsolated: boolean } {
  let found = { top: pe, wasIsolated: (pe.state & PE_STATE.ISOLATED) !== 0 };
  for (let up = pe.parent; up && up.type !== 'phb'; up = up.parent) {
    const wasIsolated = (up.state & PE_STATE.ISOLATED) !== 0;
    const { state } = ops.getState(up);
    if (state >= 0 && !isActive(state)) found = { top: up, wasIsolated };
  }
  return found;
}
