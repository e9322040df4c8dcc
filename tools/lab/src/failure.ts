import { PciRecoveryError, type PciErrorDetails } from '@pci-recovery/core';

/** What can go wrong with a lab; a scenario whose checks fail is no error but a report. */
export type LabErrorCode =
  /** The command line is wrong. */
  | 'USAGE'
  /** A program of this machine is not there. */
  | 'PROGRAM_MISSING'
  /** A program of this machine failed. */
  | 'PROGRAM_FAILED'
  /** The package archive lacks something, or says something that cannot be read. */
  | 'ARCHIVE'
  /** What came from the archive is not what its index says, or is not signed. */
  | 'NOT_AUTHENTIC'
  /** This workspace is not built. */
  | 'NOT_BUILT'
  /** The emulated machine ended, or never came up. */
  | 'MACHINE'
  /** The monitor of QEMU refused a command. */
  | 'MONITOR'
  /** Something failed in the guest. */
  | 'GUEST'
  /** What was waited for did not happen in time. */
  | 'TIMEOUT'
  /** A trace cannot be replayed. */
  | 'REPLAY';

/** A typed error of the lab: `ERR_PCI_LAB_…`. */
export const labError = (code: LabErrorCode, message: string, details?: PciErrorDetails): PciRecoveryError =>
  new PciRecoveryError(`ERR_PCI_LAB_${code}`, message, details);
