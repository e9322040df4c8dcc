/** What the command says by its exit code. */
export const EXIT = {
  /** Done. */
  done: 0,
  /** It failed: a file cannot be read, a conformance case failed. */
  failure: 1,
  /** Wrong arguments. */
  usage: 2,
  /** Not supported here. */
  unsupported: 3,
  /** A device was not recovered; also for a fault that is meant to end so. */
  notRecovered: 4,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
