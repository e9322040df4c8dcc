import { PciRecoveryError } from '@pci-recovery/core';
import { errnoNumber } from '../../seam/errno.js';
import { type Gate } from './gate.js';

/**
 * The negative number of an errno, as calls answer it on the architecture that the program runs on.
 * @throws PciRecoveryError `ERR_PCI_UNKNOWN_ERRNO` for a name that this architecture does not have
 */
export function errno(name: string): number {
  const number = errnoNumber(name);
  if (number !== undefined) return -number;
  throw new PciRecoveryError(
    'ERR_PCI_UNKNOWN_ERRNO',
    `"${name}" is no errno of ${process.arch}: write EIO, EAGAIN, ….`,
    {
      context: { name },
    },
  );
}

/** The call cannot go on before a gate opens; it begins anew then. */
export class Blocked {
  constructor(
    readonly gate: Gate,
    /** What it waits for, in words. */
    readonly what: string,
  ) {}
}

/** The call takes time: what it does at its end is done `ms` milliseconds later. */
export class Takes {
  constructor(
    readonly ms: number,
    readonly end: () => number,
  ) {}
}

/** How a call goes: its result (≥ 0, or a negative errno), or what it waits for. */
export type Outcome = number | Blocked | Takes;

/** The scripted kernel does not play this part of the real one: it says so rather than answer something made up. */
export const notPlayed = (what: string): PciRecoveryError =>
  new PciRecoveryError('ERR_PCI_NOT_PLAYED', `The scripted kernel does not play ${what}: script an answer for it.`, {
    context: { what },
  });
