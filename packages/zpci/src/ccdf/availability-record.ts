import { checkField, viewOf, whole, type CcdfField } from './layout.js';

/** Bytes of an availability record. */
export const CCDF_AVAILABILITY_LENGTH = 32;

/**
 * Content code description for the availability of a PCI function: 32 bytes, big-endian throughout. Reserved fields are
 * kept, so that a record survives decoding and encoding byte for byte.
 *
 * Source: Linux 7.3 arch/s390/pci/pci_event.c:struct zpci_ccdf_avail.
 */
export interface CcdfAvailability {
  /** Bytes 0–3. */
  readonly reserved1: number;
  /** Function handle, 32 bits at byte 4. */
  readonly fh: number;
  /** Function id, 32 bits at byte 8; not stored with event 0x306. */
  readonly fid: number;
  /** Bytes 12–15. */
  readonly reserved2: number;
  /** Bytes 16–19. */
  readonly reserved3: number;
  /** Bytes 20–23. */
  readonly reserved4: number;
  /** Bytes 24–27. */
  readonly reserved5: number;
  /** Bytes 28–29. */
  readonly reserved6: number;
  /** PCI event code, 16 bits at byte 30. */
  readonly pec: number;
}

/** Every field of an availability record, in the order of its bits. */
export const CCDF_AVAILABILITY_FIELDS: readonly (CcdfField & { readonly name: keyof CcdfAvailability })[] = [
  whole('reserved1', 0, 32),
  whole('fh', 4, 32),
  whole('fid', 8, 32),
  whole('reserved2', 12, 32),
  whole('reserved3', 16, 32),
  whole('reserved4', 20, 32),
  whole('reserved5', 24, 32),
  whole('reserved6', 28, 16),
  whole('pec', 30, 16),
] as readonly (CcdfField & { readonly name: keyof CcdfAvailability })[];

/**
 * Reads an availability record.
 * @throws PciRecoveryError `ERR_PCI_BAD_CCDF` unless there are exactly {@link CCDF_AVAILABILITY_LENGTH} bytes.
 */
export function decodeCcdfAvailability(bytes: Uint8Array): CcdfAvailability {
  const view = viewOf('availability', bytes, CCDF_AVAILABILITY_LENGTH);
  return {
    reserved1: view.getUint32(0),
    fh: view.getUint32(4),
    fid: view.getUint32(8),
    reserved2: view.getUint32(12),
    reserved3: view.getUint32(16),
    reserved4: view.getUint32(20),
    reserved5: view.getUint32(24),
    reserved6: view.getUint16(28),
    pec: view.getUint16(30),
  };
}

/**
 * Writes an availability record; what is left out is 0.
 * @throws PciRecoveryError `ERR_PCI_BAD_CCDF_FIELD` for a value that its field cannot hold.
 */
export function encodeCcdfAvailability(record: Partial<CcdfAvailability>): Uint8Array {
  const bytes = new Uint8Array(CCDF_AVAILABILITY_LENGTH);
  const view = new DataView(bytes.buffer);
  for (const field of CCDF_AVAILABILITY_FIELDS) {
    const value = record[field.name] ?? 0;
    checkField('availability', field, value);
    if (field.word === 16) view.setUint16(field.offset, Number(value));
    else view.setUint32(field.offset, Number(value));
  }
  return bytes;
}
