import { type ByteOrder } from '../byte-order.js';
import { kernelReply } from './kernel-reply.js';
import { type FieldLayout } from './layout.js';
import { layoutOf, sizeOf, type StructName, type StructValues } from './tables.js';

/** A view of memory, wherever in its buffer it lies. */
export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Reads one number: 64 bits as a bigint. */
export function readNumber(
  view: DataView,
  { offset, size, kind }: FieldLayout,
  order: ByteOrder,
  at: number,
): number | bigint {
  const little = order === 'LE';
  const signed = kind === 'signed';
  const where = at + offset;
  if (size === 8) return signed ? view.getBigInt64(where, little) : view.getBigUint64(where, little);
  if (size === 4) return signed ? view.getInt32(where, little) : view.getUint32(where, little);
  if (size === 2) return signed ? view.getInt16(where, little) : view.getUint16(where, little);
  return signed ? view.getInt8(where) : view.getUint8(where);
}

/**
 * Reads a structure. Fields that lie behind the end of the memory are read as 0, down to `least` bytes, which must be
 * there: an older kernel knows shorter structures.
 * @param at offset of the structure, in bytes
 * @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY` when the memory is too short
 */
export function decodeStruct<S extends StructName>(
  struct: S,
  bytes: Uint8Array,
  order: ByteOrder,
  at = 0,
  least = sizeOf(struct),
): StructValues<S> {
  const available = bytes.byteLength - at;
  if (available < least) {
    throw kernelReply(struct, 'length', available, `it has at least ${least} bytes`);
  }
  const view = viewOf(bytes);
  const values: Record<string, number | bigint> = {};
  for (const [name, layout] of Object.entries(layoutOf(struct).fields)) {
    if (layout.kind === 'array') continue;
    const beyond = layout.offset + layout.size > available;
    values[name] = beyond ? (layout.size === 8 ? 0n : 0) : readNumber(view, layout, order, at);
  }
  return values as StructValues<S>;
}
