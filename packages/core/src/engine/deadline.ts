import { type Clock } from '../contract/clock.js';
import { type DeviceRef } from '../contract/device.js';
import { type Callback } from '../contract/handlers.js';
import { type RecoveryPolicy } from '../contract/policy.js';
import { PciRecoveryError } from '../errors/pci-recovery-error.js';
import { type Awaitable } from '../plain.js';
import { DEFAULT_DEADLINE_MS } from '../policy/kernel-policy.js';
import { refusedAnyway, unawaited } from './floating.js';
import { type Observers } from './observers.js';

/** Milliseconds that a callback may take. A policy that cannot say is reported, and the default holds: never none. */
export function deadlineOf(
  policy: RecoveryPolicy,
  observers: Observers,
  device: DeviceRef,
  callback: Callback,
): number {
  try {
    const ms: unknown = unawaited(policy.deadline(device, callback), refusedAnyway);
    if (typeof ms === 'number' && ms >= 0) return ms;
    throw new PciRecoveryError(
      'ERR_PCI_BAD_DEADLINE',
      `The deadline of ${callback} is no number of milliseconds from 0.`,
    );
  } catch (error) {
    observers.emit({ type: 'trouble', where: 'the policy', error, context: { bdf: device.bdf, callback } });
    return DEFAULT_DEADLINE_MS;
  }
}

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
