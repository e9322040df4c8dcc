const DIGITS = new Int8Array(128).fill(-1);
for (let i = 0; i < 16; i++) {
  DIGITS[i.toString(16).charCodeAt(0)] = i;
  DIGITS[i.toString(16).toUpperCase().charCodeAt(0)] = i;
}

/** The value of a hexadecimal digit by its character code, −1 for anything else (`NaN`, the code beyond a text, too). */
export const hexDigit = (code: number): number => (code < 128 ? DIGITS[code]! : -1);
