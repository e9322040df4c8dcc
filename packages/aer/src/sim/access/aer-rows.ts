import { AER, AER_CONTROL, AER_ROOT_STATUS, CORRECTABLE_ERRORS, maskOf, UNCORRECTABLE_ERRORS } from '@pci-recovery/pci';
import { EFFECT, type AccessRow } from './access-row.js';

/** The errors that a function can detect, as masks of its status registers. */
export interface ImplementedErrors {
  readonly uncorrectable: number;
  readonly correctable: number;
}

/** Every error that the specification names. Bit 0 (Training Error once, undefined now) can be set by injection. */
export const ALL_ERRORS: ImplementedErrors = {
  uncorrectable: maskOf(UNCORRECTABLE_ERRORS),
  correctable: maskOf(CORRECTABLE_ERRORS),
};

/**
 * Errors that concern one function and not its link: the only ones that a virtual function reports (PCIe r6.1
 * §9.4.2.2, §9.4.2.5): poisoned TLP, completion timeout, completer abort, unexpected completion, unsupported request,
 * ACS violation; advisory non-fatal and header log overflow.
 */
export const VIRTUAL_FUNCTION_ERRORS: ImplementedErrors = { uncorrectable: 0x0031_d000, correctable: 0xa000 };

const ROOT_STATUS_W1C = Object.values(AER_ROOT_STATUS).reduce(
  (mask, field) => (field.kind === 'flag' ? mask | field.mask : mask),
  0,
);

/** ECRC enables exist where the capability bit next to them says so; so does multiple header recording. */
function controlBits(control: number): number {
  let rw = 0;
  if (control & AER_CONTROL.ecrcGenerationCapable.mask) rw |= AER_CONTROL.ecrcGenerationEnable.mask;
  if (control & AER_CONTROL.ecrcCheckCapable.mask) rw |= AER_CONTROL.ecrcCheckEnable.mask;
  if (control & AER_CONTROL.multipleHeaderRecordingCapable.mask) rw |= AER_CONTROL.multipleHeaderRecordingEnable.mask;
  return rw;
}

const ALL = 0xffff_ffff;

/**
 * Access to the AER capability (PCIe r6.1 §7.8.4): all sticky but Root Error Command. First error pointer, logs and
 * source ids are ROS. A virtual function's masks and severities are those of its physical function (§9.4.2).
 * @param control the Advanced Error Capabilities and Control register as the function has it.
 */
export function aerRows(
  errors: ImplementedErrors,
  options: { readonly root: boolean; readonly virtual: boolean; readonly control: number },
): AccessRow[] {
  const { uncorrectable, correctable } = errors;
  const control = options.virtual ? 0 : controlBits(options.control);
  const rows: AccessRow[] = [
    { offset: AER.UNCOR_STATUS, width: 4, w1c: uncorrectable, sticky: ALL, effect: EFFECT.UNCOR_STATUS },
    { offset: AER.COR_STATUS, width: 4, w1c: correctable, sticky: ALL, effect: EFFECT.COR_STATUS },
    { offset: AER.CAP_CONTROL, width: 4, rw: control, sticky: ALL },
  ];
  if (!options.virtual) {
    rows.push({ offset: AER.UNCOR_MASK, width: 4, rw: uncorrectable, sticky: ALL });
    rows.push({ offset: AER.UNCOR_SEVERITY, width: 4, rw: uncorrectable, sticky: ALL });
    rows.push({ offset: AER.COR_MASK, width: 4, rw: correctable, sticky: ALL });
  }
  if (options.root) {
    rows.push({ offset: AER.ROOT_COMMAND, width: 4, rw: 7, effect: EFFECT.ROOT_COMMAND });
    rows.push({ offset: AER.ROOT_STATUS, width: 4, w1c: ROOT_STATUS_W1C, sticky: ALL, effect: EFFECT.ROOT_STATUS });
  }
  return rows;
}
