import { type Bdf, type Clock } from '@pci-recovery/core';
import { type FunctionState } from '../platform/zpci-function.js';
import { type ConfigWidth, type ZpciHostPort } from '../port.js';
import { type FirmwareCall } from './faults.js';
import { type Errno } from '../owner-port.js';

/** What happened at the machine, without when and where. */
export type ZpciOccurrence =
  /** The function detected an error: register accesses and DMA are blocked. `disabled`: firmware disabled it, too. */
  | { readonly kind: 'error_state'; readonly pec: number; readonly disabled: boolean }
  /** A record was sent. `lost`: a script swallowed it. */
  | { readonly kind: 'notification'; readonly contentCode: number; readonly pec: number; readonly lost: boolean }
  /** Firmware was called. `answer`: a response of CLP and SCLP, a condition code of instructions. */
  | { readonly kind: 'firmware_call'; readonly call: FirmwareCall; readonly answer: number }
  | { readonly kind: 'load_store_unblocked' }
  | { readonly kind: 'dma_unblocked' }
  /** It lost its state; nothing works until it is enabled. */
  | { readonly kind: 'disabled'; readonly fh: number }
  | { readonly kind: 'enabled'; readonly fh: number }
  | { readonly kind: 'interrupts_registered' }
  /** DMA can reach what is mapped. */
  | { readonly kind: 'translation_registered' }
  | { readonly kind: 'state'; readonly from: FunctionState; readonly to: FunctionState }
  | { readonly kind: 'dma'; readonly address: string; readonly outcome: 'done' | 'blocked' | 'fault' }
  | { readonly kind: 'config_write'; readonly offset: number; readonly width: ConfigWidth; readonly value: number }
  | { readonly kind: 'uevent'; readonly event: Parameters<NonNullable<ZpciHostPort['uevent']>>[1] }
  /** The holder of the function asked the kernel for something. */
  | {
      readonly kind: 'vfio';
      readonly call: 'open' | 'close' | 'feature' | 'reset' | 'hot_reset';
      readonly errno: Errno;
    };

/**
 * One thing that happened: when (nanoseconds, the machine's clock), to whom, what. Plain data. Nobody: a call of firmware
 * that concerns no function, or none that is there.
 */
export type ZpciFact = { readonly time: number; readonly bdf?: Bdf; readonly fid?: number } & ZpciOccurrence;

/** What the log keeps. */
export interface LogOptions {
  /** Facts kept; beyond, the oldest are dropped (and counted). 0: no log. Default: 100,000. */
  readonly limit?: number;
  /** Default: true. */
  readonly firmwareCalls?: boolean;
  /** Default: true. */
  readonly configWrites?: boolean;
}

/** The witness: what happened at the machine, in order, whatever any engine says. */
export class WitnessLog {
  readonly facts: ZpciFact[] = [];
  readonly calls: boolean;
  readonly writes: boolean;
  dropped = 0;
  readonly #clock: Clock;
  readonly #limit: number;

  constructor(clock: Clock, options: LogOptions = {}) {
    this.#clock = clock;
    this.#limit = options.limit ?? 100_000;
    this.calls = this.#limit > 0 && (options.firmwareCalls ?? true);
    this.writes = this.#limit > 0 && (options.configWrites ?? true);
  }

  add(fn: { readonly bdf: Bdf; readonly fid: number } | undefined, occurrence: ZpciOccurrence): void {
    if (this.#limit === 0) return;
    const time = this.#clock.monotonic();
    this.facts.push(fn ? { time, bdf: fn.bdf, fid: fn.fid, ...occurrence } : { time, ...occurrence });
    // Dropped by halves, so that it costs nothing per fact.
    if (this.facts.length < 2 * this.#limit) return;
    const surplus = this.facts.length - this.#limit;
    this.facts.splice(0, surplus);
    this.dropped += surplus;
  }

  /** Forgets all facts; none of them counts as dropped. */
  clear(): void {
    this.facts.length = 0;
  }
}
