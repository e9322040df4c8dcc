import { wait, type Bdf, type Clock } from '@pci-recovery/core';
import { type SysfsPort } from '@pci-recovery/core/linux';
import { decodeFunction } from '@pci-recovery/pci';
import { type ObservedStatus } from '../procedure/observer.js';
import { answering } from './saved-registers.js';

/** What sysfs shows of a function's errors. `silent`: it does not answer; `unknown`: error registers cannot be read (no privilege). */
export type SeenStatus = 'clean' | 'nonfatal' | 'fatal' | 'silent' | 'unknown';

/** Looks at functions through sysfs: nothing of it changes anything. A read waits while the kernel resets the function. */
export class SeenFunctions {
  readonly #sysfs: SysfsPort;
  readonly #clock: Clock;

  constructor(sysfs: SysfsPort, clock: Clock) {
    this.#sysfs = sysfs;
    this.#clock = clock;
  }

  /** What a function's error registers say; what cannot be read does not answer. */
  async statusOf(bdf: Bdf): Promise<SeenStatus> {
    const bytes = await this.#read(bdf);
    if (!bytes || !answering(bytes)) return 'silent';
    if (bytes.length <= 256) return 'unknown';
    const registers = decodeFunction(bytes).aer?.registers;
    if (!registers) return 'clean';
    const unmasked = registers.uncorrectableStatus & ~registers.uncorrectableMask;
    if (unmasked === 0) return 'clean';
    return (unmasked & registers.uncorrectableSeverity) !== 0 ? 'fatal' : 'nonfatal';
  }

  /** The worst of some functions. */
  async worstOf(functions: readonly Bdf[]): Promise<ObservedStatus> {
    const all = await Promise.all(functions.map((bdf) => this.statusOf(bdf)));
    if (all.some((one) => one === 'fatal' || one === 'nonfatal' || one === 'silent')) return 'marked';
    return all.includes('unknown') ? 'unknown' : 'clean';
  }

  async answers(bdf: Bdf): Promise<boolean> {
    const bytes = await this.#read(bdf);
    return bytes !== undefined && answering(bytes);
  }

  /** Those who do not answer, in the given order, although they were given `ms` milliseconds. */
  async silentOf(functions: readonly Bdf[], ms: number, pause: number, signal: AbortSignal): Promise<readonly Bdf[]> {
    const until = this.#clock.monotonic() + ms * 1e6;
    for (;;) {
      const answers = await Promise.all(functions.map((bdf) => this.answers(bdf)));
      const silent = functions.filter((_, index) => !answers[index]);
      if (silent.length === 0 || this.#clock.monotonic() >= until) return silent;
      await wait(this.#clock, pause, signal);
    }
  }

  async #read(bdf: Bdf): Promise<Uint8Array | undefined> {
    try {
      return await this.#sysfs.readBytes(bdf, 'config');
    } catch {
      return undefined;
    }
  }
}
