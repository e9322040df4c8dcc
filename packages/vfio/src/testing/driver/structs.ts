import { type ByteOrder } from '../../uapi/byte-order.js';
import { decodeStruct, viewOf } from '../../uapi/struct/decode.js';
import { writeNumber } from '../../uapi/struct/encode.js';
import { endOf, fieldOf, type FieldName, type StructName, type StructValues } from '../../uapi/struct/tables.js';

/**
 * copy_from_user of a structure up to and with a field; the rest reads 0. Undefined: the memory ends before (EFAULT). The real
 * kernel would read on into what lies behind a short buffer.
 */
export function copyIn<S extends StructName>(
  struct: S,
  bytes: Uint8Array | undefined,
  last: FieldName<S>,
  order: ByteOrder,
): StructValues<S> | undefined {
  const least = endOf(struct, last);
  if (!bytes || bytes.byteLength < least) return undefined;
  return decodeStruct(struct, bytes.subarray(0, Math.max(least, 0)), order, 0, least);
}

/** copy_to_user of some fields; those that lie behind the memory's end, or behind `within`, are left out. */
export function copyOut<S extends StructName>(
  struct: S,
  bytes: Uint8Array,
  values: Partial<StructValues<S>>,
  order: ByteOrder,
  within = bytes.byteLength,
): void {
  const view = viewOf(bytes);
  const end = Math.min(within, bytes.byteLength);
  for (const [name, value] of Object.entries(values) as [FieldName<S>, number | bigint][]) {
    const field = fieldOf(struct, name);
    if (field.offset + field.size <= end) writeNumber(view, field, BigInt(value), order);
  }
}

/** Whether a word has only bits of a mask. */
export const onlyBits = (word: number, mask: number): boolean => (word & ~mask) >>> 0 === 0;
