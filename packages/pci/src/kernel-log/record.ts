import { type Bdf, type Severity } from '@pci-recovery/core';
import { type BitName } from '../registers/index.js';
import { type AER_GLOBAL_ROWS, type AER_ROWS, type DPC_ROWS } from './aer-lines.js';
import { type EEH_BARE_ROWS, type EEH_DEVICE_ROWS, type EEH_ROWS } from './eeh-lines.js';
import { type LogTime } from './prefix.js';
import { type RowRecord } from './row.js';
import { type ZPCI_DEVICE_ROWS, type ZPCI_ROWS } from './zpci-lines.js';

/** Where a record comes from. */
export interface LogPlace {
  /** Number of its (first) line, from 1. */
  readonly line: number;
  readonly time?: LogTime;
  /** 0 (emergency) to 7 (debug), where the prefix tells. */
  readonly level?: number;
}

/** What a line says of the device that it speaks of. */
export interface LogSubject {
  readonly bdf?: Bdf;
  /** The driver that the line names in front of the device, such as `pcieport`. */
  readonly boundDriver?: string;
}

/** A line of a subsystem that is in no table: kept, so that nothing is lost. */
export interface OtherLine {
  readonly kind: 'other';
  readonly text: string;
}

/** A bit that the kernel printed. */
export interface LoggedBit {
  /** 0–31. */
  readonly bit: number;
  /** As it was printed; old kernels print other names. */
  readonly printed: string;
  /** What the bit means; undefined for a reserved bit, and when it is not known which register it is of. */
  readonly meaning?: BitName;
  /** First Error Pointer points at it. */
  readonly first: boolean;
  readonly agent?: string;
  readonly layer?: string;
}

/** An AER error, from all the lines that describe it. Registers are unsigned, 32 bits. */
export interface AerLogError extends LogPlace, LogSubject {
  readonly platform: 'aer';
  readonly kind: 'error';
  /** Number of its last line. */
  readonly lastLine: number;
  /** Undefined when no line tells. */
  readonly severity?: Severity;
  readonly bus?: 'PCIe' | 'CXL';
  /** The status could not be read. */
  readonly accessible: boolean;
  readonly layer?: string;
  readonly agent?: string;
  /** Requester id of the source, as old kernels print it. */
  readonly sourceId?: number;
  readonly vendor?: number;
  readonly device?: number;
  /** Of the correctable or the uncorrectable register, by severity. */
  readonly status?: number;
  readonly mask?: number;
  readonly uncorrectableSeverity?: number;
  /** The errors that are set and not masked; by the printed bits when no line has the status. */
  readonly errors: readonly BitName[];
  readonly bits: readonly LoggedBit[];
  /** The logged TLP, byte 0 in bits 31:24 of the first dword. */
  readonly header?: readonly number[];
  readonly flit?: boolean;
  readonly prefixes?: readonly number[];
  /** Of several devices with errors, the root port named this one. */
  readonly reportedFirst: boolean;
}

/** One line about AER or DPC. */
export type AerLogLine = LogPlace &
  LogSubject & { readonly platform: 'aer' } & (
    | RowRecord<(typeof AER_ROWS)[number]>
    | RowRecord<(typeof AER_GLOBAL_ROWS)[number]>
    | RowRecord<(typeof DPC_ROWS)[number]>
    | OtherLine
  );

/** One line about EEH. */
export type EehLogLine = LogPlace &
  LogSubject & {
    readonly platform: 'eeh';
    /** Address of the PE, where the line names it behind the device. */
    readonly devicePe?: number;
  } & (
    | RowRecord<(typeof EEH_ROWS)[number]>
    | RowRecord<(typeof EEH_DEVICE_ROWS)[number]>
    | RowRecord<(typeof EEH_BARE_ROWS)[number]>
    | OtherLine
  );

/** One line about zPCI. */
export type ZpciLogLine = LogPlace &
  LogSubject & { readonly platform: 'zpci' } & (
    RowRecord<(typeof ZPCI_ROWS)[number]> | RowRecord<(typeof ZPCI_DEVICE_ROWS)[number]> | OtherLine
  );

/** Whatever a kernel log says about error recovery. */
export type KernelLogRecord = AerLogError | AerLogLine | EehLogLine | ZpciLogLine;

/** What can be wrong with a log: it is larger than is looked at. */
export type LogFindingCode =
  /** A line so long that its end was not looked at. */
  | 'line_too_long'
  /** More errors at a time than are put together: the oldest ended early. */
  | 'too_many_open_errors'
  /** More records than were asked for. */
  | 'records_dropped';

/** Something about the log that a reader must know: data, never an exception. */
export interface LogFinding {
  readonly code: LogFindingCode;
  /** Number of the line, from 1. */
  readonly line: number;
  /** One sentence. */
  readonly message: string;
}
