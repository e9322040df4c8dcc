/** What can be wrong with configuration space. Codes are stable; messages may change. */
export type FindingCode =
  /** Fewer bytes than the 64 of a header. */
  | 'config_space_truncated'
  /** More than 4096 bytes; the rest was not looked at. */
  | 'config_space_oversized'
  /** Identification, command, status and class read all ones: nobody answers. */
  | 'config_space_all_ones'
  /** A read of bytes that are not there. */
  | 'read_beyond_end'
  /** A header layout that is not 0, 1 or 2. */
  | 'header_type_unknown'
  | `${'' | 'extended_'}capability_${
      | 'pointer_reserved_bits'
      | 'pointer_into_header'
      | 'pointer_beyond_end'
      | 'loop'
      | 'all_ones'
      | 'truncated'
      | 'duplicate'}`
  /** A pointer leads to a header of zeros. */
  | 'extended_capability_empty'
  /** The Logged TLP Size of AER in Flit Mode is larger than the log. */
  | 'aer_log_size_invalid'
  /** The RP PIO Log Size is neither 0 nor what a log needs. */
  | 'dpc_log_size_invalid';

/** Something wrong in configuration space: data, never an exception. */
export interface Finding {
  readonly code: FindingCode;
  /** Byte offset in configuration space that it concerns. */
  readonly offset: number;
  /** The rule that is broken: a section of a specification. */
  readonly rule: string;
  /** One sentence. */
  readonly message: string;
}

/** Takes findings as they are made. */
export type Report = (finding: Finding) => void;

/** Collects findings; allocates nothing while there are none. */
export class Findings {
  #list: Finding[] | undefined;

  add(code: FindingCode, offset: number, rule: string, message: string): void {
    (this.#list ??= []).push({ code, offset, rule, message });
  }

  /** Everything found so far, in order. */
  list(): readonly Finding[] {
    return this.#list ?? NOTHING;
  }
}

const NOTHING: readonly Finding[] = Object.freeze([]);

/** An offset or id as messages show it. */
export const hex = (value: number, digits = 2): string => `0x${value.toString(16).padStart(digits, '0')}`;
