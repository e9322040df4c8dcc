import { type Operation } from '@pci-recovery/core';

/** What the platform is asked to do in host mode. */
export const HOST_OPERATIONS = {
  /** Asks firmware for the function's handle now, and for its state where a survey found the error. Value: {@link HandleFreshness}. */
  refreshHandle: { name: 'refresh_handle', nature: 'wait' },
  /** Keeps the record for whoever holds the function through VFIO. Value: {@link RecordStorage}. */
  storeRecord: { name: 'store_record', nature: 'change' },
  /** Lets register accesses through again, DMA not; fails also where the function is disabled. */
  unblockLoadStore: { name: 'unblock_load_store', nature: 'change' },
  /** Leaves the error state: DMA works again, the channel is normal. */
  clearErrorState: { name: 'clear_error_state', nature: 'change' },
  /** Disables and enables this one function, with its interrupts and its DMA; the channel is normal (R2.10). */
  hotReset: { name: 'hot_reset', nature: 'change' },
  /** Tells user space that recovery failed. */
  reportFailed: { name: 'report_failed', nature: 'change' },
} as const satisfies Readonly<Record<string, Operation>>;

/**
 * `stale`: the handle has changed since the event. `over`: a survey found the error, and its function is not in the error
 * state any more. `unknown`: firmware has no such function, or none that is usable.
 */
export type HandleFreshness = 'current' | 'stale' | 'over' | 'unknown';

/** `stored`, `full` (dropped): somebody holds the function through VFIO. `not_mediated`: nobody does. */
export type RecordStorage = 'stored' | 'full' | 'not_mediated';
