import { CORRECTABLE_ERRORS, UNCORRECTABLE_ERRORS } from '@pci-recovery/pci';

const bits = (...names: string[]): number =>
  UNCORRECTABLE_ERRORS.filter((error) => names.includes(error.linux)).reduce(
    (all, error) => all | (1 << error.bit),
    0,
  ) >>> 0;

/** Non-fatal errors that are always advisory (PCIe r7.0 §6.2.7). */
const ALWAYS_ADVISORY = bits('UNX_COMP', 'ATOMEG', 'DMWR_BLK');

/** Non-fatal errors that the detecting function may treat as advisory. */
const POSSIBLY_ADVISORY = bits(
  'POISON_TLP',
  'POISON_BLK',
  'ECRC',
  'UNSUP',
  'COMP_TIME',
  'COMP_ABORT',
  'ACSV',
  'TLPPRE',
  'PCRC_CHECK',
);

const NON_FATAL_DETECTED = 1 << 1;

/** The correctable status bit that says that an advisory error is behind it. */
export const ADVISORY_NON_FATAL = CORRECTABLE_ERRORS.find((error) => error.linux === 'ADV_NFAT')!.mask;

/**
 * Which uncorrectable status bits were reported as advisory (correctable) errors: unmasked non-fatal ones that are always
 * advisory, and, unless the function also sent ERR_NONFATAL, those that may be.
 *
 * Source: Linux 7.3 drivers/pci/pcie/aer.c:aer_compute_anfe_status.
 * @param devsta Device Status, 16 bits. @param severity Uncorrectable Error Severity, 1 = fatal.
 */
export function advisoryStatus(devsta: number, status: number, mask: number, severity: number): number {
  const candidates = status & ~mask & ~severity;
  const possible = (devsta & NON_FATAL_DETECTED) === 0 ? candidates & POSSIBLY_ADVISORY : 0;
  return ((candidates & ALWAYS_ADVISORY) | possible) >>> 0;
}
