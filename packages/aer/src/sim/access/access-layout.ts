import { type AccessRow } from './access-row.js';

/** Dwords of configuration space. */
export const DWORDS = 1024;

/** Access to every bit of one function's configuration space, by dword. Made once, read on every access. */
export class AccessLayout {
  readonly rw = new Uint32Array(DWORDS);
  readonly w1c = new Uint32Array(DWORDS);
  readonly effect = new Uint8Array(DWORDS);
  /** Dwords that a hot reset changes, the bits it sets, and what it sets them to. */
  #indices: number[] = [];
  #hot: number[] = [];
  #flr: number[] = [];
  #values: number[] = [];
  readonly #sticky = new Uint32Array(DWORDS);
  readonly #keptByFlr = new Uint32Array(DWORDS);
  readonly #reset = new Uint32Array(DWORDS);

  /** Adds the rows of a capability that starts at byte `base` (0 for the header). Later rows add to earlier ones. */
  add(base: number, rows: readonly AccessRow[]): void {
    for (const row of rows) this.#addRow(base + row.offset, row);
  }

  /** To be called after the last row. */
  seal(): this {
    for (let i = 0; i < DWORDS; i++) {
      const hot = ((this.rw[i]! | this.w1c[i]!) & ~this.#sticky[i]!) >>> 0;
      if (hot === 0) continue;
      this.#indices.push(i);
      this.#hot.push(hot);
      this.#flr.push((hot & ~this.#keptByFlr[i]!) >>> 0);
      this.#values.push(this.#reset[i]!);
    }
    return this;
  }

  /** Does to `words` what a hot reset does, or a function-level reset. */
  reset(words: Uint32Array, kind: 'hot' | 'flr'): void {
    const masks = kind === 'hot' ? this.#hot : this.#flr;
    for (let n = 0; n < masks.length; n++) {
      const i = this.#indices[n]!;
      const mask = masks[n]!;
      words[i] = (words[i]! & ~mask) | (this.#values[n]! & mask);
    }
  }

  #addRow(at: number, row: AccessRow): void {
    const index = at >> 2;
    if (index < 0 || index >= DWORDS) return;
    const shift = (at & 3) << 3;
    const lane = row.width === 4 ? 0xffff_ffff : row.width === 2 ? 0xffff : 0xff;
    const placed = (bits: number | undefined): number => (((bits ?? 0) & lane) << shift) >>> 0;
    this.rw[index]! |= placed(row.rw);
    this.w1c[index]! |= placed(row.w1c);
    this.#sticky[index]! |= placed(row.sticky);
    this.#keptByFlr[index]! |= placed(row.keptByFlr);
    this.#reset[index]! |= placed(row.reset);
    if (row.effect) this.effect[index] = row.effect;
  }
}
