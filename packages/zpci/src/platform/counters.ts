/** How often what was seen since the platform was made. Memory does not grow. */
export interface ZpciCounters {
  /** Errors that were reported, by class. */
  measurement: number;
  permanent: number;
  recoverable: number;
  /** Errors with a stale handle, or one that firmware does not confirm: dropped (R2.2). */
  stale: number;
  /** Errors that a survey had found, too, and that were recovered by then: dropped. */
  over: number;
  /** Errors of functions that nobody knows. */
  unknown: number;
  /** Errors of functions that are no PCI function now. */
  absent: number;
  /** Records that were dropped because their function's queue was full (R2.3). */
  overflowed: number;
  /** Records that nobody had read when their function was closed. */
  unread: number;
  /** Notifications that make no sense. */
  malformed: number;
  /** Availability events that were taken in. */
  availability: number;
}

export const freshCounters = (): ZpciCounters => ({
  measurement: 0,
  permanent: 0,
  recoverable: 0,
  stale: 0,
  over: 0,
  unknown: 0,
  absent: 0,
  overflowed: 0,
  unread: 0,
  malformed: 0,
  availability: 0,
});
