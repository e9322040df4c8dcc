import {
  AER,
  CORRECTABLE_ERRORS,
  DEVICE_STATUS,
  PCI_HEADER,
  PCIE,
  STATUS,
  UNCORRECTABLE_ERRORS,
} from '@pci-recovery/pci';
import { type ErrorMessageKind } from '../bus-log.js';
import { type SimulatedFunction } from '../machine/simulated-function.js';
import { maskOfName, type DetectedErrors } from './detection.js';
import { reportingControl, type ReportingControl } from './error-registers.js';
import { recordHeader } from './header-log.js';

const ADVISORY = maskOfName('ADV_NFAT', CORRECTABLE_ERRORS)!;
const OVERFLOW = maskOfName('LOG_OVER', CORRECTABLE_ERRORS)!;
const UNSUPPORTED = maskOfName('UNSUP', UNCORRECTABLE_ERRORS)!;
const POISONED = maskOfName('POISON_TLP', UNCORRECTABLE_ERRORS)!;
const ABORT = maskOfName('COMP_ABORT', UNCORRECTABLE_ERRORS)!;

/** What a function did about what it detected. */
export interface Reported {
  /** The messages that it sends: at most one correctable and one uncorrectable. */
  readonly messages: readonly ErrorMessageKind[];
  readonly advisory: boolean;
  /** An unmasked fatal error is among them. */
  readonly fatal: boolean;
}

/**
 * Logs what a function detects and says which messages it sends, in the order of the flowchart of PCIe r6.1 §6.2.5
 * (Figure 6-2): Device Status always, status registers whether masked or not, header and first error pointer where not
 * masked, messages where enabled. An error in several bits is one message of its worst severity (§6.2.3.2.3).
 */
export function reportErrors(fn: SimulatedFunction, errors: DetectedErrors): Reported {
  const control = reportingControl(fn);
  const { uncorrectable } = errors;
  const advisory =
    errors.advisory && control.roleBased && uncorrectable !== 0 && (uncorrectable & control.severity) === 0;
  const corrected = errors.correctable | (advisory ? ADVISORY : 0);
  deviceStatus(fn, errors, control.severity, advisory);
  legacyStatus(fn, uncorrectable);
  let toldCorrectable = corrected;
  if (control.aer) toldCorrectable = logInAer(fn, errors, corrected, advisory, control);
  else if (advisory) toldCorrectable &= ~ADVISORY; // Without AER nobody hears of it (§6.2.4.3).
  const messages: ErrorMessageKind[] = [];
  if (sendsCorrectable(toldCorrectable, uncorrectable, control)) messages.push('ERR_COR');
  const worst = advisory ? undefined : uncorrectableMessage(uncorrectable, control);
  if (worst) {
    messages.push(worst);
    if (control.systemError) (fn.physical ?? fn).setWord(PCI_HEADER.STATUS, STATUS.systemError.mask);
  }
  const fatal = !advisory && (uncorrectable & ~control.uncorrectableMask & control.severity) !== 0;
  return { messages, advisory, fatal };
}

/** Device Status has no masks. */
function deviceStatus(fn: SimulatedFunction, errors: DetectedErrors, severity: number, advisory: boolean): void {
  let bits = 0;
  if (errors.correctable !== 0 || advisory) bits |= DEVICE_STATUS.correctableDetected.mask;
  if (!advisory && (errors.uncorrectable & ~severity) !== 0) bits |= DEVICE_STATUS.nonFatalDetected.mask;
  if (!advisory && (errors.uncorrectable & severity) !== 0) bits |= DEVICE_STATUS.fatalDetected.mask;
  if (errors.uncorrectable & UNSUPPORTED) bits |= DEVICE_STATUS.unsupportedRequestDetected.mask;
  fn.setWord(fn.at.pcie + PCIE.DEVICE_STATUS, bits);
}

/** The bits of PCI-compatible Status that an endpoint sets as it detects these errors (PCIe r6.1 §7.5.1.1.4). */
function legacyStatus(fn: SimulatedFunction, uncorrectable: number): void {
  if (fn.topology.bridge) return;
  if (uncorrectable & POISONED) fn.setWord(PCI_HEADER.STATUS, STATUS.detectedParityError.mask);
  if (uncorrectable & ABORT) fn.setWord(PCI_HEADER.STATUS, STATUS.signaledTargetAbort.mask);
}

/** @returns the unmasked correctable errors. */
function logInAer(
  fn: SimulatedFunction,
  errors: DetectedErrors,
  corrected: number,
  advisory: boolean,
  { correctableMask, uncorrectableMask }: ReportingControl,
): number {
  const { aer } = fn.at;
  const { uncorrectable, header, prefixes } = errors;
  fn.change(aer + AER.COR_STATUS, 0, corrected);
  // A masked advisory error stops here: its uncorrectable status is not set (§6.2.4.3).
  if (advisory && (correctableMask & ADVISORY) !== 0) return corrected & ~correctableMask;
  fn.change(aer + AER.UNCOR_STATUS, 0, uncorrectable);
  let overflow = false;
  for (let bit = 0, live = uncorrectable & ~uncorrectableMask; bit < 32; bit++) {
    if ((live & (1 << bit)) !== 0 && !recordHeader(fn, { bit, header, prefixes })) overflow = true;
  }
  if (!overflow) return corrected & ~correctableMask;
  fn.change(aer + AER.COR_STATUS, 0, OVERFLOW);
  fn.setWord(fn.at.pcie + PCIE.DEVICE_STATUS, DEVICE_STATUS.correctableDetected.mask);
  return (corrected | OVERFLOW) & ~correctableMask;
}

/** An unsupported request that is only advisory also needs its own enable. */
function sendsCorrectable(told: number, uncorrectable: number, control: ReportingControl): boolean {
  if (!control.correctable || told === 0) return false;
  return control.unsupportedRequest || told !== ADVISORY || uncorrectable !== UNSUPPORTED;
}

function uncorrectableMessage(uncorrectable: number, control: ReportingControl): ErrorMessageKind | undefined {
  let live = uncorrectable & ~control.uncorrectableMask;
  if (!control.unsupportedRequest && !control.systemError) live &= ~UNSUPPORTED;
  if ((live & control.severity) !== 0 && (control.fatal || control.systemError)) return 'ERR_FATAL';
  if ((live & ~control.severity) !== 0 && (control.nonFatal || control.systemError)) return 'ERR_NONFATAL';
  return undefined;
}
