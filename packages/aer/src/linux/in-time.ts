import { PciRecoveryError, type Clock } from '@pci-recovery/core';

/**
 * Waits for a call that cannot be cut short, such as an access to a device that hangs: it is left to itself when its time is over.
 * @param ms milliseconds.
 * @throws PciRecoveryError `ERR_PCI_DEADLINE` when it has not ended in time; what the call itself throws.
 */
export function inTime<T>(clock: Clock, ms: number, what: string, call: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void =>
      reject(new PciRecoveryError('ERR_PCI_DEADLINE', `${what} did not end in ${ms} ms.`, { permanence: 'temporary' }));
    const timer = clock.after(ms, late);
    call.then(resolve, reject).finally(() => timer[Symbol.dispose]());
  });
}
