import { OPERATION_FAILURES, type OperationResult } from '../contract/step.js';
import { describeError } from '../errors/describe-error.js';
import { isObject, isScope } from './read-scope.js';

const NONSENSE: OperationResult = { ok: false, why: 'failed', detail: 'The platform answered nonsense.' };

const FAILURES: ReadonlySet<unknown> = new Set(OPERATION_FAILURES);

function isResult(value: unknown): value is OperationResult {
  if (!isObject(value)) return false;
  if (value['ok'] === true) return value['scope'] === undefined || isScope(value['scope']);
  return value['ok'] === false && FAILURES.has(value['why']);
}

/** What a platform's answer to an operation counts as: anything but a result is a failure. */
export function readResult(given: unknown): OperationResult {
  try {
    return isResult(given) ? given : NONSENSE;
  } catch {
    return NONSENSE;
  }
}

/** What a thrown error, or a rejection, of an operation counts as. */
export const failedBy = (error: unknown): OperationResult => ({
  ok: false,
  why: 'failed',
  detail: describeError(error),
});
