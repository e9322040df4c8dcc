import { isPciRecoveryError, type PciRecoveryError } from '@pci-recovery/core';

/** What `work` throws; it must be our error and nothing else. */
export function failure(work: () => unknown): PciRecoveryError {
  try {
    work();
  } catch (error) {
    if (isPciRecoveryError(error)) return error;
    throw error;
  }
  throw new Error('Nothing was refused.');
}
