import { DIAG_LAYOUTS, type PhbModel } from '../layout.js';
import { TextDump } from './dump.js';
import { isLabel, registersBehind } from './labels.js';
import { hasPe, type TextSink } from './sink.js';

const HEADER = /\b([a-z][a-z0-9]{1,15}) PHB#([0-9a-f]{1,8}) Diag-data \(Version: (\d{1,9})\)/i;
/** `<6>` of printk and `6,1234,5678,-;` of /dev/kmsg stand in front without a blank. */
const REGISTERS =
  /(?:^|[\s>;])([a-z][a-z0-9]{2,24}):\s+((?:[0-9a-f]{8}|[0-9a-f]{16})(?: +(?:[0-9a-f]{8}|[0-9a-f]{16})){0,4})\s*$/i;
const PEST =
  /\bPE\[(\.\.)?( {0,2}[0-9a-f]{1,3})\] (?:A\/B: (?:(as above)|([0-9a-f]{16}) ([0-9a-f]{16}))|PESTA:\s+([0-9a-f]{16}))\s*$/i;
const PEST_B = /\bPESTB:\s+([0-9a-f]{16})\s*$/i;

const big = (digits: string | undefined): bigint => BigInt(`0x${digits ?? '0'}`);

/**
 * The number in `PE[…]`. Linux prints three hexadecimal digits with zeros in front; older kernels printed decimal digits
 * with blanks in front, never of a PHB4. Up to PE#0ff, the first digit tells them apart.
 */
function peNumber(digits: string, model: PhbModel): number {
  const decimal = model !== 'phb4' && !digits.startsWith('0') && /^ *[0-9]+$/.test(digits);
  return parseInt(digits, decimal || /^ *0$/.test(digits) ? 10 : 16);
}

/** Reads the dumps that Linux prints (pnv_pci_dump_phb_diag_data), line by line. */
export class LinuxLines {
  readonly #sink: TextSink;
  /** The lines that follow belong to a dump that cannot be read. */
  #foreign = false;
  #current: { readonly model: PhbModel; readonly dump: TextDump } | undefined;

  constructor(sink: TextSink) {
    this.#sink = sink;
  }

  /** Takes a line; whether it was one of a dump. */
  take(line: string): boolean {
    return this.#header(line) || this.#pest(line) || this.#registers(line);
  }

  /** There are no more lines. */
  end(): void {
    if (this.#current !== undefined) this.#sink.dump(this.#current.dump.data(this.#current.model));
    this.#current = undefined;
  }

  #header(line: string): boolean {
    const found = HEADER.exec(line);
    if (!found) return false;
    this.end();
    const [, kind, number, version] = found;
    const model = DIAG_LAYOUTS.find((layout) => layout.model === kind!.toLowerCase())?.model;
    this.#foreign = model === undefined;
    if (model === undefined) {
      this.#sink.report('unknown_io_type', `"${kind}" is no kind of PHB that is known: its lines are passed over.`);
    } else if (model === 'phb4' && !/^[0-9]+$/.test(number!)) {
      this.#sink.report('bad_line', `PHB#${number} is no decimal number.`);
    } else {
      // Only that of a PHB4 is printed in decimal.
      const phb = parseInt(number!, model === 'phb4' ? 10 : 16);
      this.#current = { model, dump: new TextDump(Number(version), phb) };
    }
    return true;
  }

  #registers(line: string): boolean {
    const found = REGISTERS.exec(line);
    if (!found || !isLabel(found[1]!)) return false;
    const label = found[1]!;
    const current = this.#current;
    if (current === undefined) return this.#withoutHeader(`"${label}:"`);
    const values = found[2]!.split(/ +/);
    const registers = registersBehind(current.model, label, values.length);
    if (registers === undefined || registers.some(({ width }, i) => values[i]!.length !== 2 * width)) {
      this.#sink.report('bad_line', `A ${current.model} has no line "${label}:" with these values.`);
      return true;
    }
    const fresh = registers.map(({ name }, i) => current.dump.put(name, big(values[i])));
    if (!fresh.every(Boolean)) this.#sink.report('duplicate_line', `"${label}:" was there before: the first counts.`);
    return true;
  }

  #pest(line: string): boolean {
    const found = PEST.exec(line);
    const second = found ? null : PEST_B.exec(line);
    if (!found && !second) return false;
    const current = this.#current;
    if (current === undefined) return this.#withoutHeader('A PE');
    if (found) {
      this.#entry(found, current.model, current.dump);
    } else if (!current.dump.putPestB(big(second![1]))) {
      this.#sink.report('bad_line', 'PESTB belongs to no PE.');
    }
    return true;
  }

  #withoutHeader(what: string): true {
    if (!this.#foreign) this.#sink.report('line_without_header', `${what} has no line "… PHB#… Diag-data" above it.`);
    return true;
  }

  #entry(found: RegExpExecArray, model: PhbModel, dump: TextDump): void {
    const pe = peNumber(found[2]!, model);
    if (!hasPe(model, pe, this.#sink)) return;
    if (found[3] !== undefined) {
      if (!dump.repeatPest(pe)) this.#sink.report('bad_line', '"as above" follows no entry of a lower PE.');
    } else if (!dump.putPest(pe, big(found[4] ?? found[6]), big(found[5]))) {
      this.#sink.report('duplicate_line', `PE#${pe.toString(16)} was there before: the first counts.`);
    }
  }
}
