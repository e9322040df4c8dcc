import { type PlatformProfile, type Stage } from '../profile.js';
import { EEH_LAYOUTS } from './eeh-layouts.js';
import {
  available,
  DETECTED,
  ENDS,
  EVERYBODY,
  MERGE,
  replug,
  reset,
  SLOT_RESET,
  thawDma,
  thawMmio,
  unplug,
  votes,
} from './eeh-stages.js';

/**
 * eeh_pe_reset_full, eeh_clear_pe_frozen_state: three tries of a reset, then three of a thaw. A thaw that fails brings one more
 * reset; what is still frozen in the end is thawed for the permanent log, if that can be.
 */
const resetting = (name: string, next: string): Record<string, Stage> => ({
  [name]: reset('hot', `${name}_mmio`, 'failed_frozen'),
  [`${name}_mmio`]: { ...thawMmio(`${name}_dma`, 'failed_frozen'), tries: 'unseen' },
  [`${name}_dma`]: { ...thawDma(next, 'failed'), tries: 'unseen' },
});

/** Linux 7.3 arch/powerpc/kernel/eeh_driver.c:eeh_handle_normal_event for a PE below a host bridge. */
const FROZEN: Readonly<Record<string, Stage>> = {
  error_detected: {
    ...DETECTED,
    ...votes({
      none: 'wait_complete',
      can_recover: 'wait_thaw',
      need_reset: 'wait_partial',
      disconnect: 'failed_frozen',
      recovered: 'wait_resume',
      no_aer_driver: 'wait_failed',
    }),
  },
  wait_complete: available('unplug_everybody', 'failed'),
  wait_thaw: available('thaw_mmio', 'failed'),
  wait_partial: available('unplug_insensitive', 'failed'),
  wait_resume: available('resume', 'failed'),
  wait_failed: available('failed_frozen', 'failed'),
  thaw_mmio: thawMmio('mmio_enabled', 'failed_frozen'),
  // Merged into can_recover, so that only two votes change anything.
  mmio_enabled: {
    do: 'vote',
    callback: 'mmioEnabled',
    channel: 'frozen',
    start: 'can_recover',
    ...EVERYBODY,
    ...votes({
      none: 'thaw_dma',
      can_recover: 'thaw_dma',
      need_reset: 'unplug_insensitive',
      disconnect: 'failed',
      recovered: 'thaw_dma',
      no_aer_driver: 'thaw_dma',
    }),
  },
  thaw_dma: thawDma('resume', 'failed'),
  unplug_everybody: unplug('everybody', 'complete'),
  ...resetting('complete', 'replug_everybody'),
  replug_everybody: replug('resume'),
  unplug_insensitive: unplug('insensitive', 'partial'),
  ...resetting('partial', 'replug_insensitive'),
  replug_insensitive: replug('slot_reset'),
  slot_reset: SLOT_RESET,
  // The permanent log lets register access through, where it is stopped (eeh_slot_error_detail).
  failed_frozen: thawMmio('failed', 'failed'),
  ...ENDS,
};

/** The same for a host bridge that is fenced: every vote but none needs the reset, and there is nothing else to thaw. */
const FENCED: Readonly<Record<string, Stage>> = {
  error_detected: {
    ...DETECTED,
    ...votes({
      none: 'wait_complete',
      can_recover: 'wait_partial',
      need_reset: 'wait_partial',
      disconnect: 'failed',
      recovered: 'wait_partial',
      no_aer_driver: 'wait_partial',
    }),
  },
  wait_complete: available('unplug_everybody', 'failed'),
  wait_partial: available('unplug_insensitive', 'failed'),
  unplug_everybody: unplug('everybody', 'complete'),
  complete: reset('complete', 'replug_everybody', 'failed'),
  replug_everybody: replug('resume'),
  unplug_insensitive: unplug('insensitive', 'partial'),
  partial: reset('complete', 'replug_insensitive', 'failed'),
  replug_insensitive: replug('slot_reset'),
  slot_reset: SLOT_RESET,
  ...ENDS,
};

const PURGES = {
  same: 'queue_and_purge',
  inside: 'queue_and_purge',
  wider: 'queue_and_purge',
  crossing: 'queue_and_purge',
  disjoint: 'queue_and_purge',
} as const;

/** The law of EEH in host mode on PowerNV, as Linux 7.3 has it. Nothing here was made from a procedure of ours. */
export const eehProfile: PlatformProfile = {
  name: 'eeh',
  source: 'Linux 7.3 arch/powerpc/kernel/eeh_driver.c, eeh.c, eeh_pe.c, eeh_event.c; platforms/powernv/eeh-powernv.c',
  merge: MERGE,
  fault: 'disconnect',
  incidents: {
    /** A read of all ones behind a PE whose MMIO and DMA are stopped. */
    frozen: { severity: 'fatal', recovers: true, stages: FROZEN, first: 'error_detected', givenUp: 'failed_frozen' },
    /** A whole host bridge is: a read finds that too, before it looks at any PE. */
    fenced: {
      severity: 'fatal',
      recovers: true,
      stages: FENCED,
      first: 'error_detected',
      givenUp: 'failed',
      // It takes along what waits for its host bridge (eeh_handle_special_event), and is reported whatever is isolated below.
      arrival: PURGES,
      reported: 'each',
    },
    /** Something about a host bridge, told to nobody. */
    informative: { severity: 'informative', recovers: false, told: false, detectors: ['bridge'] },
  },
  layouts: EEH_LAYOUTS,
  arrivals: {
    order: 'lifo',
    law: { same: 'fold', inside: 'fold', wider: 'queue', crossing: 'queue', disjoint: 'queue' },
  },
  // While a PE is isolated further reads of all ones are only counted (eeh_dev_check_failure).
  reports: { burst: 'counted', recovering: 'counted' },
  // Its functions are taken out, and configuration space of that address stays blocked.
  afterFailure: 'lost',
  surveyFinds: ['frozen', 'fenced'],
  raw: true,
  uevents: {
    detected: {
      none: 'BEGIN_RECOVERY',
      can_recover: 'BEGIN_RECOVERY',
      need_reset: 'BEGIN_RECOVERY',
      disconnect: 'FAILED_RECOVERY',
      recovered: 'SUCCESSFUL_RECOVERY',
      no_aer_driver: null,
    },
    resume: 'SUCCESSFUL_RECOVERY',
    permFailure: 'FAILED_RECOVERY',
    uncalled: false,
  },
  // eeh_max_freezes, eeh_pe_update_time_stamp: five within an hour of the first.
  repetitionLimit: { count: 6, windowMs: 3_600_000, window: 'first' },
  // eeh_dev_check_failure: a PE that is passed through is its owner's; eeh_edev_actionable, eeh_pe_refreeze_passed.
  held: { own: { frozen: null }, leftAlone: 'stopped_after_reset' },
};
