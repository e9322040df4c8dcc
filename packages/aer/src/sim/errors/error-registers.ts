import {
  AER,
  CORRECTABLE_MASK_DEFAULT,
  DEVICE_CAPABILITIES,
  DEVICE_CONTROL,
  PCI_HEADER,
  PCIE,
  UNCORRECTABLE_SEVERITY_DEFAULT,
  COMMAND,
} from '@pci-recovery/pci';
import { type SimulatedFunction } from '../machine/simulated-function.js';

/** Everything that decides how an error of a function is reported. */
export interface ReportingControl {
  readonly aer: boolean;
  readonly roleBased: boolean;
  readonly uncorrectableMask: number;
  readonly correctableMask: number;
  readonly severity: number;
  /** Device Control: the four reporting enables. */
  readonly correctable: boolean;
  readonly nonFatal: boolean;
  readonly fatal: boolean;
  readonly unsupportedRequest: boolean;
  /** Command: SERR# Enable. */
  readonly systemError: boolean;
}

/** Reads it. A virtual function is controlled by its physical function's registers (PCIe r6.1 §9.4.2, §9.3.4.1). */
export function reportingControl(fn: SimulatedFunction): ReportingControl {
  const rules = fn.physical ?? fn;
  const { aer, pcie } = rules.at;
  const control = rules.word(pcie + PCIE.DEVICE_CONTROL);
  const has = fn.at.aer !== 0 && aer !== 0;
  return {
    aer: fn.at.aer !== 0,
    roleBased:
      (fn.dword(fn.at.pcie + PCIE.DEVICE_CAPABILITIES) & DEVICE_CAPABILITIES.roleBasedErrorReporting.mask) !== 0,
    uncorrectableMask: has ? rules.dword(aer + AER.UNCOR_MASK) : 0,
    correctableMask: has ? rules.dword(aer + AER.COR_MASK) : fn.at.aer !== 0 ? CORRECTABLE_MASK_DEFAULT : 0,
    severity: has ? rules.dword(aer + AER.UNCOR_SEVERITY) : UNCORRECTABLE_SEVERITY_DEFAULT,
    correctable: (control & DEVICE_CONTROL.correctableReportingEnable.mask) !== 0,
    nonFatal: (control & DEVICE_CONTROL.nonFatalReportingEnable.mask) !== 0,
    fatal: (control & DEVICE_CONTROL.fatalReportingEnable.mask) !== 0,
    unsupportedRequest: (control & DEVICE_CONTROL.unsupportedRequestReportingEnable.mask) !== 0,
    systemError: (rules.word(PCI_HEADER.COMMAND) & COMMAND.serrEnable.mask) !== 0,
  };
}
