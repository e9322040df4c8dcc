import { AerErrors } from './aer-errors.js';
import { parseLogLine } from './prefix.js';
import { recognise } from './recognise.js';
import { type KernelLogRecord, type LogFinding, type LogFindingCode, type LogPlace } from './record.js';

/** Most characters of a line that are looked at; the kernel's own lines have at most 1024. */
export const LONGEST_LINE = 2048;

/** Who gets what the scanner finds, as it finds it. */
export interface LogSink {
  record(record: KernelLogRecord): void;
  finding(finding: LogFinding): void;
}

/**
 * Reads a kernel log line by line, in pieces of any size, in memory that does not grow with it. An AER error comes when
 * it is complete, hence maybe after a record of a later line.
 */
export class KernelLogScanner {
  readonly #sink: LogSink;
  readonly #errors: AerErrors;
  readonly #decoder = new TextDecoder();
  #line = 0;
  /** The beginning of a line whose end has not arrived. */
  #rest = '';
  /** The end of a line that was too long has not arrived. */
  #skipping = false;

  constructor(sink: LogSink) {
    this.#sink = sink;
    this.#errors = new AerErrors(
      (error) => sink.record(error),
      (line, bdf) => {
        this.#report('too_many_open_errors', line, `The error of ${bdf} was ended before all of its lines were there.`);
      },
    );
  }

  /** Takes the next piece of text; bytes are UTF-8. */
  feed(chunk: string | Uint8Array): void {
    const text = typeof chunk === 'string' ? chunk : this.#decoder.decode(chunk, { stream: true });
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      this.#piece(text, start, end);
      this.#lineEnds();
      start = end + 1;
    }
    this.#piece(text, start, text.length);
  }

  /** There is no more text. */
  end(): void {
    this.#piece(this.#decoder.decode(), 0);
    if (this.#rest !== '') this.#lineEnds();
    this.#errors.end();
  }

  /** Adds a piece to the line, as far as it is looked at. */
  #piece(text: string, start: number, end = text.length): void {
    if (this.#skipping || start >= end) return;
    const room = LONGEST_LINE - this.#rest.length;
    this.#rest += text.slice(start, Math.min(end, start + room));
    this.#skipping = end - start > room;
  }

  #lineEnds(): void {
    const text = this.#rest;
    const cut = this.#skipping;
    this.#rest = '';
    this.#skipping = false;
    this.#line++;
    if (cut) this.#report('line_too_long', this.#line, `Only the first ${LONGEST_LINE} characters were looked at.`);
    if (text !== '') this.#scan(text);
    this.#errors.pass(this.#line);
  }

  #scan(text: string): void {
    const { message, ...prefix } = parseLogLine(text);
    const found = recognise(message);
    if (found === undefined) return;
    const place: LogPlace = { line: this.#line, ...prefix };
    if ('detail' in found) {
      this.#errors.take(found, place);
      return;
    }
    if (found.platform === 'aer' && found.bdf !== undefined) this.#errors.finish(found.bdf);
    this.#sink.record({ ...place, ...found });
  }

  #report(code: LogFindingCode, line: number, message: string): void {
    this.#sink.finding({ code, line, message });
  }
}
