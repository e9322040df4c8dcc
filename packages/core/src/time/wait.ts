import { type Clock } from '../contract/clock.js';
import { PciRecoveryError } from '../errors/pci-recovery-error.js';

/** The error of everything that was aborted; its cause is the signal's reason. */
export const abortedError = (signal: AbortSignal | undefined, what: string): PciRecoveryError =>
  new PciRecoveryError('ERR_PCI_ABORTED', `${what} was aborted.`, { cause: signal?.reason, permanence: 'temporary' });

/**
 * Fulfilled `ms` milliseconds from now.
 * @throws PciRecoveryError `ERR_PCI_ABORTED` as soon as `signal` aborts.
 */
export function wait(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.reject(abortedError(signal, 'The wait'));
  return new Promise((resolve, reject) => {
    const timer = clock.after(ms, () => {
      signal?.removeEventListener('abort', aborted);
      resolve();
    });
    const aborted = (): void => {
      timer[Symbol.dispose]();
      reject(abortedError(signal, 'The wait'));
    };
    signal?.addEventListener('abort', aborted, { once: true });
  });
}
