import { formatBdf, type Bdf, type Severity } from '@pci-recovery/core';

/** What firmware says about an error. */
export interface GhesRecord {
  /** Absent: the record made no sense, and `trouble` says why. */
  readonly source?: Bdf;
  readonly trouble?: string;
}

/** Length of a record in bytes. */
export const RECORD_BYTES = 12;

const SIGNATURE = 0x52455043; // "CPER", little-endian

/** Severities as firmware numbers them (UEFI 2.10 appendix N.2.1). */
const SEVERITIES: readonly Severity[] = ['nonfatal', 'fatal', 'correctable', 'informative'];

/**
 * Writes a record, little-endian: signature (4 bytes), severity (2), segment (2), bus, device, function, 0 (1 each).
 * The layout is this example's own.
 */
export function encodeRecord(severity: Severity, { domain, bus, device, function: fn }: BdfNumbers): Uint8Array {
  const view = new DataView(new ArrayBuffer(RECORD_BYTES));
  view.setUint32(0, SIGNATURE, true);
  view.setUint16(4, SEVERITIES.indexOf(severity), true);
  view.setUint16(6, domain, true);
  [bus, device, fn].forEach((value, index) => view.setUint8(8 + index, value));
  return new Uint8Array(view.buffer);
}

interface BdfNumbers {
  readonly domain: number;
  readonly bus: number;
  readonly device: number;
  readonly function: number;
}

/** Reads a record. It never throws: what makes no sense is informative, and says why. */
export function decodeRecord(bytes: Uint8Array): { severity: Severity; record: GhesRecord } {
  const senseless = (trouble: string) => ({ severity: 'informative' as const, record: { trouble } });
  if (bytes.length !== RECORD_BYTES) return senseless(`A record has ${RECORD_BYTES} bytes, this one ${bytes.length}.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== SIGNATURE) return senseless('Bytes 0–3 are not the signature.');
  const severity = SEVERITIES[view.getUint16(4, true)];
  if (!severity) return senseless(`Bytes 4–5: there is no severity ${view.getUint16(4, true)}.`);
  const [bus, device, fn] = [8, 9, 10].map((offset) => view.getUint8(offset)) as [number, number, number];
  try {
    return { severity, record: { source: formatBdf({ domain: view.getUint16(6, true), bus, device, function: fn }) } };
  } catch {
    return senseless('Bytes 6–10 are no address.');
  }
}
