import { type Bdf, type OperationResult } from '@pci-recovery/core';
import { type AerLinuxRecord } from './record.js';

/** One error of the host, from the first signal until the host has ended: the kernel signals every function below a port. */
export class Incident {
  readonly origin: AerLinuxRecord['origin'];
  /** The root port above. */
  readonly root: Bdf;
  /** The held functions that it concerns; grows while it is worked out whose error it is. */
  readonly concerns: Set<Bdf>;
  /** So often uevents had been lost when it opened. */
  readonly losses: number;
  /** It is not yet known whose error it is: whoever is signalled below the same root port belongs to it. */
  unexplored = true;
  fatal = false;
  /** One of its functions is not held any more. */
  released = false;
  /** Uevents of it may have been lost before it opened. */
  blind = false;
  /** Signals and uevents that belonged to it. */
  happenings = 0;
  /** Signals of each function. */
  readonly signals = new Map<Bdf, number>();
  /** How the host ended. */
  readonly over: Promise<OperationResult>;
  #close: (end: OperationResult) => void = () => undefined;

  constructor(
    origin: AerLinuxRecord['origin'],
    bdf: Bdf,
    root: Bdf,
    losses: number,
    /** When, nanoseconds on the monotonic clock. */
    readonly opened: number,
  ) {
    this.origin = origin;
    this.root = root;
    this.concerns = new Set([bdf]);
    this.losses = losses;
    this.over = new Promise((resolve) => (this.#close = resolve));
  }

  /** Something more of it happened to a function. `signals`: how often its eventfd was signalled. */
  happened(bdf: Bdf, signals: number): void {
    this.happenings++;
    this.concerns.add(bdf);
    if (signals > 0) this.signals.set(bdf, this.signalsOf(bdf) + signals);
  }

  release(bdf: Bdf): void {
    this.released ||= this.concerns.delete(bdf);
  }

  signalsOf(bdf: Bdf): number {
    return this.signals.get(bdf) ?? 0;
  }

  close(end: OperationResult): void {
    this.#close(end);
  }
}
