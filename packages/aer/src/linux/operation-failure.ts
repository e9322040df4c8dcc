import { describeError, isPciRecoveryError, type OperationFailure, type OperationResult } from '@pci-recovery/core';

const WHY: Readonly<Record<string, OperationFailure>> = {
  EAGAIN: 'timeout',
  EBUSY: 'refused',
  EINVAL: 'refused',
  EPERM: 'refused',
  EACCES: 'refused',
  ENOTTY: 'unsupported',
  EOPNOTSUPP: 'unsupported',
  ENODEV: 'gone',
};

/** A wait that gave way to an abort. */
export const STOPPED: OperationResult = { ok: false, why: 'stopped' };

/** What a failed call of a port means for the operation that made it: by the errno in its context. */
export function operationFailure(error: unknown): OperationResult {
  const detail = describeError(error);
  if (isPciRecoveryError(error) && error.code === 'ERR_PCI_DEADLINE') return { ok: false, why: 'timeout', detail };
  const errno = isPciRecoveryError(error) ? error.context['errno'] : undefined;
  return { ok: false, why: (typeof errno === 'string' && WHY[errno]) || 'failed', detail };
}
