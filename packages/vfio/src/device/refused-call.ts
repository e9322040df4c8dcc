import { type PciErrorCode, type Permanence, PciRecoveryError, type Plain } from '@pci-recovery/core';
import { errnoName, syscallError } from '../seam/errno.js';
import { type SyscallResult } from '../seam/syscalls.js';

/** What an errno means for one particular call. */
export interface Meaning {
  /** Stands after "failed with E…: ". One sentence or two. */
  readonly advice: string;
  /** Default: as for every call. */
  readonly code?: PciErrorCode;
  readonly permanence?: Permanence;
  /** Added to the context. */
  readonly context?: Readonly<Record<string, Plain>>;
}

/** What a call's errnos mean, by their names. */
export type Meanings = Readonly<Record<string, Meaning>>;

/** The error of a call that the kernel refused, in the words of that call where they are better than the general ones. */
export function refusedCall(
  call: string,
  result: SyscallResult,
  context: Readonly<Record<string, Plain>>,
  meanings: Meanings = {},
): PciRecoveryError {
  const error = syscallError(call, result, context);
  const meaning = meanings[errnoName(result)];
  if (meaning === undefined) return error;
  const { advice, code = error.code, permanence = error.permanence } = meaning;
  const path = typeof context.path === 'string' ? ` of ${context.path}` : '';
  return new PciRecoveryError(code, `${call}${path} failed with ${errnoName(result)}: ${advice}`, {
    permanence,
    context: { ...error.context, ...meaning.context },
  });
}

/** A call's result when it is one; else the error of {@link refusedCall}. */
export function accepted(
  call: string,
  result: SyscallResult,
  context: Readonly<Record<string, Plain>>,
  meanings: Meanings = {},
): SyscallResult {
  if (result < 0) throw refusedCall(call, result, context, meanings);
  return result;
}
