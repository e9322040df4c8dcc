/** A register value as hexadecimal of its full width in bytes: `0x00040000`. */
export const hex = (value: number, width: 1 | 2 | 4 = 4): string =>
  `0x${(value >>> 0).toString(16).padStart(width * 2, '0')}`;

/** Every value of a register set as hexadecimal text of eight digits, whatever the register's own width. */
export const hexAll = (registers: object): Record<string, string | string[]> =>
  Object.fromEntries(
    Object.entries(registers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map((one: number) => hex(one)) : hex(value as number),
    ]),
  );
