/** One base address register, or two for a 64-bit one (PCIe r6.1 §7.5.1.2.1). */
export interface BaseAddress {
  /** Number of its (first) register. */
  readonly index: number;
  readonly space: 'io' | 'memory';
  /** The address, without the attribute bits. */
  readonly address: bigint;
  /** Memory only. 20: below 1 MiB (obsolete). Undefined: the reserved type. */
  readonly bits?: 32 | 64 | 20;
  /** Memory only. */
  readonly prefetchable?: boolean;
}

const MEMORY_BITS = [32, 20, 64, undefined] as const;

function memory(index: number, low: number, high: number | undefined): BaseAddress {
  const bits = MEMORY_BITS[(low >>> 1) & 3];
  const upper = bits === 64 ? BigInt(high ?? 0) << 32n : 0n;
  return {
    index,
    space: 'memory',
    address: upper | BigInt((low & ~0xf) >>> 0),
    ...(bits && { bits }),
    prefetchable: (low & 8) !== 0,
  };
}

/**
 * Takes a row of base address registers apart. Registers that read 0 or all ones are not implemented and left out; the
 * upper half of a 64-bit one belongs to the register before it.
 */
export function decodeBaseAddresses(registers: readonly number[]): BaseAddress[] {
  const found: BaseAddress[] = [];
  for (let i = 0; i < registers.length; i++) {
    const low = registers[i]!;
    if (low === 0 || low === 0xffff_ffff) continue;
    if (low & 1) {
      found.push({ index: i, space: 'io', address: BigInt((low & ~3) >>> 0) });
      continue;
    }
    found.push(memory(i, low, registers[i + 1]));
    if ((low & 6) === 4) i++;
  }
  return found;
}
