import { type ErrorEvent } from '@pci-recovery/core';
import { type AerEvidence, type AerLinuxRecord } from '@pci-recovery/aer/linux';

const EVIDENCE: Readonly<Record<AerEvidence, string>> = {
  trace: 'the kernel traced it',
  counters: 'by the kernel’s counters',
  status: 'by its own status',
  recovery: 'taken for fatal: nothing says what it was',
  none: 'nothing explains the signal',
};

/** What a Linux adapter knows of an error, in a few words. */
export function describeAerLinux({ device, record }: ErrorEvent): string {
  const { severity, errors, evidence, sources } = record as AerLinuxRecord;
  const names = errors.length > 0 ? ` ${errors.join(', ')}` : '';
  const elsewhere = sources.filter((bdf) => bdf !== device.bdf);
  const from = elsewhere.length > 0 ? `, detected by ${elsewhere.join(', ')}` : '';
  return `${device.bdf}  ${severity}${names} (${EVIDENCE[evidence]}${from})`;
}
