import { PciRecoveryError } from '@pci-recovery/core';
import { type ByteOrder, HOST_BYTE_ORDER } from '../byte-order.js';
import { type FieldLayout } from './layout.js';
import { layoutOf, sizeOf, type StructName, type StructValues } from './tables.js';

/** The longest argument of a call that this package makes, in bytes. */
export const MOST_BYTES = 1 << 24;

/** What a field was given cannot stand in it, or the kernel would refuse it: nothing was written. */
export function badField(struct: string, field: string, value: unknown, rule: string): PciRecoveryError {
  return new PciRecoveryError(
    'ERR_PCI_BAD_UAPI_FIELD',
    `struct ${struct}.${field} cannot be ${String(value)}: ${rule}.`,
    {
      context: { struct, field, value: String(value), rule },
    },
  );
}

/** The range of a field's values, both ends included. */
export function rangeOf({ size, kind }: FieldLayout): { readonly least: bigint; readonly most: bigint } {
  const bits = BigInt(size * 8);
  return kind === 'signed'
    ? { least: -(1n << (bits - 1n)), most: (1n << (bits - 1n)) - 1n }
    : { least: 0n, most: (1n << bits) - 1n };
}

/** The value as a whole number that the field can hold. */
function whole(struct: string, name: string, layout: FieldLayout, value: number | bigint): bigint {
  const { least, most } = rangeOf(layout);
  const rule = `it is a whole number from ${least} to ${most}`;
  if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) throw badField(struct, name, value, rule);
  const number = BigInt(value);
  if (number < least || number > most) throw badField(struct, name, value, rule);
  return number;
}

/** Writes one number; it must fit. */
export function writeNumber(view: DataView, layout: FieldLayout, value: bigint, order: ByteOrder, at = 0): void {
  const little = order === 'LE';
  const offset = at + layout.offset;
  if (layout.size === 8) view.setBigUint64(offset, BigInt.asUintN(64, value), little);
  else if (layout.size === 4) view.setUint32(offset, Number(BigInt.asUintN(32, value)), little);
  else if (layout.size === 2) view.setUint16(offset, Number(BigInt.asUintN(16, value)), little);
  else view.setUint8(offset, Number(BigInt.asUintN(8, value)));
}

/** A descriptor: `least` −1 allows for none. */
export function checkFd(struct: string, field: string, fd: number, least: -1 | 0): void {
  if (!Number.isInteger(fd) || fd < least || fd > 0x7fff_ffff) {
    throw badField(struct, field, fd, least === 0 ? 'it is a descriptor' : 'it is a descriptor, or −1 for none');
  }
}

/**
 * Memory of `length` bytes that begins with one structure. What is not given is zero.
 * @throws PciRecoveryError `ERR_PCI_BAD_UAPI_FIELD` for a value that its field cannot hold
 */
export function encodeStruct<S extends StructName>(
  struct: S,
  values: Partial<StructValues<S>>,
  { order = HOST_BYTE_ORDER, length = sizeOf(struct) }: { readonly order?: ByteOrder; readonly length?: number } = {},
): Uint8Array {
  if (!Number.isSafeInteger(length) || length < sizeOf(struct) || length > MOST_BYTES) {
    throw badField(struct, 'length', length, `its memory has ${sizeOf(struct)} to ${MOST_BYTES} bytes`);
  }
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  for (const [name, layout] of Object.entries(layoutOf(struct).fields)) {
    const value = (values as Readonly<Record<string, number | bigint | undefined>>)[name];
    if (value === undefined) continue;
    writeNumber(view, layout, whole(struct, name, layout, value), order);
  }
  return bytes;
}
