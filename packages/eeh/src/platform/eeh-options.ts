import { type Bdf } from '@pci-recovery/core';
import { type EehLog, type EehTimings } from './surroundings.js';

/** What can be set differently. */
export interface EehPlatformOptions {
  /** Default: `eeh`. */
  readonly name?: string;
  /** Default: `KERNEL_TIMINGS`. */
  readonly timings?: EehTimings;
  /** So often may a PE freeze within an hour of the first time (Linux `eeh_max_freezes`; R4.10). Default: 5. */
  readonly mostFreezes?: number;
  /** Gets every log, whole (R4.7). It must not throw. */
  readonly logged?: (log: EehLog) => void;
  /**
   * A function was read `MOST_IGNORED_READS` times since its PE was isolated: its driver may be in an endless loop. It must
   * not throw.
   */
  readonly suspectedLoop?: (bdf: Bdf, pe: string, reads: number) => void;
}
