import { type RecoveryScope } from '../contract/device.js';
import { type ErrorEvent } from '../contract/event.js';
import { type RecoveryPlatform } from '../contract/platform.js';
import { type Arrival, type Extent } from '../contract/procedure.js';
import { PciRecoveryError } from '../errors/pci-recovery-error.js';
import { refusedAnyway, unawaited } from './floating.js';
import { type Observers } from './observers.js';
import { type RecoveryRun } from './recovery-run.js';

/**
 * The lane of an error by its platform's law.
 * @throws PciRecoveryError `ERR_PCI_BAD_LAW` when it names none; whatever it throws.
 */
export function laneOf({ name, procedure }: RecoveryPlatform, event: ErrorEvent, scope: RecoveryScope): string {
  const lane: unknown = unawaited(procedure.lane(event, scope), refusedAnyway);
  if (typeof lane === 'string') return lane;
  throw new PciRecoveryError('ERR_PCI_BAD_LAW', `Platform "${name}" names no lane for an error: a lane is a string.`);
}

/** What becomes of an error that meets a recovery, by its platform's law; where that fails, it waits for its turn: nothing is lost. */
export function arrivalOf(
  { name, procedure }: RecoveryPlatform,
  run: RecoveryRun,
  event: ErrorEvent,
  extent: Extent,
  observers: Observers,
): Arrival {
  try {
    const arrival = unawaited(procedure.arrival(run, run.at, event, extent), refusedAnyway);
    if (arrival === 'fold' || arrival === 'queue' || arrival === 'queue_and_purge') return arrival;
    throw new PciRecoveryError('ERR_PCI_BAD_LAW', `"${String(arrival)}" is no rule of arrival.`);
  } catch (error) {
    observers.emit({ type: 'trouble', where: `arrival of platform "${name}"`, error });
    return 'queue';
  }
}
