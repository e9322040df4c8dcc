import { type RecoveryScope } from '../contract/device.js';
import { OPERATION_FAILURES, type OperationResult } from '../contract/step.js';

const NONSENSE: OperationResult = { ok: false, why: 'failed', detail: 'The platform answered nonsense.' };

const FAILURES: ReadonlySet<unknown> = new Set(OPERATION_FAILURES);

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const isMember = (value: unknown): boolean =>
  isObject(value) &&
  typeof value['bdf'] === 'string' &&
  typeof value['generation'] === 'number' &&
  isObject(value['handles']);

/** Whether a platform's answer is a scope that can be worked with. */
export const isScope = (value: unknown): value is RecoveryScope =>
  isObject(value) &&
  typeof value['id'] === 'string' &&
  Array.isArray(value['members']) &&
  value['members'].every(isMember);

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
