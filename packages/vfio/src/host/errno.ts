import { PciRecoveryError, type Plain } from '@pci-recovery/core';
import { errnoName, errnoNumber, syscallError } from '../seam/errno.js';

/** What was called, on what, and what to do when it is refused. */
export interface FailedCall {
  /** What was tried: `open`. */
  readonly call: string;
  /** `path` is named in the message. */
  readonly context?: Readonly<Record<string, Plain>>;
  /** Better advice than the general one, by the errno that it helps against. */
  readonly remedies?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** The error of a call that the kernel refused, as `syscallError` makes it; with better advice where there is one. */
export function refusedCall(result: number, { call, context = {}, remedies, cause }: FailedCall): PciRecoveryError {
  const error = syscallError(call, result, context);
  const remedy = remedies?.[errnoName(result)];
  if (remedy === undefined && cause === undefined) return error;
  const path = typeof context.path === 'string' ? ` of ${context.path}` : '';
  const message = remedy === undefined ? error.message : `${call}${path} failed with ${errnoName(result)}: ${remedy}`;
  const { code, permanence } = error;
  return new PciRecoveryError(code, message, {
    permanence,
    context: error.context,
    ...(cause !== undefined && { cause }),
  });
}

/** The same by the errno's name, as node:fs tells it. */
export const refused = (errno: string, call: FailedCall): PciRecoveryError =>
  refusedCall(-(errnoNumber(errno) ?? errnoNumber('EIO')!), call);

/** The errno's name of an error of node:fs; undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  // Errors of another realm are no `instanceof Error`.
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}
