import { type Clock } from '../contract/clock.js';
import { PciRecoveryError } from '../errors/pci-recovery-error.js';
import { type Awaitable } from '../plain.js';

/**
 * Calls something and waits for it, but no longer than `ms` milliseconds.
 * @throws PciRecoveryError `ERR_PCI_DEADLINE` when it takes longer; whatever the call itself throws.
 */
export function callWithin(clock: Clock, ms: number, call: () => Awaitable<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const overrun = (): void =>
      reject(new PciRecoveryError('ERR_PCI_DEADLINE', `A callback took longer than ${ms} ms.`));
    const timer = ms === Infinity ? undefined : clock.after(ms, overrun);
    Promise.resolve()
      .then(call)
      .then(resolve, reject)
      .finally(() => timer?.[Symbol.dispose]());
  });
}
