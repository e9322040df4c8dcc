/** Where one register (or a row of equal ones) lies within its capability. */
export interface RegisterPlace<Name extends string = string> {
  readonly name: Name;
  /** Byte offset within the capability. */
  readonly offset: number;
  /** Bytes. */
  readonly width: 1 | 2 | 4;
}

/** The registers of a capability in the order of their offsets; an array of numbers stands at its first offset. */
export type RegisterLayout<Registers> = readonly RegisterPlace<keyof Registers & string>[];

/**
 * Writes registers back into the `length` bytes that they were read from, little-endian. Registers that lie (partly)
 * outside are left out, and so are undefined ones.
 */
export function encodeRegisters<Registers extends object>(
  registers: Registers,
  layout: RegisterLayout<Registers>,
  length: number,
): Uint8Array {
  const bytes = new Uint8Array(length);
  for (const { name, offset, width } of layout) {
    const held = registers[name] as number | readonly number[] | undefined;
    if (held === undefined) continue;
    const values = typeof held === 'number' ? [held] : held;
    values.forEach((value, index) => put(bytes, offset + index * width, width, value));
  }
  return bytes;
}

function put(bytes: Uint8Array, at: number, width: number, value: number): void {
  if (at + width > bytes.length) return;
  for (let i = 0; i < width; i++) bytes[at + i] = (value >>> (8 * i)) & 0xff;
}
