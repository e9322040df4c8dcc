import { isBdf, parseBdf } from '@pci-recovery/core';
import { CONFIG_SIZE } from '../registers/index.js';
import { type DumpedDevice, type DumpFinding, type DumpFindingCode } from './dump.js';
import { hexDigit } from './hex-digit.js';

const COLON = 0x3a;
const SPACE = 0x20;
const DOT = 0x2e;
const CARRIAGE_RETURN = 0x0d;
/** Bytes per line of a hex dump. */
const LINE_BYTES = 16;
/** Longest line that is kept whole while its end has not arrived, in characters. */
const LONGEST_LINE = 65536;
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

/**
 * Reads a dump line by line, in pieces of any size. Works on character codes: this is the hot path of every survey of
 * dumps. A dump is what `lspci -x`, `-xxx` or `-xxxx` prints: a slot line, lines of text, lines of bytes, an empty line.
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
  #rest = '';
  #skipping = false;
  /** A line of bytes without a function was reported for this block. */
  #strayReported = false;

  constructor(sink: DumpSink) {
    this.#sink = sink;
  }

  /** Takes the next piece of text. */
  feed(chunk: string): void {
    const text = this.#rest === '' ? chunk : this.#rest + chunk;
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      if (this.#skipping) this.#skipping = false;
      else this.#scanLine(text, start, end);
      start = end + 1;
    }
    this.#keep(text, start);
  }

  /** There is no more text. */
  end(): void {
    if (this.#rest !== '' && !this.#skipping) this.#scanLine(this.#rest, 0, this.#rest.length);
    this.#rest = '';
    this.#finishDevice();
    if (this.#seen.size === 0) {
      this.#report('not_a_dump', 'No line names a slot: give what "lspci -xxxx" prints.', 1);
    }
  }

  #keep(text: string, start: number): void {
    if (this.#skipping) {
      this.#rest = '';
    } else if (text.length - start > LONGEST_LINE) {
      this.#scanLine(text, start, start + LONGEST_LINE);
      this.#report('line_too_long', `Only the first ${LONGEST_LINE} characters of the line were looked at.`);
      this.#skipping = true;
      this.#rest = '';
    } else {
      this.#rest = text.slice(start);
    }
  }

  #scanLine(text: string, start: number, lineEnd: number): void {
    this.#line++;
    const end = lineEnd > start && text.charCodeAt(lineEnd - 1) === CARRIAGE_RETURN ? lineEnd - 1 : lineEnd;
    if (start === end) {
      this.#finishDevice();
      return;
    }
    let at = start;
    let offset = 0;
    for (let digit = hexDigit(text.charCodeAt(at)); digit >= 0 && at < end; digit = hexDigit(text.charCodeAt(at))) {
      offset = offset * 16 + digit;
      at++;
      if (at - start > 8) return;
    }
    if (at - start < 2 || at >= end || text.charCodeAt(at) !== COLON) return;
    if (at + 1 === end || text.charCodeAt(at + 1) === SPACE) this.#hexLine(text, at + 2, end, offset);
    else this.#slotLine(text, start, at, end);
  }

  /** `[dddd:]bb:dd.f description`; `colon`: where the first colon is. Anything else is text. */
  #slotLine(text: string, start: number, colon: number, end: number): void {
    const digits = (at: number): boolean =>
      hexDigit(text.charCodeAt(at)) >= 0 && hexDigit(text.charCodeAt(at + 1)) >= 0;
    let at = colon + 1;
    if (colon - start >= 4) {
      if (!digits(at) || text.charCodeAt(at + 2) !== COLON) return;
      at += 3;
    } else if (colon - start !== 2) return;
    if (!digits(at) || text.charCodeAt(at + 2) !== DOT || hexDigit(text.charCodeAt(at + 3)) < 0) return;
    const after = at + 4;
    if (after > end || (after < end && text.charCodeAt(after) !== SPACE)) return;
    this.#startDevice(text.slice(start, after), text.slice(Math.min(after + 1, end), end));
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

  #hexLine(text: string, from: number, end: number, offset: number): void {
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
  #readBytes(text: string, from: number, end: number, offset: number): number {
    const bytes = this.#bytes;
    let at = offset;
    for (let i = from; i < end; i += 3) {
      const code = text.charCodeAt(i);
      if (code === SPACE) return this.#trailing(text, i, end, at);
      const byte = (hexDigit(code) << 4) | hexDigit(text.charCodeAt(i + 1));
      if (byte < 0 || i + 2 > end || (i + 2 < end && text.charCodeAt(i + 2) !== SPACE)) {
        this.#report('bad_hex', `"${text.slice(i, Math.min(i + 3, end))}" is no byte.`);
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

  /** Spaces may end a line; anything behind them is no byte. */
  #trailing(text: string, from: number, end: number, at: number): number {
    const behind = text.slice(from, end).trim();
    if (behind !== '') this.#report('bad_hex', `"${behind.slice(0, 16)}" is not where a byte belongs.`);
    return at;
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
