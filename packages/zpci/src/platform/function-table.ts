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

  /** Whoever has an address, whether drivers see it or not. */
  knownAt(bdf: Bdf): ZpciFunction | undefined {
    return this.#byBdf.get(bdf);
  }

  /** The PCI function in exactly that life. */
  same({ bdf, generation }: DeviceRef): ZpciFunction | undefined {
    const fn = this.at(bdf);
    return fn?.generation === generation ? fn : undefined;
  }

  all(): IterableIterator<ZpciFunction> {
    return this.#byFid.values();
  }

  /** Nobody may be known by its id or at its address. */
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
    fn.foundWith = undefined;
    fn.present = true;
  }

  /** Nobody knows it any more. */
  forget(fn: ZpciFunction): void {
    this.#byFid.delete(fn.fid);
    this.#byBdf.delete(fn.bdf);
  }
}
