import { type Plain } from '@pci-recovery/core';

/** One thing that was found in an input, in both forms. */
export interface Decoded {
  readonly json: Readonly<Record<string, Plain | undefined>>;
  readonly view: readonly string[];
}

/** Any data as plain data: 64-bit numbers become hexadecimal text, bytes too. */
export const plain = (value: unknown): Plain =>
  JSON.parse(
    JSON.stringify(value, (_, item: unknown) => {
      if (typeof item === 'bigint') return `0x${item.toString(16).padStart(16, '0')}`;
      return item instanceof Uint8Array ? Buffer.from(item).toString('hex') : item;
    }),
  ) as Plain;
