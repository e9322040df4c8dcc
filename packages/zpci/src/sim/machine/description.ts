import { type Clock } from '@pci-recovery/core';
import { type FunctionState } from '../../platform/zpci-function.js';
import { type LogOptions } from '../witness-log.js';

/** Addresses that a function can reach by DMA, both inclusive. */
export interface DmaAperture {
  readonly start: bigint;
  readonly end: bigint;
}

/** A function of a simulated machine. */
export interface FunctionDescription {
  /** Function id, 0–0xffff_ffff. */
  readonly fid: number;
  /** In any form that `parseBdf` reads: the domain is the UID, the bus 0. */
  readonly bdf: string;
  /** Default: configured. */
  readonly state?: FunctionState;
  /** Default: configured functions are. */
  readonly enabled?: boolean;
  /** 16 bits. Default: 0x1af4. */
  readonly vendor?: number;
  /** 16 bits. Default: 0x1044. */
  readonly device?: number;
  /** Name of the driver that is bound. Default: none. */
  readonly driver?: string;
  /** A driver has interrupts in use. Default: true. */
  readonly interrupts?: boolean;
  /** Register accesses go through memory mappings. Default: false. */
  readonly mio?: boolean;
  /** Default: 4 GiB to 8 GiB. */
  readonly aperture?: DmaAperture;
}

/** A simulated machine. */
export interface ZpciMachineDescription {
  readonly clock: Clock;
  readonly functions: readonly FunctionDescription[];
  /**
   * What a function's handle is after it was enabled anew. `change`: another one, so that events from before are stale;
   * `keep`: the same, as in QEMU. Default: `change`.
   */
  readonly handles?: 'change' | 'keep';
  readonly log?: LogOptions;
}
