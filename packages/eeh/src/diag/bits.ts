/** What stands before the names of a unit's registers: `phbTxe` for `phbTxeErrorStatus`, `phbTxeFirstErrorStatus`, … */
export type UnitName =
  'phb' | 'mmio' | 'dma0' | 'dma1' | 'phbTxe' | 'phbRxeArb' | 'phbRxeMrg' | 'phbRxeTce' | 'phbPbl' | 'phbRegb';

/** One bit of a register, numbered as IBM does: 0 is the most significant one. */
export interface PowerBit {
  /** 0–63 in registers of 64 bits. */
  readonly bit: number;
  /** Undefined when no public source names it. */
  readonly name?: string;
  /** The bit sums up the errors of this unit: look there. */
  readonly leadsTo?: UnitName;
}

/** The named bits of a register of 64 bits, by number. */
export type PowerBitTable = ReadonlyMap<number, PowerBit>;

/** Makes a {@link PowerBitTable} from rows of bit number, name, and the unit whose errors it sums up. */
export const powerBits = (rows: readonly (readonly [bit: number, name: string, leadsTo?: UnitName])[]): PowerBitTable =>
  new Map(rows.map(([bit, name, leadsTo]) => [bit, Object.freeze({ bit, name, ...(leadsTo && { leadsTo }) })]));

const UNNAMED: PowerBitTable = new Map();

/** The mask of bit `bit` of a register of 64 bits (skiboot PPC_BIT). */
export const powerMask = (bit: number): bigint => 1n << BigInt(63 - bit);

/** All bits that are set in `value` (64 bits), the most significant first; those outside the table have no name. */
export function powerBitsSet(value: bigint, table: PowerBitTable = UNNAMED): PowerBit[] {
  const set: PowerBit[] = [];
  for (let bit = 0; value !== 0n && bit < 64; bit++) {
    if (value & powerMask(bit)) set.push(table.get(bit) ?? { bit });
  }
  return set;
}

/** Bits `first` to `last` of a register of 64 bits as a number (skiboot PPC_BITMASK and GETFIELD). At most 32 bits. */
export const powerField = (value: bigint, first: number, last: number): number =>
  Number((value >> BigInt(63 - last)) & ((1n << BigInt(last - first + 1)) - 1n));
