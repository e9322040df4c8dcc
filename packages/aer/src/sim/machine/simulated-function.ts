import { type Bdf, bdfParts, requesterId } from '@pci-recovery/core';
import { type TopologyFunction } from '@pci-recovery/pci/topology';
import { type ConfigWidth } from '../../port.js';
import { type AccessLayout } from '../access/access-layout.js';
import { type ImplementedErrors } from '../access/aer-rows.js';
import { type VectorTable } from '../vector-table.js';
import { type OnFatal } from './description.js';

/** The width of each access as a mask. */
export const ONES = [0, 0xff, 0xffff, 0, 0xffff_ffff] as const;

/** A header that was recorded for an error. */
export interface HeaderRecord {
  /** Bit of the error, 0–31. */
  readonly bit: number;
  readonly header: readonly number[];
  readonly prefixes: readonly number[];
}

/** Where the registers of a function are, as byte offsets; 0: it has none. */
export interface RegisterOffsets {
  readonly pcie: number;
  readonly aer: number;
  readonly sriov: number;
  readonly msix: number;
}

/** How a function behaves, apart from its registers. */
export interface Behaviour {
  readonly onFatal: OnFatal;
  readonly readyAfterMs: number;
  readonly linkUpAfterMs: number;
  readonly headerRecords: number;
  readonly prefixLog: boolean;
  readonly errors: ImplementedErrors;
}

/** The link below a root port or switch downstream port. */
export interface Link {
  up: boolean;
  /** Waiting for the link to come up. */
  timer?: Disposable | undefined;
}

/** A function of the simulated machine: registers and where it is in the tree. What it does is told elsewhere. */
export class SimulatedFunction {
  readonly bdf: Bdf;
  readonly bus: number;
  readonly domain: number;
  readonly requester: number;
  /** Registers by dword. */
  readonly words: Uint32Array;
  readonly children: SimulatedFunction[] = [];
  readonly virtuals: SimulatedFunction[] = [];
  parent: SimulatedFunction | undefined;
  physical: SimulatedFunction | undefined;
  collector: SimulatedFunction | undefined;
  link: Link | undefined;
  vectors: VectorTable | undefined;
  /** Bits of `BLOCK`. */
  blocks = 0;
  generation = 0;
  /** Headers recorded for errors whose status is still set; the first one is in the registers. */
  records: HeaderRecord[] = [];
  /** Waiting to become ready. */
  timer: Disposable | undefined;
  /** When Secondary Bus Reset was asserted, nanoseconds. */
  assertedAt = 0;
  /** A script makes it ignore the Secondary Bus Reset that is asserted now. */
  ignoresReset = false;

  constructor(
    /** What enumeration would say. */
    readonly topology: TopologyFunction,
    words: Uint32Array,
    readonly layout: AccessLayout,
    readonly at: RegisterOffsets,
    readonly behaviour: Behaviour,
    /** Bytes of configuration space: 256 or 4096. */
    readonly size: number,
  ) {
    this.bdf = topology.bdf;
    const { bus, domain } = bdfParts(topology.bdf);
    this.bus = bus;
    this.domain = domain;
    this.requester = requesterId(topology.bdf);
    this.words = words;
  }

  /** Reads a register; all ones for what is not aligned or not there. */
  read(offset: number, width: ConfigWidth): number {
    if ((offset | 0) !== offset || offset < 0 || offset + width > this.size || (offset & (width - 1)) !== 0)
      return ONES[width];
    const word = this.words[offset >> 2]!;
    return width === 4 ? word : (word >>> ((offset & 3) << 3)) & ONES[width];
  }

  /** A dword at a byte offset. */
  dword(offset: number): number {
    return this.words[offset >> 2]!;
  }

  /** Two bytes at an even byte offset. */
  word(offset: number): number {
    return (this.words[offset >> 2]! >>> ((offset & 2) << 3)) & 0xffff;
  }

  /** Hardware changes bits: clears those of `clear`, then sets those of `set` (both in place of a dword). */
  change(offset: number, clear: number, set: number): void {
    const index = offset >> 2;
    this.words[index] = (this.words[index]! & ~clear) | set;
  }

  /** Hardware sets bits of a 16-bit register. */
  setWord(offset: number, bits: number): void {
    this.words[offset >> 2]! |= bits << ((offset & 2) << 3);
  }
}
