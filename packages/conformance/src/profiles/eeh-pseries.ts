import { type ActStage, type Layout, type PlatformProfile, type Stage } from '../profile.js';
import { EEH_LAYOUTS } from './eeh-layouts.js';
import {
  available,
  DETECTED,
  ENDS,
  EVERYBODY,
  replug,
  reset,
  SLOT_RESET,
  thawDma,
  thawMmio,
  unplug,
  votes,
} from './eeh-stages.js';
import { eehProfile } from './eeh.js';

/** Every log lets register access through first (EEH_ENABLE_IO_FOR_LOG), whether that works or not. */
const logged = (next: string): ActStage => ({ ...thawMmio(next, next), tries: 'unseen' });

/** RTAS lifts the stop of DMA as it takes a reset back: that is seen before the reset's end. */
const resetting = (name: string, next: string): Record<string, Stage> => ({
  [name]: { ...reset('pe', `${name}_back`, 'failed'), evidence: { kind: 'dma_enabled', of: 'stopped' } },
  [`${name}_back`]: reset('pe', next, 'failed'),
});

/**
 * Linux 7.3 arch/powerpc/kernel/eeh_driver.c:eeh_handle_normal_event with what arch/powerpc/kernel/eeh.c:
 * eeh_slot_error_detail and arch/powerpc/platforms/pseries/eeh_pseries.c make of it on pSeries.
 */
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
  wait_complete: available('log_complete', 'failed'),
  log_complete: logged('unplug_everybody'),
  wait_thaw: available('log_thaw', 'failed'),
  log_thaw: logged('mmio_enabled'),
  wait_partial: available('log_partial', 'failed'),
  log_partial: logged('unplug_insensitive'),
  wait_resume: available('log_resume', 'failed'),
  log_resume: logged('resume'),
  wait_failed: available('log_failed', 'failed'),
  log_failed: logged('failed'),
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
  // Where no temporary log came before, the permanent one lets register access through.
  failed_frozen: logged('failed'),
  ...ENDS,
};

/** RTAS resets a PE's own functions too, ports included. Host bridges are the hypervisor's: no error concerns a whole one. */
const LAYOUTS = Object.fromEntries(
  Object.entries(EEH_LAYOUTS).map(([name, { resets: _, incidents: __, ...layout }]): [string, Layout] => [
    name,
    layout,
  ]),
);

/** The law of EEH in host mode on pSeries, as Linux 7.3 has it. Nothing here was made from a procedure of ours. */
export const eehPseriesProfile: PlatformProfile = {
  ...eehProfile,
  name: 'eeh-pseries',
  source: 'Linux 7.3 arch/powerpc/kernel/eeh_driver.c, eeh.c, eeh_pe.c; platforms/pseries/eeh_pseries.c',
  incidents: {
    /** A read of all ones behind a PE whose MMIO and DMA are stopped. */
    frozen: { severity: 'fatal', recovers: true, stages: FROZEN, first: 'error_detected', givenUp: 'failed_frozen' },
  },
  layouts: LAYOUTS,
  surveyFinds: ['frozen'],
  raw: false,
  // pseries_eeh_set_option: RTAS stops nothing, so nothing can be stopped again after a reset.
  held: { own: { frozen: null }, leftAlone: 'running_after_reset' },
};
