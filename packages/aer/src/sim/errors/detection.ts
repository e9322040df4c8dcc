import { PciRecoveryError } from '@pci-recovery/core';
import { CORRECTABLE_ERRORS, UNCORRECTABLE_ERRORS, type BitTable } from '@pci-recovery/pci';

/** An error by its Linux name (`MALF_TLP`), its lspci name (`MalfTLP`), or its bit number 0–31. */
export type ErrorBit = string | number;

/** What a function detects at one time: errors of one TLP are logged together and sent as one message a class. */
export interface Detection {
  /** The name of a correctable or an uncorrectable error. */
  readonly error?: string;
  readonly uncorrectable?: ErrorBit | readonly ErrorBit[];
  readonly correctable?: ErrorBit | readonly ErrorBit[];
  /** The four dwords of the TLP header, first one first. Default: none recorded (zeros). */
  readonly header?: readonly number[];
  /** Up to four TLP prefixes. */
  readonly prefixes?: readonly number[];
  /**
   * One of the cases in which a non-fatal error is only advisory (PCIe r6.1 §6.2.3.2.4). It counts where the severity is
   * non-fatal and the function does role-based error reporting.
   */
  readonly advisory?: boolean;
  /** An error that is not specific to one function: every function of the device logs it (PCIe r6.1 §6.2.4). */
  readonly wholeDevice?: boolean;
}

/** A checked detection, as masks. */
export interface DetectedErrors {
  readonly uncorrectable: number;
  readonly correctable: number;
  readonly header: readonly number[];
  readonly prefixes: readonly number[];
  readonly advisory: boolean;
}

const NO_HEADER = [0, 0, 0, 0] as const;
const NONE: readonly number[] = [];

const unknownError = (error: ErrorBit): PciRecoveryError =>
  new PciRecoveryError(
    'ERR_PCI_SIM_UNKNOWN_ERROR',
    `"${error}" is no error that AER knows: give a name like MALF_TLP or BAD_TLP, or a bit number 0–31.`,
    { context: { error } },
  );

/** The mask of an error by name in a table; undefined when it is not there. */
export function maskOfName(name: string, table: BitTable): number | undefined {
  const wanted = name.toUpperCase();
  return table.find((one) => one.linux === wanted || one.short.toUpperCase() === wanted)?.mask;
}

function maskOfBits(given: Detection['uncorrectable'], table: BitTable): number {
  if (given === undefined) return 0;
  const bits = Array.isArray(given) ? (given as readonly ErrorBit[]) : [given as ErrorBit];
  return bits.reduce<number>((mask, bit) => (mask | maskOfBit(bit, table)) >>> 0, 0);
}

function maskOfBit(bit: ErrorBit, table: BitTable): number {
  if (typeof bit === 'string') {
    const mask = maskOfName(bit, table);
    if (mask === undefined) throw unknownError(bit);
    return mask;
  }
  if (!Number.isInteger(bit) || bit < 0 || bit > 31) throw unknownError(bit);
  return (1 << bit) >>> 0;
}

function log(given: readonly number[] | undefined, most: number, name: string): readonly number[] {
  if (given === undefined) return NONE;
  if (given.length <= most && given.every((dword) => Number.isInteger(dword) && dword >= 0 && dword <= 0xffff_ffff))
    return given;
  throw new PciRecoveryError('ERR_PCI_SIM_BAD_LOG', `The ${name} is at most ${most} dwords of 32 bits, unsigned.`, {
    context: { given: [...given] },
  });
}

/**
 * Reads a detection.
 * @throws PciRecoveryError `ERR_PCI_SIM_UNKNOWN_ERROR`, `ERR_PCI_SIM_BAD_LOG`; `ERR_PCI_SIM_NO_ERROR` when it names none.
 */
export function readDetection(given: Detection): DetectedErrors {
  let uncorrectable = maskOfBits(given.uncorrectable, UNCORRECTABLE_ERRORS);
  let correctable = maskOfBits(given.correctable, CORRECTABLE_ERRORS);
  if (given.error !== undefined) {
    const worse = maskOfName(given.error, UNCORRECTABLE_ERRORS);
    const better = worse === undefined ? maskOfName(given.error, CORRECTABLE_ERRORS) : 0;
    if (better === undefined) throw unknownError(given.error);
    uncorrectable = (uncorrectable | (worse ?? 0)) >>> 0;
    correctable |= better;
  }
  if ((uncorrectable | correctable) === 0)
    throw new PciRecoveryError('ERR_PCI_SIM_NO_ERROR', 'Nothing is detected: name an error.');
  const header = log(given.header, 4, 'header');
  return {
    uncorrectable,
    correctable,
    header: header.length === 4 ? header : NO_HEADER.map((zero, n) => header[n] ?? zero),
    prefixes: log(given.prefixes, 4, 'prefix log'),
    advisory: given.advisory === true,
  };
}
