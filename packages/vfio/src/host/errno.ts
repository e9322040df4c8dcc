import { type PciRecoveryError, type Plain } from '@pci-recovery/core';
import { errnoNumber } from '../seam/errno.js';
import { type Meanings, refusedCall } from '../seam/refused-call.js';

/** What a call of node:fs was made on, and what is known about its failure. */
export interface FailedFileCall {
  /** `path` is named in the message. */
  readonly context: Readonly<Record<string, Plain>>;
  readonly meanings?: Meanings;
  /** What node threw. */
  readonly cause?: unknown;
}

/** The error of a call of node:fs, which tells its errno by name: the same as of any other call. */
export const refusedFileCall = (
  call: string,
  errno: string,
  { context, meanings, cause }: FailedFileCall,
): PciRecoveryError => refusedCall(call, -(errnoNumber(errno) ?? errnoNumber('EIO')!), context, meanings, cause);

/** The errno's name of an error of node:fs; undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  // Errors of another realm are no `instanceof Error`.
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}
