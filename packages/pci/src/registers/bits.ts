/** One bit of a register that reports or controls one thing. */
export interface BitName {
  /** Bit number, 0–31. */
  readonly bit: number;
  /** `1 << bit` as an unsigned number. */
  readonly mask: number;
  /** The short name that lspci prints (`MalfTLP`). */
  readonly short: string;
  /** The name in Linux include/uapi/linux/pci_regs.h without its prefix (`MALF_TLP`). */
  readonly linux: string;
  /** The name in the PCI Express Base Specification. */
  readonly name: string;
}

/** The named bits of a register, from the lowest to the highest. */
export type BitTable = readonly BitName[];

/** Makes a {@link BitTable} from rows of bit number, short name, Linux name, full name. */
export const bitTable = (rows: readonly (readonly [number, string, string, string])[]): BitTable =>
  Object.freeze(
    rows.map(([bit, short, linux, name]) => Object.freeze({ bit, mask: (1 << bit) >>> 0, short, linux, name })),
  );

/** The named bits that are set in `value` (32 bits), lowest first. */
export const setBits = (value: number, table: BitTable): BitName[] =>
  value === 0 ? [] : table.filter((entry) => (value & entry.mask) !== 0);

/** All named bits of a table as one mask. */
export const maskOf = (table: BitTable): number => table.reduce((mask, entry) => (mask | entry.mask) >>> 0, 0);
