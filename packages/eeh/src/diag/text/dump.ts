import { type PhbDiagData } from '../diag-data.js';
import { layoutOf, type PhbModel } from '../layout.js';

const NOTHING = new Uint8Array(0);

/** A dump while its lines are read. */
export class TextDump {
  readonly registers: Record<string, bigint> = {};
  readonly #pest = new Map<number, { a: bigint; b: bigint }>();
  /** The PE that was named last. */
  lastPe: number | undefined;

  constructor(
    readonly version: number,
    readonly phb: number,
  ) {}

  /** Whether the register is new; the first value counts. */
  put(name: string, value: bigint): boolean {
    if (name in this.registers) return false;
    this.registers[name] = value;
    return true;
  }

  /** Whether the PE is new; the first entry counts. */
  putPest(pe: number, a: bigint, b: bigint): boolean {
    const fresh = !this.#pest.has(pe);
    if (fresh) this.#pest.set(pe, { a, b });
    this.lastPe = pe;
    return fresh;
  }

  /** PEST B of the PE that was named last, where it has a line of its own. */
  putPestB(b: bigint): boolean {
    const entry = this.lastPe === undefined ? undefined : this.#pest.get(this.lastPe);
    if (entry === undefined || entry.b !== 0n) return false;
    entry.b = b;
    return true;
  }

  /** All PEs from behind the last one up to `end` have its entry. */
  repeatPest(end: number): boolean {
    const entry = this.lastPe === undefined ? undefined : this.#pest.get(this.lastPe);
    if (entry === undefined || end <= this.lastPe!) return false;
    for (let pe = this.lastPe! + 1; pe <= end; pe++) this.#pest.set(pe, { ...entry });
    this.lastPe = end;
    return true;
  }

  /** The data as far as it was printed. */
  data(model: PhbModel): PhbDiagData {
    const { length } = layoutOf(model);
    const pest = [...this.#pest].map(([pe, entry]) => ({ pe, ...entry })).sort((one, other) => one.pe - other.pe);
    const { version, phb, registers } = this;
    return { model, version, length, phb, registers, pest, trailing: NOTHING };
  }
}
