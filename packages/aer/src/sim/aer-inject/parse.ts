import { formatBdf, isBdf, parseBdf, PciRecoveryError, type Bdf } from '@pci-recovery/core';
import { CORRECTABLE_ERRORS, UNCORRECTABLE_ERRORS, type BitTable } from '@pci-recovery/pci';
import { badDescription, tokens, type Token } from './tokens.js';

/** One error to inject. */
export interface AerInjection {
  /** Line of its `AER`, from 1. */
  readonly line: number;
  /** Absent: said elsewhere. */
  readonly bdf?: Bdf;
  /** Bits of the status registers. */
  readonly uncorrectable: number;
  readonly correctable: number;
  /** Four dwords. */
  readonly header: readonly [number, number, number, number];
}

type Term = 'AER' | 'PCI_ID' | 'UNCOR_STATUS' | 'COR_STATUS' | 'HEADER_LOG' | 'DOMAIN' | 'BUS' | 'DEV' | 'FN';

/** Keywords and their aliases; in any case. */
const KEYWORDS: Readonly<Record<string, Term>> = {
  AER: 'AER',
  PCI_ID: 'PCI_ID',
  ID: 'PCI_ID',
  UNCOR_STATUS: 'UNCOR_STATUS',
  UNCOR: 'UNCOR_STATUS',
  UNCORRECTABLE: 'UNCOR_STATUS',
  COR_STATUS: 'COR_STATUS',
  COR: 'COR_STATUS',
  CORRECTABLE: 'COR_STATUS',
  HEADER_LOG: 'HEADER_LOG',
  HL: 'HEADER_LOG',
  DOMAIN: 'DOMAIN',
  BUS: 'BUS',
  DEV: 'DEV',
  FN: 'FN',
};

const keywordOf = (token: Token | undefined): Term | undefined =>
  token?.kind === 'word' && Object.hasOwn(KEYWORDS, token.text.toUpperCase())
    ? KEYWORDS[token.text.toUpperCase()]
    : undefined;

type Draft = { -readonly [K in keyof AerInjection]: AerInjection[K] };

/** Reads tokens in order. */
class Reader {
  readonly #tokens: IterableIterator<Token>;
  #last: Token = { kind: 'word', text: '', line: 1 };
  next: Token | undefined;

  constructor(text: string) {
    this.#tokens = tokens(text);
    this.advance();
  }

  advance(): void {
    if (this.next) this.#last = this.next;
    const step = this.#tokens.next() as IteratorResult<Token, undefined>;
    this.next = step.value;
  }

  /** The error of the next token, or of the end of the text. */
  refuse(message: string): never {
    if (this.next) throw badDescription(message, this.next.line, this.next.text);
    throw badDescription(`${message} The text ends here.`, this.#last.line, this.#last.text);
  }

  keyword(wanted: Term): void {
    if (keywordOf(this.next) !== wanted) this.refuse(`${wanted} is expected here.`);
    this.advance();
  }

  /** A number as in C: 0x hexadecimal, 0 octal, else decimal; at most 32 bits. */
  number(): number {
    const token = this.next;
    if (token?.kind !== 'number') return this.refuse('A number is expected here.');
    const { text } = token;
    if (/^0[0-9]*[89]/.test(text)) this.refuse('A number that begins with 0 is octal: it has no digit 8 or 9.');
    const value = /^0[0-7]/.test(text) ? parseInt(text, 8) : Number(text);
    if (value > 0xffff_ffff) this.refuse('A number has at most 32 bits.');
    this.advance();
    return value;
  }
}

/** Names and numbers, as many as follow; each bit of one of them is an error. */
function statusBits(reader: Reader, table: BitTable): number {
  let bits = 0;
  for (;;) {
    const { next } = reader;
    if (next?.kind === 'number') bits |= reader.number();
    else if (next?.kind === 'word' && keywordOf(next) === undefined) {
      bits |= bitOf(reader, next.text.toUpperCase(), table);
      reader.advance();
    } else return bits >>> 0;
  }
}

function bitOf(reader: Reader, name: string, table: BitTable): number {
  if (name === 'TRAIN' && table === UNCORRECTABLE_ERRORS) return 1;
  const mask = table.find((one) => one.linux === name)?.mask;
  if (mask !== undefined) return mask;
  const other = table === UNCORRECTABLE_ERRORS ? CORRECTABLE_ERRORS : UNCORRECTABLE_ERRORS;
  if (other.some((one) => one.linux === name) || name === 'TRAIN')
    return reader.refuse('This error is of the other class: correctable and uncorrectable ones have a keyword each.');
  return reader.refuse('This is no error that AER knows, nor a keyword.');
}

function address(reader: Reader): Bdf {
  const { next } = reader;
  if (next?.kind !== 'address' || !isBdf(next.text)) return reader.refuse('A PCI address is expected: [WWWW:]XX:YY.Z.');
  reader.advance();
  return parseBdf(next.text);
}

/** `[DOMAIN n] BUS n DEV n FN n`. */
function numberedAddress(reader: Reader): Bdf {
  const start = reader.next!;
  let domain = 0;
  if (keywordOf(start) === 'DOMAIN') {
    reader.advance();
    domain = reader.number();
  }
  reader.keyword('BUS');
  const bus = reader.number();
  reader.keyword('DEV');
  const device = reader.number();
  reader.keyword('FN');
  const fn = reader.number();
  if (bus > 0xff || device > 0x1f || fn > 7)
    throw badDescription('no function has this address: bus 0–255, device 0–31, function 0–7.', start.line, start.text);
  return formatBdf({ domain, bus, device, function: fn });
}

/** One term of a record; a later one of the same kind replaces an earlier one. False: the record ends here. */
function term(reader: Reader, draft: Draft): boolean {
  const keyword = keywordOf(reader.next);
  switch (keyword) {
    case undefined:
    case 'AER':
      return false;
    case 'DOMAIN':
    case 'BUS':
      draft.bdf = numberedAddress(reader);
      return true;
    case 'DEV':
    case 'FN':
      return reader.refuse('DEV and FN follow BUS.');
    case 'PCI_ID':
      reader.advance();
      draft.bdf = address(reader);
      return true;
    case 'UNCOR_STATUS':
      reader.advance();
      draft.uncorrectable = statusBits(reader, UNCORRECTABLE_ERRORS);
      return true;
    case 'COR_STATUS':
      reader.advance();
      draft.correctable = statusBits(reader, CORRECTABLE_ERRORS);
      return true;
    case 'HEADER_LOG':
      reader.advance();
      draft.header = [reader.number(), reader.number(), reader.number(), reader.number()];
      return true;
  }
}

/**
 * Reads the description language of aer-inject: records that begin with `AER`, each with a PCI address, status bits by
 * name or number and a header log, all optional but not all missing. Line ends are white space, `#` begins a comment,
 * keywords are read in any case. Beyond the tool's own, all names of Linux pci_regs.h are known.
 *
 * Source: aer-inject SPEC, aer.lex, aer.y (facts).
 * @throws PciRecoveryError `ERR_PCI_BAD_AER_INJECT` with `line` (from 1) and `token` in its context.
 */
export function parseAerInject(text: string): AerInjection[] {
  if (typeof text !== 'string') {
    throw new PciRecoveryError('ERR_PCI_BAD_AER_INJECT', 'A description is text.', { context: { type: typeof text } });
  }
  const reader = new Reader(text);
  const records: AerInjection[] = [];
  while (reader.next) {
    const { line } = reader.next;
    reader.keyword('AER');
    const draft: Draft = { line, uncorrectable: 0, correctable: 0, header: [0, 0, 0, 0] };
    if (!term(reader, draft)) reader.refuse('AER is followed by what to inject.');
    while (term(reader, draft));
    records.push(draft);
  }
  return records;
}
