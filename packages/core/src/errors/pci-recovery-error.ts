import { type Plain } from '../plain.js';

/** A stable, public error code. Codes never change their meaning; messages may. */
export type PciErrorCode = `ERR_PCI_${Uppercase<string>}`;

/** `temporary`: the same call may succeed later. `permanent`: it will not, unless something is changed first. */
export type Permanence = 'permanent' | 'temporary';

/** What an error carries besides its message. */
export interface PciErrorDetails {
  /** Plain data about what was wrong and where: offsets in bytes, names, values as given. */
  readonly context?: Readonly<Record<string, Plain>>;
  /** Default: `permanent`. */
  readonly permanence?: Permanence;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

const BRAND = Symbol.for('pci-recovery.error');

/**
 * The one error type of this project. Its `code` is what programs should look at; its message says in a sentence what
 * was wrong, where, and what to do. A failed recovery is never an exception: it is a {@link RecoveryOutcome}.
 */
export class PciRecoveryError extends Error {
  override readonly name = 'PciRecoveryError';
  readonly [BRAND] = true;
  readonly code: PciErrorCode;
  readonly permanence: Permanence;
  readonly context: Readonly<Record<string, Plain>>;

  constructor(code: PciErrorCode, message: string, details: PciErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.permanence = details.permanence ?? 'permanent';
    this.context = details.context ?? {};
  }
}

/**
 * Recognises a {@link PciRecoveryError}, also one made by another installed copy of this package (where `instanceof`
 * answers no).
 */
export function isPciRecoveryError(value: unknown): value is PciRecoveryError {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[BRAND] === true;
}
