/** Names of the bits of a flag word: one bit each. */
export type FlagTable = Readonly<Record<string, number>>;

/** The flags that are set, and the bits that this version has no name for. */
export interface Flags<T extends FlagTable> {
  readonly flags: ReadonlySet<keyof T & string>;
  /**
   * Bits that newer kernels set. VFIO adds bits for what is new, and user space is to ignore those that it does not know:
   * they are no error.
   */
  readonly unknownFlags: number;
}

/** Whether a bit of a 32-bit word is set. */
export const hasFlag = (word: number, bit: number): boolean => (word & bit) >>> 0 === bit;

/** Reads a flag word. */
export function readFlags<T extends FlagTable>(word: number, table: T): Flags<T> {
  const known = Object.entries(table).filter(([, bit]) => hasFlag(word, bit));
  const rest = known.reduce((left, [, bit]) => (left & ~bit) >>> 0, word);
  return { flags: new Set(known.map(([name]) => name)), unknownFlags: rest };
}
