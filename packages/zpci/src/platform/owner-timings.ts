/** How long a reset is tried again that the host does not let through yet, in milliseconds: positive, finite numbers. */
export interface OwnerTimings {
  /** Before it is tried again for the first time; then twice as long, and so on. */
  readonly firstRetryMs: number;
  /** At most that long between two tries. */
  readonly mostRetryMs: number;
  /** Altogether. */
  readonly limitMs: number;
}

/** On a real kernel the host's handler is done within some milliseconds. */
export const OWNER_TIMINGS: OwnerTimings = { firstRetryMs: 1, mostRetryMs: 64, limitMs: 5000 };
