/** Unchecked little-endian reads for decoders that have checked their bounds once. Beyond the end they read garbage. */

/** 16 bits at byte offset `at`. */
export const u16 = (bytes: Uint8Array, at: number): number => bytes[at]! | (bytes[at + 1]! << 8);

/** 32 bits at byte offset `at`, unsigned. */
export const u32 = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;

/** `count` dwords from byte offset `at` on. */
export function dwords(bytes: Uint8Array, at: number, count: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < count; i++) out.push(u32(bytes, at + 4 * i));
  return out;
}
