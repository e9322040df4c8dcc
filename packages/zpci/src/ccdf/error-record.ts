import { checkField, part, viewOf, whole, type CcdfField } from './layout.js';

/** Bytes of an error record: what `ccdf_err_length` of VFIO_DEVICE_INFO_CAP_ZPCI_BASE version 3 says (R2.4). */
export const CCDF_ERROR_LENGTH = 32;

/**
 * Content code description for a PCI function error, as firmware stores it: 32 bytes, big-endian throughout. Reserved
 * fields are kept, so that a record survives decoding and encoding byte for byte.
 *
 * Source: Linux 7.3 arch/s390/include/asm/pci.h:struct zpci_ccdf_err.
 */
export interface CcdfError {
  /** Bytes 0–3. */
  readonly reserved1: number;
  /** Function handle, 32 bits at byte 4: bit 31 says enabled. */
  readonly fh: number;
  /** Function id, 32 bits at byte 8. */
  readonly fid: number;
  /** Expected table type, bits 31:28 of the word at byte 12. */
  readonly ett: number;
  /** MSI vector number, bits 27:16 of the word at byte 12. */
  readonly mvn: number;
  /** DMA address space, bits 15:8 of the word at byte 12. */
  readonly dmaas: number;
  /** Bits 7:2 of the word at byte 12. */
  readonly reserved2: number;
  /** Event qualifier, bit 1 of the word at byte 12. */
  readonly q: number;
  /** Read or write, bit 0 of the word at byte 12; 1: a write. */
  readonly rw: number;
  /** Failing address, 64 bits at byte 16. */
  readonly faddr: bigint;
  /** Bytes 24–27. */
  readonly reserved3: number;
  /** Bytes 28–29. */
  readonly reserved4: number;
  /** PCI event code, 16 bits at byte 30. */
  readonly pec: number;
}

/** Every field of an error record, in the order of its bits. */
export const CCDF_ERROR_FIELDS: readonly (CcdfField & { readonly name: keyof CcdfError })[] = [
  whole('reserved1', 0, 32),
  whole('fh', 4, 32),
  whole('fid', 8, 32),
  part('ett', 12, 28, 4),
  part('mvn', 12, 16, 12),
  part('dmaas', 12, 8, 8),
  part('reserved2', 12, 2, 6),
  part('q', 12, 1, 1),
  part('rw', 12, 0, 1),
  whole('faddr', 16, 64),
  whole('reserved3', 24, 32),
  whole('reserved4', 28, 16),
  whole('pec', 30, 16),
] as readonly (CcdfField & { readonly name: keyof CcdfError })[];

/**
 * Reads an error record.
 * @throws PciRecoveryError `ERR_PCI_BAD_CCDF` unless there are exactly {@link CCDF_ERROR_LENGTH} bytes.
 */
export function decodeCcdfError(bytes: Uint8Array): CcdfError {
  const view = viewOf('error', bytes, CCDF_ERROR_LENGTH);
  const word = view.getUint32(12);
  return {
    reserved1: view.getUint32(0),
    fh: view.getUint32(4),
    fid: view.getUint32(8),
    ett: word >>> 28,
    mvn: (word >>> 16) & 0xfff,
    dmaas: (word >>> 8) & 0xff,
    reserved2: (word >>> 2) & 0x3f,
    q: (word >>> 1) & 1,
    rw: word & 1,
    faddr: view.getBigUint64(16),
    reserved3: view.getUint32(24),
    reserved4: view.getUint16(28),
    pec: view.getUint16(30),
  };
}

/**
 * Writes an error record; what is left out is 0.
 * @throws PciRecoveryError `ERR_PCI_BAD_CCDF_FIELD` for a value that its field cannot hold.
 */
export function encodeCcdfError(record: Partial<CcdfError>): Uint8Array {
  const bytes = new Uint8Array(CCDF_ERROR_LENGTH);
  const view = new DataView(bytes.buffer);
  for (const field of CCDF_ERROR_FIELDS) {
    const value = record[field.name] ?? 0;
    checkField('error', field, value);
    if (field.word === 64) view.setBigUint64(field.offset, BigInt(value));
    else if (field.word === 16) view.setUint16(field.offset, Number(value));
    else view.setUint32(field.offset, (view.getUint32(field.offset) | (Number(value) << field.shift)) >>> 0);
  }
  return bytes;
}
