import { type ErsResult } from '@pci-recovery/core';

/** How a driver behaves; may be changed while it runs. */
export interface Temper {
  /** What it votes on a non-fatal error. Default: `can_recover`. */
  nonfatal?: ErsResult;
  /** The callback that it never comes back from. */
  hangs?: string;
}

/** What the program is started with. */
export interface OwnerInput {
  readonly devices: readonly string[];
  /** Without the kernel's trace, severity and source are worked out from counters. */
  readonly trace: boolean;
  readonly temper?: Temper;
  /** Milliseconds that a callback may take. Default: the policy's. */
  readonly deadlineMs?: number;
}
