/** What can be wrong with PHB diagnostic data. Codes are stable; messages may change. */
export type DiagFindingCode =
  /** Fewer bytes than the header of twelve. */
  | 'header_truncated'
  /** A version that nobody has told us of. */
  | 'unknown_version'
  /** A kind of PHB that nobody has told us of. */
  | 'unknown_io_type'
  /** Fewer bytes than the layout has. */
  | 'data_truncated'
  /** The header gives another length than the layout has. */
  | 'length_mismatch'
  /** Something other than zeros behind the end. */
  | 'trailing_bytes'
  /** Text: a line of registers that has no header of a dump above it. */
  | 'line_without_header'
  /** Text: a line that is there twice; the first counts. */
  | 'duplicate_line'
  /** Text: registers that this model does not have, or too few or too many values. */
  | 'bad_line'
  /** Text: a PE number beyond the table. */
  | 'pe_out_of_range'
  /** Text: more dumps or findings than are kept. */
  | 'overflow';

/** Something wrong in a blob or a dump: data, never an exception. */
export interface DiagFinding {
  readonly code: DiagFindingCode;
  /** Bytes: the offset in the blob. Text: the number of the line, from 1. */
  readonly at: number;
  /** One sentence. */
  readonly message: string;
}
