import { adopt, isThenable } from './callback.js';

/**
 * Looks at what a hook returned that nobody waits for. Plain JavaScript lets it be asynchronous all the same, and then its failure would
 * be nobody's: an unhandled rejection, which ends the process in the middle of everybody's recoveries.
 * @param report gets that failure, later.
 * @returns what was returned
 */
export function unawaited<T>(returned: T, report: (error: unknown) => void): T {
  if (isThenable(returned)) adopt(returned).then(undefined, report);
  return returned;
}

/** For what is refused anyway, because a promise is no answer. */
export const refusedAnyway = (): void => undefined;
