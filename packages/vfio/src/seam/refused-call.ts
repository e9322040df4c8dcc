import { type PciErrorCode, type Permanence, PciRecoveryError, type Plain } from '@pci-recovery/core';
import { errnoName, syscallError } from './errno.js';
import { place } from './place.js';
import { type SyscallResult } from './syscalls.js';

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

/**
 * The error of a call that the kernel refused, in the words of that call where they are better than the general ones.
 * @param cause what was thrown, where the call's result came as an exception
 */
export function refusedCall(
  call: string,
  result: SyscallResult,
  context: Readonly<Record<string, Plain>>,
  meanings: Meanings = {},
  cause?: unknown,
): PciRecoveryError {
  const error = syscallError(call, result, context);
  const meaning = meanings[errnoName(result)];
  if (meaning === undefined && cause === undefined) return error;
  const { code = error.code, permanence = error.permanence } = meaning ?? {};
  const message = meaning && `${call}${place(context)} failed with ${errnoName(result)}: ${meaning.advice}`;
  return new PciRecoveryError(code, message ?? error.message, {
    permanence,
    context: { ...error.context, ...meaning?.context },
    ...(cause !== undefined && { cause }),
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
