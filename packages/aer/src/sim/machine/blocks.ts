/** Why a function does not answer, as bits. 0: it does. */
export const BLOCK = {
  /** Surprise-removed. */
  ABSENT: 1,
  /** Held in reset, or its link is not up again. */
  IN_RESET: 2,
  /** After reset, not ready yet (Request Retry Status). */
  INITIALIZING: 4,
  /** Hung until a reset. */
  FROZEN: 8,
  /** Nothing leads to it: a bridge above does not answer, its link is down, or its bus numbers lead elsewhere. */
  UNREACHABLE: 16,
  /** A virtual function that its physical function has not enabled. */
  DISABLED: 32,
  /** It answers, but a script looks at every access. */
  WATCHED: 64,
} as const;

/** All but {@link BLOCK}.WATCHED: any of them and it does not answer. */
export const SILENT = 63;

/** What keeps a bridge from leading to what is below it. */
export const IMPASSABLE = SILENT;
