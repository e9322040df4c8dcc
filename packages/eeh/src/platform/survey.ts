import { type Bdf } from '@pci-recovery/core';
import { isActive } from '../firmware/states.js';
import { PE_STATE, type Pe } from '../pe/pe.js';
import { mark } from '../pe/tree.js';
import { checkFailure, checkHostBridge, type EehStatistics, type FoundFrozen } from './detection.js';
import { type Surroundings } from './surroundings.js';

/** A PE that a survey found, and the function that was asked for; a host bridge's own has none. */
export type Surveyed = FoundFrozen & { readonly bdf?: Bdf };

/** Host bridges first, then every PE that nobody recovers yet and no owner watches over. */
export function survey(around: Surroundings, statistics: EehStatistics): Surveyed[] {
  const found: Surveyed[] = [];
  for (const root of around.tree.roots) {
    const failed = checkHostBridge(around, root);
    if (failed) found.push(failed);
  }
  for (const pe of [...around.tree.all()]) {
    const frozen = surveyed(around, pe, statistics);
    if (!frozen) continue;
    // Frozen ones below it are recovered with it.
    mark(frozen.pe, PE_STATE.RECOVERING);
    found.push(frozen);
  }
  return found;
}

const has = (pe: Pe | undefined, bits: number): boolean => ((pe?.state ?? 0) & bits) !== 0;

/** Also a PE that somebody's question has isolated, so that no read finds it any more. */
function surveyed(around: Surroundings, pe: Pe, statistics: EehStatistics): Surveyed | undefined {
  const device = pe.functions.find(({ present }) => present);
  if (!device || pe.passed > 0 || has(pe, PE_STATE.RECOVERING)) return undefined;
  if (has(around.tree.phb(pe.phb), PE_STATE.ISOLATED)) return undefined;
  const { bdf } = device;
  if (has(pe, PE_STATE.ISOLATED)) {
    const { state } = around.ops.getState(pe);
    return state < 0 || isActive(state) ? undefined : { pe, state, bdf };
  }
  const check = checkFailure(around, device, { ...statistics });
  return typeof check === 'object' ? { ...check, bdf } : undefined;
}
