import { type Bdf, type Clock } from '@pci-recovery/core';
import { type ConfigWidth } from '../port.js';

/** Why a function was reset. */
export type ResetCause = 'secondary_bus_reset' | 'link_down' | 'flr' | 'physical_function' | 'bist' | 'backdoor';

/** The three error messages (PCIe r6.1 §2.2.8.3). */
export type ErrorMessageKind = 'ERR_COR' | 'ERR_NONFATAL' | 'ERR_FATAL';

/** Registers whose status bits software clears by writing 1. */
export type StatusRegister = 'DEVICE_STATUS' | 'UNCOR_STATUS' | 'COR_STATUS' | 'ROOT_STATUS';

/** What happened, without when and where. */
export type BusHappening =
  | { readonly kind: 'secondary_bus_reset_asserted' }
  /** `held`: nanoseconds since it was asserted. */
  | { readonly kind: 'secondary_bus_reset_deasserted'; readonly held: number }
  | { readonly kind: 'flr' }
  /** A function lost its non-sticky state. A backdoor reset or self test: device memory only. */
  | { readonly kind: 'function_reset'; readonly cause: ResetCause }
  /** A script made hardware ignore a reset. */
  | { readonly kind: 'reset_ignored'; readonly reset: 'secondary_bus_reset' | 'flr' }
  | { readonly kind: 'link_down' }
  | { readonly kind: 'link_up' }
  /** It answers again after a reset. */
  | { readonly kind: 'ready' }
  /** It answers no more, until a reset. */
  | { readonly kind: 'frozen' }
  | { readonly kind: 'removed' }
  | { readonly kind: 'plugged'; readonly generation: number }
  | { readonly kind: 'virtual_functions'; readonly enabled: number }
  /** Masks of the status registers; `advisory`: reported as correctable. */
  | {
      readonly kind: 'error_detected';
      readonly uncorrectable: number;
      readonly correctable: number;
      readonly advisory: boolean;
    }
  /** `bdf` is who sent it. `root`: who received it; absent: it was lost on the way, at `lostAt`. */
  | { readonly kind: 'message'; readonly message: ErrorMessageKind; readonly root?: Bdf; readonly lostAt?: Bdf }
  | { readonly kind: 'interrupt' }
  /** A script swallowed it. */
  | { readonly kind: 'interrupt_lost' }
  | { readonly kind: 'status_cleared'; readonly register: StatusRegister; readonly bits: number }
  | {
      readonly kind: 'config_write' | 'config_read';
      readonly offset: number;
      readonly width: ConfigWidth;
      readonly value: number;
      /** False: nobody answered; a write was lost, a read gave all ones. */
      readonly answered: boolean;
    }
  | { readonly kind: 'memory_write'; readonly bar: number; readonly offset: number; readonly value: number }
  | {
      readonly kind: 'uevent';
      readonly event: 'BEGIN_RECOVERY' | 'SUCCESSFUL_RECOVERY' | 'FAILED_RECOVERY';
    };

/** One thing that happened on a bus: when (nanoseconds, the machine's clock), to whom, what. Plain data. */
export type BusFact = { readonly time: number; readonly bdf: Bdf } & BusHappening;

/** What the log keeps. */
export interface LogOptions {
  /** Facts kept; beyond, the oldest are dropped (and counted). 0: no log. Default: 100,000. */
  readonly limit?: number;
  /** Default: true. */
  readonly configWrites?: boolean;
  /** Default: false. */
  readonly configReads?: boolean;
}

/** The witness: what happened on the buses, in order, whatever any engine says. */
export class BusLog {
  readonly facts: BusFact[] = [];
  readonly writes: boolean;
  readonly reads: boolean;
  dropped = 0;
  readonly #clock: Clock;
  readonly #limit: number;

  constructor(clock: Clock, options: LogOptions = {}) {
    this.#clock = clock;
    this.#limit = options.limit ?? 100_000;
    this.writes = this.#limit > 0 && (options.configWrites ?? true);
    this.reads = this.#limit > 0 && (options.configReads ?? false);
  }

  /** Takes `happening` over: it becomes the fact, for copying it costs more than all the rest. */
  add(bdf: Bdf, happening: BusHappening): void {
    if (this.#limit === 0) return;
    const fact = happening as { -readonly [K in keyof BusFact]: BusFact[K] };
    fact.time = this.#clock.monotonic();
    fact.bdf = bdf;
    this.facts.push(fact as BusFact);
    // Dropped by halves, so that it costs nothing per fact.
    if (this.facts.length >= 2 * this.#limit) this.#drop();
  }

  /** Forgets all facts; none of them counts as dropped. */
  clear(): void {
    this.facts.length = 0;
  }

  #drop(): void {
    const surplus = this.facts.length - this.#limit;
    this.facts.splice(0, surplus);
    this.dropped += surplus;
  }
}
