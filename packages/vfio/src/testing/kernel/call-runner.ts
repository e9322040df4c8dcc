import { PciRecoveryError } from '@pci-recovery/core';
import { type CallStart } from './call-log.js';
import { type HostKernel } from './host-kernel.js';
import { type Mappings } from './mappings.js';
import { Blocked, Takes, type Outcome } from './outcome.js';

const wouldBlock = (start: CallStart, what: string): PciRecoveryError =>
  new PciRecoveryError(
    'ERR_PCI_WOULD_BLOCK',
    `${start.request ?? start.call} waits for ${what}, and stops the program's event loop until then: on a real kernel it ` +
      'would stand still here. Use the call in a thread (…Async).',
    { context: { call: start.call, what } },
  );

/** Makes the calls of one process: asks the scripts, waits, and keeps the log and the mappings. */
export class CallRunner {
  readonly #kernel: HostKernel;
  readonly #mappings: Mappings;

  constructor(kernel: HostKernel, mappings: Mappings) {
    this.#kernel = kernel;
    this.#mappings = mappings;
  }

  /** A call whose result is no number goes its own way, by `work`; scripts give it a number. */
  now<T>(start: CallStart, work: () => T, resultOf: (done: T) => number | bigint): T | number {
    const ended = this.#kernel.log.begin(start);
    const { hold, instead } = this.#kernel.scripts.apply(start);
    if (hold) throw wouldBlock(start, hold.what);
    const done = instead ?? this.#atWork(work);
    ended(typeof done === 'number' ? done : resultOf(done));
    return done;
  }

  /**
   * A call that the program waits for.
   * @throws PciRecoveryError `ERR_PCI_WOULD_BLOCK` when it had to wait for something
   */
  sync(start: CallStart, bytes: Uint8Array | undefined, work: () => Outcome): number {
    const ended = this.#kernel.log.begin(start);
    const { hold, instead, reply } = this.#kernel.scripts.apply(start);
    if (hold) throw wouldBlock(start, hold.what);
    let result = instead ?? this.#atWork(work);
    if (result instanceof Blocked) throw wouldBlock(start, result.what);
    // Time cannot pass while the program stands still.
    if (result instanceof Takes) result = this.#atWork(result.end);
    const told = reply?.(bytes ?? new Uint8Array(), result) ?? result;
    ended(told);
    return told;
  }

  /** A call in a thread: it begins in a later turn of the event loop, and its promise settles in a later one still. */
  async(start: CallStart, bytes: Uint8Array | undefined, work: () => Outcome): Promise<number> {
    const ended = this.#kernel.log.begin(start);
    const { hold, instead, reply } = this.#kernel.scripts.apply(start);
    const unpin = this.#mappings.pin(bytes);
    const { schedule } = this.#kernel;
    return new Promise((resolve, reject) => {
      const settle = (result: number): void => {
        const told = reply?.(bytes ?? new Uint8Array(), result) ?? result;
        unpin();
        ended(told);
        schedule(() => resolve(told));
      };
      const step = (): void => {
        try {
          this.#go(instead ?? this.#atWork(work), step, settle);
        } catch (error) {
          unpin();
          // What is not played, and what a script throws: told to the caller, as the synchronous call would.
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      if (hold) hold.gate.whenOpen(() => schedule(step));
      else schedule(step);
    });
  }

  #go(outcome: Outcome, again: () => void, settle: (result: number) => void): void {
    const { schedule, clock } = this.#kernel;
    if (outcome instanceof Blocked) outcome.gate.whenOpen(() => schedule(again));
    else if (outcome instanceof Takes) {
      const { ms, end } = outcome;
      const done = (): void => settle(this.#atWork(end));
      if (clock) clock.after(ms, done);
      else schedule(done);
    } else settle(outcome);
  }

  #atWork<T>(work: () => T): T {
    this.#mappings.collect();
    try {
      return work();
    } finally {
      this.#mappings.publish();
    }
  }
}
