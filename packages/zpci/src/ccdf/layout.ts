import { PciRecoveryError } from '@pci-recovery/core';

/** Where one field of a record is: byte offset of its big-endian word, and its place in that word (bit 0: lowest). */
export interface CcdfField {
  readonly name: string;
  /** Byte offset of the word that holds the field. */
  readonly offset: number;
  /** Width of that word in bits. */
  readonly word: 16 | 32 | 64;
  /** Lowest bit of the field in its word. */
  readonly shift: number;
  /** Width of the field in bits. */
  readonly bits: number;
}

/** A field that fills its word. */
export const whole = (name: string, offset: number, word: 16 | 32 | 64): CcdfField => ({
  name,
  offset,
  word,
  shift: 0,
  bits: word,
});

/** A field of the 32-bit word at a byte offset. */
export const part = (name: string, offset: number, shift: number, bits: number): CcdfField => ({
  name,
  offset,
  word: 32,
  shift,
  bits,
});

/**
 * The bytes of a record, for reading.
 * @throws PciRecoveryError `ERR_PCI_BAD_CCDF` unless there are exactly `length` of them.
 */
export function viewOf(kind: string, bytes: Uint8Array, length: number): DataView {
  if (bytes.length !== length) {
    const missing = bytes.length < length ? `It ends at offset ${bytes.length}` : `It goes on at offset ${length}`;
    throw new PciRecoveryError(
      'ERR_PCI_BAD_CCDF',
      `A CCDF of kind "${kind}" has ${length} bytes, not ${bytes.length}. ${missing}: pass the record alone and whole.`,
      { context: { kind, offset: Math.min(bytes.length, length), bytes: bytes.length, expected: length } },
    );
  }
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * Refuses a value that its field cannot hold.
 * @throws PciRecoveryError `ERR_PCI_BAD_CCDF_FIELD`
 */
export function checkField(kind: string, field: CcdfField, value: number | bigint): void {
  const fits =
    typeof value === 'bigint'
      ? value >= 0n && value < 1n << BigInt(field.bits)
      : Number.isInteger(value) && value >= 0 && value < 2 ** field.bits;
  if (fits) return;
  throw new PciRecoveryError(
    'ERR_PCI_BAD_CCDF_FIELD',
    `Field "${field.name}" of a CCDF of kind "${kind}" (offset ${field.offset}) holds ${field.bits} bits; ${value} does not fit.`,
    { context: { kind, field: field.name, offset: field.offset, bits: field.bits, value: String(value) } },
  );
}
