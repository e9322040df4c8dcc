import { PciRecoveryError, type Plain } from '@pci-recovery/core';
import { failedWith } from '../../seam/errno.js';
import { type SyscallResult } from '../../seam/syscalls.js';

/** The longest transfer in one call, in bytes. */
export const MOST_TRANSFER = 1 << 20;

/** A piece of a region. Bytes; offsets are relative to the region. */
export interface Piece {
  readonly offset: number;
  readonly length: number;
}

/**
 * Holds a transfer against the region's size, before anything is asked of the kernel.
 * @throws PciRecoveryError `ERR_PCI_BAD_OFFSET`
 */
export function checkPiece({ offset, length }: Piece, size: bigint, what: string): void {
  const whole = Number.isSafeInteger(offset) && offset >= 0 && Number.isSafeInteger(length) && length >= 1;
  if (whole && length <= MOST_TRANSFER && BigInt(offset) + BigInt(length) <= size) return;
  throw new PciRecoveryError(
    'ERR_PCI_BAD_OFFSET',
    `${what} has ${size} bytes: ${length} bytes at ${offset} are not in it${length > MOST_TRANSFER ? ` (${MOST_TRANSFER} at most in one call)` : ''}.`,
    { context: { what, offset, length, size: String(size) } },
  );
}

/** How a transfer ended early: with an errno, or with nothing more to be had. */
export type Cut = { readonly done: number; readonly errno: SyscallResult };

/** What is left of a transfer, and where. */
export type Part = (buffer: Uint8Array, at: number) => SyscallResult;
export type PartAsync = (buffer: Uint8Array, at: number) => Promise<SyscallResult>;

/** Whether a part's result ends the transfer; EINTR is tried again. */
const ends = (result: SyscallResult): boolean => result === 0 || (result < 0 && !failedWith(result, 'EINTR'));

/** Transfers all of a buffer; short transfers go on where they ended. */
export function transfer(buffer: Uint8Array, part: Part): Cut | undefined {
  for (let done = 0; done < buffer.length;) {
    const result = part(buffer.subarray(done), done);
    if (ends(result)) return { done, errno: result };
    done += Math.max(result, 0);
  }
  return undefined;
}

/** The same in threads. */
export async function transferAsync(buffer: Uint8Array, part: PartAsync): Promise<Cut | undefined> {
  for (let done = 0; done < buffer.length;) {
    const result = await part(buffer.subarray(done), done);
    if (ends(result)) return { done, errno: result };
    done += Math.max(result, 0);
  }
  return undefined;
}

/** The error of a transfer that came to nothing more without an errno. */
export const shortTransfer = (call: string, done: number, context: Readonly<Record<string, Plain>>): PciRecoveryError =>
  new PciRecoveryError(
    'ERR_PCI_SHORT_TRANSFER',
    `${call} ended after ${done} bytes without an error: the rest is missing.`,
    {
      context: { ...context, call, done },
    },
  );
