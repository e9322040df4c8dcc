const SPACE = 0x20;
const DIGITS = new Int8Array(256).fill(-1);
for (let i = 0; i < 16; i++) {
  DIGITS[i.toString(16).charCodeAt(0)] = i;
  DIGITS[i.toString(16).toUpperCase().charCodeAt(0)] = i;
}

/** The value of the hexadecimal digit at `at`; −1 for any other character, and beyond the end. */
export const hexDigit = (text: Uint8Array, at: number): number => (at < text.length ? DIGITS[text[at]!]! : -1);

/** The number that the hexadecimal digits from `start` to `end` make; −1 when one is none. At most 8 digits. */
export function readOffset(text: Uint8Array, start: number, end: number): number {
  let number = 0;
  for (let at = start; at < end; at++) {
    const digit = hexDigit(text, at);
    if (digit < 0) return -1;
    number = number * 16 + digit;
  }
  return number;
}

/** Characters of sixteen bytes written as `xx xx … xx`. */
export const WHOLE_LINE = 47;

/**
 * Reads sixteen bytes written as `xx xx … xx` at `from` into `out` at `at`, without a look at each: whether all was
 * well is asked once, at the end. There must be {@link WHOLE_LINE} characters, and room for 16 bytes.
 */
export function readWholeLine(text: Uint8Array, from: number, out: Uint8Array, at: number): boolean {
  let digits = 0;
  let separators = 0;
  for (let k = 0, i = from; k < 16; k++, i += 3) {
    if (k > 0) separators |= text[i - 1]! ^ SPACE;
    // A digit that is none makes the byte negative.
    const byte = (DIGITS[text[i]!]! << 4) | DIGITS[text[i + 1]!]!;
    digits |= byte;
    out[at + k] = byte;
  }
  return digits >= 0 && separators === 0;
}
