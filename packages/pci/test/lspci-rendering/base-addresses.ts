import { type COMMAND, decodeBaseAddresses, type BaseAddress, type Fields } from '../../src/index.js';
import { hex } from './text.js';

type Command = Fields<typeof COMMAND>;

const MEMORY_TYPES: Readonly<Record<string, string>> = {
  32: '32-bit',
  64: '64-bit',
  20: 'low-1M',
  undefined: 'type 3',
};

function ioRegion(address: bigint, enabled: boolean): string {
  const place = address || enabled ? hex(address, 4) : '<unassigned>';
  return `I/O ports at ${place}${enabled ? '' : ' [disabled]'}`;
}

function memoryRegion(type: string, prefetchable: boolean, address: bigint, enabled: boolean): string {
  const place = address ? hex(address, 8) : '<unassigned>';
  return `Memory at ${place} (${type}, ${prefetchable ? '' : 'non-'}prefetchable)${enabled ? '' : ' [disabled]'}`;
}

/**
 * The upper half of a 64-bit address. lspci is wrong here when it reads a dump: it does not know that the register is an
 * upper half, and prints one that is not zero as a region of its own, without an address.
 */
function upperHalf(register: number, command: Command): string {
  if (register & 1) return ioRegion(0n, command.ioSpace);
  const type = ['32', '20', '64', 'undefined'][(register >>> 1) & 3]!;
  return memoryRegion(MEMORY_TYPES[type]!, (register & 8) !== 0, 0n, command.memorySpace);
}

function region(base: BaseAddress, last: boolean, command: Command): string {
  if (base.space === 'io') return ioRegion(base.address, command.ioSpace);
  // A 64-bit address without a register for its upper half: lspci gives none at all.
  const address = base.bits === 64 && last ? 0n : base.address;
  return memoryRegion(MEMORY_TYPES[String(base.bits)]!, base.prefetchable === true, address, command.memorySpace);
}

/** The `Region` lines of a header. */
export function baseAddressLines(registers: readonly number[], command: Command): string[] {
  const lines: string[] = [];
  for (const base of decodeBaseAddresses(registers)) {
    lines.push(`\tRegion ${base.index}: ${region(base, base.index === registers.length - 1, command)}`);
    const upper = base.bits === 64 ? (registers[base.index + 1] ?? 0) : 0;
    if (upper && upper !== 0xffff_ffff) lines.push(`\tRegion ${base.index + 1}: ${upperHalf(upper, command)}`);
  }
  return lines;
}

/** The `Expansion ROM` line: the register holds the address in 31:11 and the enable bit. */
export function romLine(register: number, memorySpace: boolean): string[] {
  if (register === 0) return [];
  const address = (register & ~0x7ff) >>> 0;
  // A register of all ones is no address to lspci, and yet an ignored one.
  const place = register === 0xffff_ffff ? '<ignored>' : address ? hex(address, 8) : '<unassigned>';
  const disabled = register & 1 ? (memorySpace ? '' : ' [disabled by cmd]') : ' [disabled]';
  return [`\tExpansion ROM at ${place}${disabled}`];
}
