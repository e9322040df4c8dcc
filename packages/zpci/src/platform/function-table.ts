import { type Bdf, type DeviceRef } from '@pci-recovery/core';
import { type FunctionProperties } from '../port.js';
import { ZpciFunction, type FunctionState } from './zpci-function.js';

/** Every function that is known, by id and by address. */
export class FunctionTable {
  readonly #byFid = new Map<number, ZpciFunction>();
  readonly #byBdf = new Map<Bdf, ZpciFunction>();
  /** The next generation at an address. */
  readonly #generations = new Map<Bdf, number>();

  get(fid: number): ZpciFunction | undefined {
    return this.#byFid.get(fid);
  }

  /** The PCI function at an address. */
  at(bdf: Bdf): ZpciFunction | undefined {
    const fn = this.#byBdf.get(bdf);
    return fn?.present ? fn : undefined;
  }

  /** The PCI function in exactly that life. */
  same({ bdf, generation }: DeviceRef): ZpciFunction | undefined {
    const fn = this.at(bdf);
    return fn?.generation === generation ? fn : undefined;
  }

  /** The generation of the latest PCI function at an address, or of the first that may come. */
  generationOf(bdf: Bdf): number {
    return Math.max(0, (this.#generations.get(bdf) ?? 0) - 1);
  }

  all(): IterableIterator<ZpciFunction> {
    return this.#byFid.values();
  }

  create({ fid, bdf, mio }: FunctionProperties, fh: number, state: FunctionState): ZpciFunction {
    const fn = new ZpciFunction(fid, bdf, mio, fh, state, this.#generations.get(bdf) ?? 0);
    this.#byFid.set(fid, fn);
    this.#byBdf.set(bdf, fn);
    return fn;
  }

  /** It becomes a PCI function: a new one, with a channel of its own. */
  appear(fn: ZpciFunction): void {
    if (fn.present) return;
    const generation = this.#generations.get(fn.bdf) ?? 0;
    this.#generations.set(fn.bdf, generation + 1);
    fn.generation = generation;
    fn.channel = 'normal';
    fn.present = true;
  }

  /** Nobody knows it any more. */
  forget(fn: ZpciFunction): void {
    this.#byFid.delete(fn.fid);
    if (this.#byBdf.get(fn.bdf) === fn) this.#byBdf.delete(fn.bdf);
  }
}
