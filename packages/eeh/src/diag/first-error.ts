import { powerBitsSet, type PowerBit, type UnitName } from './bits.js';
import { type PhbDiagData } from './diag-data.js';
import { bitTableOf } from './tables/index.js';

/** A register that latched what came first. */
export interface FirstError {
  /** `nFirWOF`, `lemWOF` or `…FirstErrorStatus`. */
  readonly register: string;
  /** More than one when they came at the same time. */
  readonly bits: readonly PowerBit[];
}

/** Where the search starts; the units follow where the bits lead to, then those that nothing led to. */
const UNITS: readonly UnitName[] = [
  'phb',
  'mmio',
  'dma0',
  'dma1',
  'phbTxe',
  'phbRxeArb',
  'phbRxeMrg',
  'phbRxeTce',
  'phbPbl',
  'phbRegb',
];

const latch = (unit: UnitName): string => `${unit}FirstErrorStatus`;

function read(data: PhbDiagData, register: string): FirstError | undefined {
  const bits = powerBitsSet(data.registers[register] ?? 0n, bitTableOf(data.model, register));
  return bits.length > 0 ? { register, bits } : undefined;
}

/** Follows the bits of `from` that sum up other units to those units' own first errors. */
function follow(data: PhbDiagData, from: string, seen: Set<string>): FirstError[] {
  if (seen.has(from)) return [];
  seen.add(from);
  const found = read(data, from);
  if (found === undefined) return [];
  const next = found.bits.flatMap(({ leadsTo }) => (leadsTo ? follow(data, latch(leadsTo), seen) : []));
  return [found, ...next];
}

/** The first errors: what the PHB's error summary (lemWOF) leads to, and what stands alone. */
export interface FirstErrors {
  /** From the summary down to the unit that saw it; empty when neither lemWOF nor phbFirstErrorStatus is set. */
  readonly chain: readonly FirstError[];
  /** First errors that the chain did not meet, with nFirWOF in front. */
  readonly others: readonly FirstError[];
}

/** Finds what came first (R4.7): WOF registers latch the first error, "who is on first". */
export function firstErrors(data: PhbDiagData): FirstErrors {
  const seen = new Set<string>();
  const start = (data.registers['lemWOF'] ?? 0n) !== 0n ? 'lemWOF' : latch('phb');
  const chain = follow(data, start, seen);
  const others = ['nFirWOF', ...UNITS.map(latch)].flatMap((register) => follow(data, register, seen));
  return { chain, others };
}

const named = ({ bit, name }: PowerBit): string => (name === undefined ? `bit ${bit}` : `bit ${bit} (${name})`);

/** `lemWOF bit 31 (…)`. */
export const firstErrorText = ({ register, bits }: FirstError): string =>
  `${register} ${bits.map(named).join(' and ')}`;
