import { PciRecoveryError } from '@pci-recovery/core';
import { type OwnerTimings } from './owner-timings.js';
import { type ZpciTimings } from './timings.js';

const isDelay = (value: number): boolean => value >= 0 && value < Infinity;
const isPositive = (value: number): boolean => value > 0 && value < Infinity;
const isCount = (value: number): boolean => value >= 0 && (Number.isInteger(value) || value === Infinity);

/** @throws PciRecoveryError `ERR_PCI_BAD_SETTING` */
function check(name: string, value: number, holds: (value: number) => boolean, must: string): void {
  if (holds(value)) return;
  throw new PciRecoveryError('ERR_PCI_BAD_SETTING', `The timing ${name} is ${must}, not ${value}.`, {
    context: { name, value: String(value) },
  });
}

/**
 * Timings with which every wait for a host comes to an end.
 * @throws PciRecoveryError `ERR_PCI_BAD_SETTING` for one that is no positive, finite number.
 */
export function checkedOwnerTimings(timings: OwnerTimings): OwnerTimings {
  for (const name of ['firstRetryMs', 'mostRetryMs', 'limitMs'] as const) {
    check(name, timings[name], isPositive, 'a positive, finite number of milliseconds');
  }
  return timings;
}

/**
 * Timings that make sense; `Infinity` retries are the kernel's for instructions.
 * @throws PciRecoveryError `ERR_PCI_BAD_SETTING`
 */
export function checkedTimings(timings: ZpciTimings): ZpciTimings {
  for (const name of ['commandBusyMs', 'instructionBusyMs'] as const) {
    check(name, timings[name], isDelay, 'a finite number of milliseconds from 0');
  }
  for (const name of ['commandRetries', 'instructionRetries'] as const) {
    check(name, timings[name], isCount, 'a whole number from 0, or Infinity');
  }
  return timings;
}
