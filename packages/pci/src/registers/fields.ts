/** A field of one bit: true when it is set. */
export interface Flag {
  readonly kind: 'flag';
  readonly shift: number;
  /** Unsigned. */
  readonly mask: number;
}

/** A field of several bits: an unsigned number. */
export interface Value {
  readonly kind: 'value';
  readonly shift: number;
  /** Unsigned, in place. */
  readonly mask: number;
}

/** The fields of one register (at most 32 bits), by name. */
export type FieldTable = Readonly<Record<string, Flag | Value>>;

/** What the fields of a register hold. */
export type Fields<T extends FieldTable> = { readonly [K in keyof T]: T[K] extends Flag ? boolean : number };

/** The field that is bit `bit`. */
export const flag = (bit: number): Flag => ({ kind: 'flag', shift: bit, mask: (1 << bit) >>> 0 });

/** The field of bits `high`:`low`. */
export const value = (high: number, low: number): Value => ({
  kind: 'value',
  shift: low,
  mask: ((2 ** (high - low + 1) - 1) * 2 ** low) >>> 0,
});

/** Takes a register apart. Bits outside the table are left out: the raw register keeps them. */
export function decodeFields<T extends FieldTable>(register: number, table: T): Fields<T> {
  const fields: Record<string, boolean | number> = {};
  for (const name in table) {
    const field = table[name]!;
    fields[name] = field.kind === 'flag' ? (register & field.mask) !== 0 : (register & field.mask) >>> field.shift;
  }
  return fields as Fields<T>;
}

/** Puts fields into a register, leaving the other bits of `register` as they are. A value too large is cut to its field. */
export function encodeFields<T extends FieldTable>(fields: Partial<Fields<T>>, table: T, register = 0): number {
  let out = register;
  for (const name in table) {
    const given = fields[name];
    if (given === undefined) continue;
    const { mask, shift } = table[name]!;
    out = (out & ~mask) | ((Number(given) << shift) & mask);
  }
  return out >>> 0;
}
