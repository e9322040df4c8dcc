import { AER, AER_CONTROL } from '@pci-recovery/pci';
import { type HeaderRecord, type SimulatedFunction } from '../machine/simulated-function.js';

const POINTER = AER_CONTROL.firstErrorPointer.mask;
const PREFIX_PRESENT = AER_CONTROL.tlpPrefixLogPresent.mask;

/** Shows a record in the registers. The log of an error that was served stays until the next one (ROS). */
function show(fn: SimulatedFunction, record: HeaderRecord | undefined): void {
  const { aer } = fn.at;
  if (!record) {
    fn.change(aer + AER.CAP_CONTROL, POINTER | PREFIX_PRESENT, 0);
    return;
  }
  const prefixed = fn.behaviour.prefixLog && record.prefixes.length > 0;
  fn.change(aer + AER.CAP_CONTROL, POINTER | PREFIX_PRESENT, record.bit | (prefixed ? PREFIX_PRESENT : 0));
  for (let n = 0; n < 4; n++) fn.words[(aer + AER.HEADER_LOG + 4 * n) >> 2] = record.header[n]!;
  if (!fn.behaviour.prefixLog) return;
  for (let n = 0; n < 4; n++) fn.words[(aer + AER.PREFIX_LOG + 4 * n) >> 2] = record.prefixes[n] ?? 0;
}

/**
 * Records the header of an unmasked uncorrectable error. The first one is kept until its status is cleared; later ones
 * are recorded behind it only with Multiple Header Recording (PCIe r6.1 §6.2.4.2).
 * @returns false when it should have been recorded and there was no room: a header log overflow.
 */
export function recordHeader(fn: SimulatedFunction, record: HeaderRecord): boolean {
  if (fn.records.length === 0) {
    fn.records.push(record);
    show(fn, record);
    return true;
  }
  const multiple = fn.dword(fn.at.aer + AER.CAP_CONTROL) & AER_CONTROL.multipleHeaderRecordingEnable.mask;
  if (multiple === 0) return true;
  if (fn.records.length >= fn.behaviour.headerRecords) return false;
  fn.records.push(record);
  return true;
}

/**
 * After software cleared status bits: when the first error is served, the next record comes up, and the bits of all that
 * are still recorded are set again (PCIe r6.1 §6.2.4.2).
 */
export function serveRecords(fn: SimulatedFunction): void {
  const [first] = fn.records;
  const status = fn.at.aer + AER.UNCOR_STATUS;
  if (!first || (fn.dword(status) & (1 << first.bit)) !== 0) return;
  fn.records.shift();
  for (const { bit } of fn.records) fn.change(status, 0, 1 << bit);
  show(fn, fn.records[0]);
}
