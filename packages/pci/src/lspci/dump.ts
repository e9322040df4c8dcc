import { type Bdf } from '@pci-recovery/core';

/** What can be wrong with the text of a dump. Codes are stable; messages may change. */
export type DumpFindingCode =
  /** There is no line that names a slot. */
  | 'not_a_dump'
  /** A line looks like a slot, but no function can have that address. */
  | 'bad_slot'
  /** The same address a second time. */
  | 'duplicate_slot'
  /** A line of bytes that belongs to no function. */
  | 'hex_without_slot'
  /** What should be a byte is not; the rest of the line is left out. */
  | 'bad_hex'
  /** Bytes at or beyond 4096 are left out. */
  | 'bad_offset'
  /** Bytes are left out before this line; they count as 0xff. */
  | 'gap'
  /** A line gives bytes again that were there; the later ones count. */
  | 'overlap'
  /** A line of fewer than 16 bytes. */
  | 'truncated_line'
  /** A function without a single byte. */
  | 'device_without_bytes'
  /** A number of bytes that lspci never prints: not 64, 128 (CardBus), 256 or 4096. */
  | 'unusual_size'
  /** A line so long that its end was not looked at. */
  | 'line_too_long';

/** Something wrong in a dump: data, never an exception. */
export interface DumpFinding {
  readonly code: DumpFindingCode;
  /** Line number, from 1. */
  readonly line: number;
  /** One sentence. */
  readonly message: string;
}

/** One function of a dump. */
export interface DumpedDevice {
  readonly bdf: Bdf;
  /** What the slot line says behind the address. */
  readonly description: string;
  /** Its configuration space as far as it was dumped: usually 64, 256 or 4096 bytes. */
  readonly bytes: Uint8Array;
  /** Number of the slot line, from 1. */
  readonly line: number;
}

/** A whole dump. */
export interface LspciDump {
  /** In the order of the text. */
  readonly devices: readonly DumpedDevice[];
  /** In the order of the text; empty when all is well. */
  readonly findings: readonly DumpFinding[];
}
