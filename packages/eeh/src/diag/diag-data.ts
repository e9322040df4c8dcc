import { type PhbModel } from './layout.js';
import { type DiagFinding } from './finding.js';

/** PEST A and PEST B of one PE: its entry in the PE state table. */
export interface PestRegisters {
  readonly pe: number;
  /** 64 bits. */
  readonly a: bigint;
  /** 64 bits. */
  readonly b: bigint;
}

/** Diagnostic data of a PHB: raw values, nothing interpreted. */
export interface PhbDiagData {
  readonly model: PhbModel;
  readonly version: number;
  /** `len` of the header, in bytes; from text: what the layout has. */
  readonly length: number;
  /** Number of the PHB, where the text says it. */
  readonly phb?: number;
  /**
   * Registers by the names of opal-api.h, unsigned, of 32 or 64 bits. From bytes: all. From text: those that were printed,
   * which Linux does only when they are not zero.
   */
  readonly registers: Readonly<Record<string, bigint>>;
  /** PEs with an entry other than zero, in order. Text has only those that are frozen. */
  readonly pest: readonly PestRegisters[];
  /** What followed behind the end of the layout; mostly nothing or zeros. */
  readonly trailing: Uint8Array;
}

/** What became of a blob. */
export interface DecodedPhbDiag {
  /** Undefined when the blob could not be read: then `findings` says why. */
  readonly data?: PhbDiagData;
  /** The whole blob as it was given. */
  readonly bytes: Uint8Array;
  readonly findings: readonly DiagFinding[];
}
