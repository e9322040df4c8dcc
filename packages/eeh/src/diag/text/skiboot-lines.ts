import { type PhbModel } from '../layout.js';
import { TextDump } from './dump.js';
import { modelOf, registerOf } from './labels.js';
import { hasPe, type TextSink } from './sink.js';

const LINE =
  /\bPHB#([0-9a-f]{4})\[\d+:\d+\]:\s+(?:PEST\[([0-9a-f]{3})\]|([a-z][a-z0-9]{2,27})) = ([0-9a-f]{8}|[0-9a-f]{16})(?: ([0-9a-f]{16}))?\s*$/i;
const START = /\bPHB#([0-9a-f]{4})\[\d+:\d+\]: PHB Freeze\/Fence detected/i;

/** PHBs whose dumps are read at the same time; skiboot has fewer. */
const MOST_OPEN = 64;

/** Those that skiboot dumps in this way. */
const MODELS: readonly PhbModel[] = ['phb3', 'phb4'];

/** The four bytes of a dword the other way round. */
function swapped(value: bigint): bigint {
  const [a, b, c, d] = [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn);
  return (d! << 24n) | (c! << 16n) | (b! << 8n) | a!;
}

/**
 * Reads the dumps that skiboot writes to the OPAL message log (hw/phb3.c:phb3_eeh_dump_regs,
 * hw/phb4.c:phb4_eeh_dump_regs): a line per register. Those of several PHBs may be interleaved, and no line says which
 * model it is: the names of the registers do.
 */
export class SkibootLines {
  readonly #sink: TextSink;
  readonly #open = new Map<string, TextDump>();

  constructor(sink: TextSink) {
    this.#sink = sink;
  }

  /** Takes a line; whether it was one of a dump. */
  take(line: string): boolean {
    const start = START.exec(line);
    if (start) {
      this.#finish(start[1]!.toLowerCase());
      return true;
    }
    const found = LINE.exec(line);
    if (!found) return false;
    const [, digits, pe, printed, value, second] = found;
    const tag = digits!.toLowerCase();
    if (pe !== undefined) this.#entry(tag, parseInt(pe, 16), value!, second);
    else this.#register(tag, printed!.replace('FrstError', 'FirstError'), value!);
    return true;
  }

  /** There are no more lines. */
  end(): void {
    for (const tag of [...this.#open.keys()]) this.#finish(tag);
  }

  #dumpOf(tag: string): TextDump {
    const known = this.#open.get(tag);
    if (known !== undefined) return known;
    const oldest = this.#open.size >= MOST_OPEN ? this.#open.keys().next().value : undefined;
    if (oldest !== undefined) this.#finish(oldest);
    const dump = new TextDump(1, parseInt(tag, 16));
    this.#open.set(tag, dump);
    return dump;
  }

  #register(tag: string, name: string, value: string): void {
    const register = MODELS.map((model) => registerOf(model, name)).find((known) => known !== undefined);
    // There is more in the log than OPAL tells Linux: devctl, devStat.
    if (register === undefined) return;
    if (value.length !== 2 * register.width) {
      this.#sink.report('bad_line', `${name} has ${register.width} bytes.`);
      return;
    }
    if (this.#open.get(tag)?.registers[name] !== undefined) this.#finish(tag);
    this.#dumpOf(tag).put(name, BigInt(`0x${value}`));
  }

  #entry(tag: string, pe: number, a: string, b: string | undefined): void {
    if (a.length !== 16 || b === undefined) {
      this.#sink.report('bad_line', `PEST[${pe.toString(16)}] needs two values of 8 bytes.`);
      return;
    }
    const fresh = this.#dumpOf(tag).putPest(pe, BigInt(`0x${a}`), BigInt(`0x${b}`));
    if (!fresh) this.#sink.report('duplicate_line', `PEST[${pe.toString(16)}] was there before: the first counts.`);
  }

  #finish(tag: string): void {
    const dump = this.#open.get(tag);
    if (dump === undefined) return;
    this.#open.delete(tag);
    const model = modelOf(Object.keys(dump.registers), MODELS);
    if (model === undefined) {
      this.#sink.report('bad_line', `The registers of PHB#${tag} do not tell which model it is.`);
      return;
    }
    // skiboot reverses the bytes of the header log of a PHB4 before it prints them.
    const log = ['tlpHdr1', 'tlpHdr2', 'tlpHdr3', 'tlpHdr4'];
    if (model === 'phb4') {
      for (const name of log) if (name in dump.registers) dump.registers[name] = swapped(dump.registers[name]!);
    }
    const data = dump.data(model);
    this.#sink.dump({ ...data, pest: data.pest.filter(({ pe }) => hasPe(model, pe, this.#sink)) });
  }
}
