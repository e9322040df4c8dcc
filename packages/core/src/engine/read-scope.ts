import { type RecoveryScope } from '../contract/device.js';
import { type ErrorEvent } from '../contract/event.js';
import { type RecoveryPlatform } from '../contract/platform.js';
import { PciRecoveryError } from '../errors/pci-recovery-error.js';
import { refusedAnyway, unawaited } from './floating.js';

/** Whether properties can be looked for. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

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

/**
 * Asks a platform whom an error concerns.
 * @throws PciRecoveryError `ERR_PCI_BAD_SCOPE` when the answer is no scope; whatever the platform throws.
 */
export function readScope(platform: RecoveryPlatform, event: ErrorEvent): RecoveryScope {
  const scope: unknown = unawaited(platform.scopeOf(event), refusedAnyway);
  if (isScope(scope)) return scope;
  throw new PciRecoveryError('ERR_PCI_BAD_SCOPE', `Platform "${platform.name}" answered no scope for an error.`, {
    context: { platform: platform.name, sequence: event.sequence, device: event.device.bdf },
  });
}
