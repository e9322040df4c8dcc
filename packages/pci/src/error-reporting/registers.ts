import { dwords, u16, u32 } from '../config-space/bytes.js';
import { type RegisterLayout } from '../config-space/register-layout.js';
import { AER, AER_LENGTH, TLP_LOG_DWORDS } from '../registers/index.js';

/** The raw registers of the AER capability. */
export interface AerRegisters {
  /** 32 bits: id 15:0, version 19:16, next 31:20. */
  readonly header: number;
  readonly uncorrectableStatus: number;
  readonly uncorrectableMask: number;
  readonly uncorrectableSeverity: number;
  readonly correctableStatus: number;
  readonly correctableMask: number;
  /** Advanced Error Capabilities and Control. */
  readonly control: number;
  /** Four dwords. */
  readonly headerLog: readonly number[];
  /** From here on 0 when the capability is not that long. Reserved in what is neither root port nor event collector. */
  readonly rootCommand: number;
  readonly rootStatus: number;
  /** Requester id of the first ERR_COR. */
  readonly correctableSource: number;
  /** Requester id of the first ERR_NONFATAL or ERR_FATAL. */
  readonly uncorrectableSource: number;
  /** TLP Prefix Log: none, four dwords, or in Flit Mode the up to ten dwords that go on behind the Header Log. */
  readonly prefixLog: readonly number[];
}

/** Layout of the AER capability. */
export const AER_LAYOUT: RegisterLayout<AerRegisters> = [
  { name: 'header', offset: 0, width: 4 },
  { name: 'uncorrectableStatus', offset: AER.UNCOR_STATUS, width: 4 },
  { name: 'uncorrectableMask', offset: AER.UNCOR_MASK, width: 4 },
  { name: 'uncorrectableSeverity', offset: AER.UNCOR_SEVERITY, width: 4 },
  { name: 'correctableStatus', offset: AER.COR_STATUS, width: 4 },
  { name: 'correctableMask', offset: AER.COR_MASK, width: 4 },
  { name: 'control', offset: AER.CAP_CONTROL, width: 4 },
  { name: 'headerLog', offset: AER.HEADER_LOG, width: 4 },
  { name: 'rootCommand', offset: AER.ROOT_COMMAND, width: 4 },
  { name: 'rootStatus', offset: AER.ROOT_STATUS, width: 4 },
  { name: 'correctableSource', offset: AER.COR_SOURCE, width: 2 },
  { name: 'uncorrectableSource', offset: AER.UNCOR_SOURCE, width: 2 },
  { name: 'prefixLog', offset: AER.PREFIX_LOG, width: 4 },
];

const NO_LOG: readonly number[] = Object.freeze([]);

/** Reads the first `length` bytes (an `AER_LENGTH`, or a whole number of log dwords more) of the capability at `at`. */
export function readAer(b: Uint8Array, at: number, length: number): AerRegisters {
  const root = length >= AER_LENGTH.root;
  const prefixes = (length - AER.PREFIX_LOG) >> 2;
  return {
    header: u32(b, at),
    uncorrectableStatus: u32(b, at + AER.UNCOR_STATUS),
    uncorrectableMask: u32(b, at + AER.UNCOR_MASK),
    uncorrectableSeverity: u32(b, at + AER.UNCOR_SEVERITY),
    correctableStatus: u32(b, at + AER.COR_STATUS),
    correctableMask: u32(b, at + AER.COR_MASK),
    control: u32(b, at + AER.CAP_CONTROL),
    headerLog: dwords(b, at + AER.HEADER_LOG, TLP_LOG_DWORDS.header),
    rootCommand: root ? u32(b, at + AER.ROOT_COMMAND) : 0,
    rootStatus: root ? u32(b, at + AER.ROOT_STATUS) : 0,
    correctableSource: root ? u16(b, at + AER.COR_SOURCE) : 0,
    uncorrectableSource: root ? u16(b, at + AER.UNCOR_SOURCE) : 0,
    prefixLog: prefixes > 0 ? dwords(b, at + AER.PREFIX_LOG, prefixes) : NO_LOG,
  };
}
