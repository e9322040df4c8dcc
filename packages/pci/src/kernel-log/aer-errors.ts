import { type Bdf } from '@pci-recovery/core';
import { addLine, belongs, errorRecord, startError, type ErrorLines } from './aer-error.js';
import { type RecognisedDetail } from './recognise.js';
import { type AerLogError, type LogPlace } from './record.js';

/** Errors that are put together at the same time: a kernel prints few at once. */
const MOST_OPEN = 32;

/** Lines after which an error is complete although nothing said so. */
const LONGEST_PAUSE = 64;

/** Puts the lines of errors together, of several devices at a time: lines of several processors are interleaved. */
export class AerErrors {
  readonly #done: (error: AerLogError) => void;
  readonly #overflow: (line: number, bdf: Bdf) => void;
  /** The one that was quiet for longest first. */
  readonly #open = new Map<Bdf, ErrorLines>();

  constructor(done: (error: AerLogError) => void, overflow: (line: number, bdf: Bdf) => void) {
    this.#done = done;
    this.#overflow = overflow;
  }

  /** Takes a line about an error. */
  take({ detail, subject, marked }: RecognisedDetail, place: LogPlace): void {
    const { bdf } = subject;
    let error = this.#open.get(bdf);
    if (error === undefined && !marked) return;
    if (error !== undefined && !belongs(error, detail)) {
      this.finish(bdf);
      error = undefined;
    }
    error ??= startError(place, subject);
    addLine(error, detail, place.line);
    this.#open.delete(bdf);
    this.#open.set(bdf, error);
    if (this.#open.size > MOST_OPEN) this.#tooMany(place.line);
  }

  /** Line `line` was read: ends errors that were quiet for long. */
  pass(line: number): void {
    for (const [bdf, { lastLine }] of this.#open) {
      if (line - lastLine < LONGEST_PAUSE) return;
      this.finish(bdf);
    }
  }

  /** The error of `bdf` is complete, if there is one. */
  finish(bdf: Bdf): void {
    const error = this.#open.get(bdf);
    if (error === undefined) return;
    this.#open.delete(bdf);
    this.#done(errorRecord(error));
  }

  /** There are no more lines. */
  end(): void {
    for (const bdf of [...this.#open.keys()]) this.finish(bdf);
  }

  #tooMany(line: number): void {
    const oldest = this.#open.keys().next().value!;
    this.#overflow(line, oldest);
    this.finish(oldest);
  }
}
