import { type BridgeRegisters } from './registers.js';

/** The addresses that a bridge forwards downstream (PCIe r6.1 §7.5.1.3.6–9). Nothing, when base > limit. */
export interface BridgeWindow {
  readonly base: bigint;
  /** The last address. */
  readonly limit: bigint;
  /** How wide its addresses are. */
  readonly bits: 16 | 32 | 64;
}

/** The I/O window; undefined when base and limit disagree on their width, or use a reserved one. */
export function ioWindow(r: BridgeRegisters): BridgeWindow | undefined {
  const type = r.ioBase & 0xf;
  if (type !== (r.ioLimit & 0xf) || type > 1) return undefined;
  const upper = (half: number): bigint => (type === 1 ? BigInt(half) << 16n : 0n);
  return {
    base: upper(r.ioBaseUpper) | BigInt((r.ioBase & 0xf0) << 8),
    limit: upper(r.ioLimitUpper) | BigInt(((r.ioLimit & 0xf0) << 8) | 0xfff),
    bits: type === 1 ? 32 : 16,
  };
}

/** The non-prefetchable memory window; undefined when its reserved bits are not zero. */
export function memoryWindow(r: BridgeRegisters): BridgeWindow | undefined {
  if ((r.memoryBase & 0xf) !== 0 || (r.memoryLimit & 0xf) !== 0) return undefined;
  return { base: BigInt(r.memoryBase) << 16n, limit: (BigInt(r.memoryLimit) << 16n) | 0xf_ffffn, bits: 32 };
}

/** The prefetchable memory window; undefined when base and limit disagree on their width, or use a reserved one. */
export function prefetchableWindow(r: BridgeRegisters): BridgeWindow | undefined {
  const type = r.prefetchableBase & 0xf;
  if (type !== (r.prefetchableLimit & 0xf) || type > 1) return undefined;
  const upper = (half: number): bigint => (type === 1 ? BigInt(half) << 32n : 0n);
  return {
    base: upper(r.prefetchableBaseUpper) | (BigInt(r.prefetchableBase & 0xfff0) << 16n),
    limit: upper(r.prefetchableLimitUpper) | (BigInt(r.prefetchableLimit & 0xfff0) << 16n) | 0xf_ffffn,
    bits: type === 1 ? 64 : 32,
  };
}
