import { isPciRecoveryError, type Bdf } from '@pci-recovery/core';

/** What can be wrong with what sysfs says. Codes are stable. */
export type SysfsFindingCode =
  /** The kernel refused to read it, or it is larger than is looked at. */
  | 'unreadable'
  /** It should be a number and is none, or is larger than fits. */
  | 'not_a_number'
  /** A line of counters that is no name and number. */
  | 'bad_line'
  /** A name that is there twice; the first counts. */
  | 'duplicate'
  /** A link, or a name, that should hold an address and does not. */
  | 'not_an_address'
  /** Configuration space itself is odd: see the message. */
  | 'bad_config';

/** Something wrong in sysfs: data, never an exception. */
export interface SysfsFinding {
  readonly code: SysfsFindingCode;
  readonly bdf?: Bdf;
  /** The attribute, or the path below the root. */
  readonly attribute: string;
  /** One sentence. */
  readonly message: string;
}

/** Most findings that are kept of one reading. */
export const MOST_FINDINGS = 1000;

/** Takes findings, up to a bound. */
export class SysfsFindings {
  readonly list: SysfsFinding[] = [];
  /** Those above the bound. */
  dropped = 0;

  add(finding: SysfsFinding): void {
    if (this.list.length < MOST_FINDINGS) this.list.push(finding);
    else this.dropped++;
  }
}

/** The finding that a failed reading makes. What is no error of ours is thrown on. */
export function unreadable(error: unknown, attribute: string, bdf?: Bdf): SysfsFinding {
  if (!isPciRecoveryError(error)) throw error;
  return { code: 'unreadable', attribute, message: error.message, ...(bdf && { bdf }) };
}
