import { type Bdf, type Clock } from '@pci-recovery/core';
import { type Uevent } from '../votes.js';

/** How a reset was done. */
export type ResetKind = 'hot' | 'fundamental' | 'complete' | 'bus' | 'pe' | 'flr';

/** What happened, without when. `functions`: whom it concerned. */
export type EehHappening = { readonly functions: readonly Bdf[] } & (
  | {
      readonly kind: 'frozen';
      readonly phb: number;
      readonly pe: number;
      readonly mmio: boolean;
      readonly dma: boolean;
    }
  /** A freeze was lifted. */
  | { readonly kind: 'thawed'; readonly phb: number; readonly pe: number; readonly what: 'mmio' | 'dma' }
  | { readonly kind: 'fenced' | 'dead' | 'fence_cleared'; readonly phb: number }
  | { readonly kind: 'reset_begin'; readonly reset: ResetKind }
  /** `ok`: they answer, or will when they are ready. */
  | { readonly kind: 'reset_end'; readonly reset: ResetKind; readonly ok: boolean; readonly held: number }
  /** A function answers again after a reset. */
  | { readonly kind: 'ready' }
  /** Taken out of the system, taken in again (in a new generation). */
  | { readonly kind: 'removed' | 'added' }
  /** A card was pulled out of, or put into, its slot. */
  | { readonly kind: 'pulled' | 'put' }
  | { readonly kind: 'log_collected'; readonly phb: number; readonly bytes: number }
  | { readonly kind: 'configured'; readonly phb: number; readonly pe: number }
  /** A firmware call was made, and what it returned. Only with {@link LogOptions.calls}. */
  | {
      readonly kind: 'call';
      readonly call: string;
      readonly rc: number;
      readonly pe?: number;
      /** What it was to do: freeze bits, an option, the scope of a reset. */
      readonly action?: number;
    }
  /** Firmware lets the PEs of virtual functions be thawed (pSeries). */
  | { readonly kind: 'unfreeze_allowed' }
  | { readonly kind: 'memory_access' | 'dma'; readonly let: boolean }
  | { readonly kind: 'line_interrupt'; readonly enabled: boolean }
  | { readonly kind: 'attention'; readonly on: boolean }
  | { readonly kind: 'error_interrupt' }
  | { readonly kind: 'uevent'; readonly event: Uevent }
);

/** One thing that happened: when (nanoseconds, the machine's clock), to whom, what. Plain data. */
export type EehFact = { readonly time: number } & EehHappening;

/** What the log keeps. */
export interface LogOptions {
  /** Facts kept; beyond, the oldest are dropped (and counted). 0: no log. Default: 100,000. */
  readonly limit?: number;
  /** Firmware calls too. Default: false. */
  readonly calls?: boolean;
}

/** The witness: what happened to the hardware, in order, whatever any engine says. */
export class Witness {
  readonly facts: EehFact[] = [];
  readonly calls: boolean;
  dropped = 0;
  readonly #clock: Clock;
  readonly #limit: number;

  constructor(clock: Clock, { limit = 100_000, calls = false }: LogOptions = {}) {
    this.#clock = clock;
    this.#limit = limit;
    this.calls = calls && limit > 0;
  }

  add(happening: EehHappening): void {
    if (this.#limit === 0) return;
    this.facts.push({ time: this.#clock.monotonic(), ...happening });
    if (this.facts.length < 2 * this.#limit) return;
    // Dropped by halves, so that it costs nothing per fact.
    const surplus = this.facts.length - this.#limit;
    this.facts.splice(0, surplus);
    this.dropped += surplus;
  }
}
