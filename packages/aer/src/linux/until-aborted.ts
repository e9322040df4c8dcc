import { type OperationResult } from '@pci-recovery/core';

/** A wait gives way to an abort at once. */
export function untilAborted(result: Promise<OperationResult>, signal: AbortSignal): Promise<OperationResult> {
  if (signal.aborted) return Promise.resolve({ ok: false, why: 'stopped' });
  return new Promise((resolve, reject) => {
    const stop = (): void => resolve({ ok: false, why: 'stopped' });
    signal.addEventListener('abort', stop, { once: true });
    result.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
