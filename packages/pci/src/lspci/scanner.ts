import { isBdf, parseBdf } from '@pci-recovery/core';
import { CONFIG_SIZE } from '../registers/index.js';
import { type DumpedDevice, type DumpFinding, type DumpFindingCode } from './dump.js';
import { hexDigit, readOffset, readWholeLine, WHOLE_LINE } from './hex.js';

const NEWLINE = 0x0a;
const COLON = 0x3a;
const SPACE = 0x20;
const DOT = 0x2e;
const CARRIAGE_RETURN = 0x0d;
/** Bytes per line of a hex dump. */
const LINE_BYTES = 16;
/** Longest line that is kept whole while its end has not arrived, in bytes of UTF-8. */
const LONGEST_LINE = 65536;
/** Most that a message quotes, in bytes of UTF-8. */
const LONGEST_QUOTE = 24;
const USUAL_SIZES: readonly number[] = [CONFIG_SIZE.header, 128, CONFIG_SIZE.conventional, CONFIG_SIZE.extended];

/** Who gets what the scanner finds, as it finds it. */
export interface DumpSink {
  device(device: DumpedDevice): void;
  finding(finding: DumpFinding): void;
}

interface Slot {
  readonly bdf: DumpedDevice['bdf'];
  readonly description: string;
  readonly line: number;
}

const EMPTY = new Uint8Array(0);
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** `first` and `second` in one piece. */
function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

/**
 * Reads a dump line by line, in pieces of any size. A dump is what `lspci -x`, `-xxx` or `-xxxx` prints: a slot line,
 * lines of text, lines of bytes, an empty line. Works on the bytes of UTF-8, where no part of a longer character looks
 * like a digit: this is the hot path of every survey of dumps.
 */
export class DumpScanner {
  readonly #sink: DumpSink;
  readonly #bytes = new Uint8Array(CONFIG_SIZE.extended);
  readonly #seen = new Set<string>();
  #slot: Slot | undefined;
  /** Bytes of the current function so far. */
  #length = 0;
  #line = 0;
  /** The beginning of a line whose end has not arrived. */
  #rest: Uint8Array = EMPTY;
  /** The end of a line that was too long has not arrived. */
  #skipping = false;
  /** A line of bytes without a function was reported for this block. */
  #strayReported = false;

  constructor(sink: DumpSink) {
    this.#sink = sink;
  }

  /** Takes the next piece of text; bytes are UTF-8. */
  feed(chunk: string | Uint8Array): void {
    const text = joined(this.#rest, typeof chunk === 'string' ? encoder.encode(chunk) : chunk);
    let start = this.#wholeLines(text, 0);
    for (let end = text.indexOf(NEWLINE, start); end >= 0; end = text.indexOf(NEWLINE, start)) {
      if (this.#skipping) this.#skipping = false;
      else this.#scanLine(text, start, end);
      start = this.#wholeLines(text, end + 1);
    }
    this.#keep(text, start);
  }

  /** There is no more text. */
  end(): void {
    if (this.#rest.length > 0) this.#scanLine(this.#rest, 0, this.#rest.length);
    this.#rest = EMPTY;
    this.#finishDevice();
    if (this.#seen.size === 0) {
      this.#report('not_a_dump', 'No line names a slot: give what "lspci -xxxx" prints.', 1);
    }
  }

  #keep(text: Uint8Array, start: number): void {
    if (!this.#skipping && text.length - start > LONGEST_LINE) {
      this.#scanLine(text, start, start + LONGEST_LINE);
      this.#report('line_too_long', `Only the first ${LONGEST_LINE} bytes of the line were looked at.`);
      this.#skipping = true;
    }
    // A copy, so that the caller may use the chunk's memory again.
    this.#rest = this.#skipping ? EMPTY : text.slice(start);
  }

  /**
   * The lines that make up nearly all of a dump, without a search for their ends: sixteen bytes each, in order. Takes as
   * many as there are from `start` on, and answers where it stopped: at the beginning of a line.
   */
  #wholeLines(text: Uint8Array, start: number): number {
    if (this.#slot === undefined || this.#skipping) return start;
    let at = start;
    let offset = this.#length;
    for (; offset <= CONFIG_SIZE.extended - LINE_BYTES; offset += LINE_BYTES) {
      const colon = at + (offset < 0x100 ? 2 : 3);
      const end = colon + 2 + WHOLE_LINE;
      if (text[end] !== NEWLINE || text[colon] !== COLON || text[colon + 1] !== SPACE) break;
      if (readOffset(text, at, colon) !== offset || !readWholeLine(text, colon + 2, this.#bytes, offset)) break;
      at = end + 1;
    }
    this.#line += (offset - this.#length) / LINE_BYTES;
    this.#length = offset;
    return at;
  }

  #scanLine(text: Uint8Array, start: number, lineEnd: number): void {
    this.#line++;
    const end = lineEnd > start && text[lineEnd - 1] === CARRIAGE_RETURN ? lineEnd - 1 : lineEnd;
    if (start === end) {
      this.#finishDevice();
      return;
    }
    let at = start;
    while (at - start <= 8 && hexDigit(text, at) >= 0) at++;
    if (at - start < 2 || at - start > 8 || text[at] !== COLON) return;
    if (at + 1 === end || text[at + 1] === SPACE) this.#hexLine(text, at + 2, end, readOffset(text, start, at));
    else this.#slotLine(text, start, at, end);
  }

  /** `[dddd:]bb:dd.f description`; `colon`: where the first colon is. Anything else is text. */
  #slotLine(text: Uint8Array, start: number, colon: number, end: number): void {
    const digits = (at: number): boolean => hexDigit(text, at) >= 0 && hexDigit(text, at + 1) >= 0;
    let at = colon + 1;
    if (colon - start >= 4) {
      if (!digits(at) || text[at + 2] !== COLON) return;
      at += 3;
    } else if (colon - start !== 2) return;
    if (!digits(at) || text[at + 2] !== DOT || hexDigit(text, at + 3) < 0) return;
    const after = at + 4;
    if (after > end || (after < end && text[after] !== SPACE)) return;
    const read = (from: number, to: number): string => decoder.decode(text.subarray(from, to));
    this.#startDevice(read(start, after), read(Math.min(after + 1, end), end));
  }

  #startDevice(address: string, description: string): void {
    this.#finishDevice();
    if (!isBdf(address)) {
      this.#report('bad_slot', `No function can have the address "${address}".`);
      this.#strayReported = true;
      return;
    }
    const bdf = parseBdf(address);
    if (this.#seen.has(bdf)) this.#report('duplicate_slot', `${bdf} was there before.`);
    this.#seen.add(bdf);
    this.#slot = { bdf, description, line: this.#line };
  }

  #hexLine(text: Uint8Array, from: number, end: number, offset: number): void {
    if (this.#slot === undefined) {
      if (!this.#strayReported) this.#report('hex_without_slot', 'These bytes belong to no function.');
      this.#strayReported = true;
      return;
    }
    if (offset >= CONFIG_SIZE.extended) {
      this.#report(
        'bad_offset',
        `Offset 0x${offset.toString(16)} is beyond the ${CONFIG_SIZE.extended} bytes there can be.`,
      );
      return;
    }
    if (offset !== this.#length) this.#misplaced(offset);
    const at = this.#readBytes(text, from, end, offset);
    if (at > this.#length) this.#length = at;
    const short = at - offset < LINE_BYTES;
    if (short) this.#report('truncated_line', `The line has ${at - offset} bytes instead of ${LINE_BYTES}.`);
  }

  /** Reads `xx xx …` into the bytes at `offset`; answers where it stopped. */
  #readBytes(text: Uint8Array, from: number, end: number, offset: number): number {
    const bytes = this.#bytes;
    let at = offset;
    for (let i = from; i < end; i += 3) {
      const byte = (hexDigit(text, i) << 4) | hexDigit(text, i + 1);
      const separated = i + 2 >= end || text[i + 2] === SPACE;
      if (byte < 0 || !separated || i + 1 >= end) {
        this.#notAByte(text, i, end);
        break;
      }
      if (at >= CONFIG_SIZE.extended) {
        this.#report('bad_offset', `The line goes beyond the ${CONFIG_SIZE.extended} bytes there can be.`);
        break;
      }
      bytes[at++] = byte;
    }
    return at;
  }

  /** Blanks may end a line; anything else is no byte. */
  #notAByte(text: Uint8Array, from: number, end: number): void {
    const behind = decoder.decode(text.subarray(from, Math.min(end, from + LONGEST_QUOTE))).trim();
    if (behind !== '') this.#report('bad_hex', `"${behind}" begins with no byte of two hexadecimal digits.`);
  }

  #misplaced(offset: number): void {
    const length = this.#length;
    if (offset > length) {
      const text = `Offsets 0x${length.toString(16)} to 0x${(offset - 1).toString(16)} are missing; they count as 0xff.`;
      this.#report('gap', text);
      this.#bytes.fill(0xff, length, offset);
    } else {
      this.#report('overlap', `Offset 0x${offset.toString(16)} was there before; the later bytes count.`);
    }
  }

  #finishDevice(): void {
    const slot = this.#slot;
    this.#strayReported = false;
    if (slot === undefined) return;
    const length = this.#length;
    if (length === 0) {
      this.#report('device_without_bytes', `${slot.bdf} has no line of bytes: dump with -xxxx.`, slot.line);
    } else if (!USUAL_SIZES.includes(length)) {
      this.#report('unusual_size', `${slot.bdf} has ${length} bytes: the dump is not whole.`, slot.line);
    }
    this.#sink.device({ ...slot, bytes: this.#bytes.slice(0, length) });
    this.#slot = undefined;
    this.#length = 0;
  }

  #report(code: DumpFindingCode, message: string, line = this.#line): void {
    this.#sink.finding({ code, line, message });
  }
}
