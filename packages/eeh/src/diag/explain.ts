import { decodeTlp, type BitName, type Tlp } from '@pci-recovery/pci';
import { powerBitsSet, type PowerBit } from './bits.js';
import { aerErrors, configFields, type ConfigFields } from './config-fields.js';
import { type PhbDiagData } from './diag-data.js';
import { firstErrors, firstErrorText, type FirstErrors } from './first-error.js';
import { layoutOf } from './layout.js';
import { decodePest, type PestEntry } from './pest.js';
import { bitTableOf } from './tables/index.js';

/** One register and what it says. */
export interface RegisterReading {
  readonly name: string;
  readonly value: bigint;
  /** Bytes. */
  readonly width: 4 | 8;
  /** Registers of 64 bits: the bits that are set, 0 being the most significant. */
  readonly bits?: readonly PowerBit[];
  /** Configuration registers of the root port. */
  readonly fields?: ConfigFields;
  /** uncorrErrorStatus and corrErrorStatus. */
  readonly errors?: readonly BitName[];
}

/** What diagnostic data of a PHB means. */
export interface PhbDiagExplanation {
  /** Registers that are not zero, in the order of the blob. */
  readonly registers: readonly RegisterReading[];
  readonly firstErrors: FirstErrors;
  /** One sentence: what came first; undefined when nothing latched it. */
  readonly firstError?: string;
  /** The header that the root port logged, where AER reports an uncorrectable error and the log holds one. */
  readonly tlp?: Tlp;
  /** Entries of the PE state table other than zero. */
  readonly pest: readonly PestEntry[];
}

/** Registers of 64 bits that hold no bits to name: logs and identifiers. */
const NO_BITS = /Log[0-9]$|^errorClass$|^correlator$/;

function readingOf(data: PhbDiagData, name: string, width: 4 | 8): RegisterReading {
  const value = data.registers[name]!;
  if (width === 8) {
    const bits = NO_BITS.test(name) ? undefined : powerBitsSet(value, bitTableOf(data.model, name));
    return { name, value, width, ...(bits && { bits }) };
  }
  const fields = configFields(name, Number(value));
  const errors = aerErrors(name, Number(value));
  return { name, value, width, ...(fields && { fields }), ...(errors && { errors }) };
}

/** Swaps the four bytes of a dword. */
const swapped = (value: number): number =>
  (((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;

/**
 * The four dwords of the Header Log, byte 0 of the TLP in bits 31:24 of the first. PHB4 has them with their bytes
 * reversed (skiboot hw/phb4.c:phb4_eeh_dump_regs); undefined for other models, of which that is not known.
 */
export function loggedHeader(data: PhbDiagData): readonly number[] | undefined {
  if (data.model !== 'phb4') return undefined;
  const words = ['tlpHdr1', 'tlpHdr2', 'tlpHdr3', 'tlpHdr4'].map((name) => Number(data.registers[name] ?? 0n));
  return words.some((word) => word !== 0) ? words.map(swapped) : undefined;
}

function sentence({ chain, others }: FirstErrors): string | undefined {
  const [first, ...rest] = chain.length > 0 ? chain : others;
  if (first === undefined) return undefined;
  const joint = chain.length > 0 ? ', from ' : ', and ';
  return `First error: ${[first, ...rest].map(firstErrorText).join(joint)}.`;
}

/** Explains diagnostic data: registers, first errors, stopped PEs (R4.7). */
export function explainPhbDiag(data: PhbDiagData): PhbDiagExplanation {
  const registers = layoutOf(data.model)
    .registers.filter(({ name }) => (data.registers[name] ?? 0n) !== 0n)
    .map(({ name, width }) => readingOf(data, name, width));
  const found = firstErrors(data);
  const firstError = sentence(found);
  const header = data.registers['uncorrErrorStatus'] ? loggedHeader(data) : undefined;
  const tlp = header && decodeTlp(header);
  return {
    registers,
    firstErrors: found,
    ...(firstError !== undefined && { firstError }),
    ...(tlp && { tlp }),
    pest: data.pest.map((entry) => decodePest(entry, data.model)),
  };
}
