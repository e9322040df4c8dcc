import { PCI_HEADER } from '../src/index.js';

/** A list of `[byte offset, 32-bit value]`. */
export type Dwords = readonly (readonly [offset: number, value: number])[];

/** Writes dwords, little-endian. */
export function write(bytes: Uint8Array, dwords: Dwords): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (const [offset, value] of dwords) view.setUint32(offset, value, true);
  return bytes;
}

/** A type 0 function with a capability list that begins at `first`, and whatever else is written over it. */
export function madeSpace(size: number, first: number, dwords: Dwords = []): Uint8Array {
  const bytes = write(new Uint8Array(size), [
    [PCI_HEADER.VENDOR_ID, 0x1041_1af4],
    [PCI_HEADER.COMMAND, 0x0010_0006],
  ]);
  bytes[PCI_HEADER.CAPABILITIES_POINTER] = first;
  return write(bytes, dwords);
}

/** The first dword of a PCI Express capability. */
export const pcieHeader = (type: number, { version = 2, slot = false, next = 0 } = {}): number =>
  0x10 | (next << 8) | (((type << 4) | version | (slot ? 0x100 : 0)) << 16);

/** The header of an extended capability. */
export const extendedHeader = (id: number, next = 0, version = 1): number =>
  (id | (version << 16) | (next << 20)) >>> 0;
