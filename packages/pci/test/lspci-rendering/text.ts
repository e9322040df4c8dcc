/** `+` for a set bit, `-` for a clear one. */
export const mark = (set: boolean): string => (set ? '+' : '-');

/** `Name+ Other-` of pairs of name and bit. */
export const marks = (...pairs: readonly (readonly [string, boolean])[]): string =>
  pairs.map(([name, set]) => `${name}${mark(set)}`).join(' ');

/** printf `%0<digits>x`. */
export const hex = (value: number | bigint, digits: number): string => value.toString(16).padStart(digits, '0');

/** printf `%g` of a float (single precision) as far as values from 0.001 to 999999 need it. */
export const general = (value: number): string => String(Number(Math.fround(value).toPrecision(6)));
