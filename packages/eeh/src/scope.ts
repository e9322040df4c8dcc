import { type DeviceRef, type RecoveryScope } from '@pci-recovery/core';

/** A function of a PE as the kernel's walk sees it (`struct eeh_dev`). */
export interface EehFunction extends DeviceRef {
  /** A device is behind it. False: firmware's device tree has it, or had it, and enumeration does not. */
  readonly device: boolean;
  /**
   * The host may do something about it: there is a device, not lost for good, not removed, and its PE is not passed through
   * (Linux 7.3 arch/powerpc/kernel/eeh_driver.c:eeh_edev_actionable).
   */
  readonly actionable: boolean;
}

/** Whom a recovery of a PE concerns: its functions and those of the PEs below it. */
export interface EehScope extends RecoveryScope {
  /** Everybody in walk order: PEs before the PEs below them, functions of a PE in the order in which they were probed. */
  readonly walk: readonly EehFunction[];
  /** It is a host bridge's own PE: an error of it is always a fence. */
  readonly wholePhb: boolean;
}

/** The walk of any scope: one that was not made by an EEH platform consists of its members. */
export function functionsOf(scope: RecoveryScope): readonly EehFunction[] {
  const { walk } = scope as Partial<EehScope>;
  return walk ?? scope.members.map((one) => ({ ...one, device: true, actionable: one.channel !== 'perm_failure' }));
}

/** Whether a scope is a whole host bridge's. */
export const isWholePhb = (scope: RecoveryScope): boolean => (scope as Partial<EehScope>).wholePhb === true;
