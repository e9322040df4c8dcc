import { type ErrorEvent } from '@pci-recovery/core';

/**
 * What broke (R4.6). `frozen_pe`: MMIO, DMA or both of a partitionable endpoint are stopped. `fenced_phb`: a whole host
 * bridge is stopped and needs a full reset. `dead_phb`, `dead_ioc`: a host bridge, or the hub of all of them, is lost.
 * `informative`: only a log.
 */
export type EehErrorKind = 'frozen_pe' | 'fenced_phb' | 'dead_phb' | 'dead_ioc' | 'informative';

/**
 * How it was found. `read`: a read gave all ones and firmware confirmed a freeze; `interrupt`: firmware reported it
 * (PowerNV); `survey`: found broken at the start; `forced`: somebody asked for a recovery; `poll`: an owner asked the state
 * (VFIO).
 */
export type EehOrigin = 'read' | 'interrupt' | 'survey' | 'forced' | 'poll';

/** The decoded record of an EEH error. */
export interface EehRecord {
  readonly kind: EehErrorKind;
  readonly origin: EehOrigin;
  /** PCI domain of the host bridge. */
  readonly phb: number;
  /** Number (PowerNV) or configuration address (pSeries) of the PE that will be recovered; null: the host bridge's own. */
  readonly pe: number | null;
  /** The PE's name as it is also the id of its scope: `PHB#0-PE#1fd`. */
  readonly name: string;
  /**
   * The state that firmware reported, in the kernel's bits (`EEH_STATE_*`, arch/powerpc/include/asm/eeh.h); null where it
   * was not asked.
   */
  readonly state: number | null;
  /** Reads that gave all ones and were ignored since the PE was isolated. */
  readonly ignoredReads: number;
}

/** An error as an EEH platform reports it. `raw`: firmware's diagnostic blob, where it gave one (R4.7). */
export type EehEvent = ErrorEvent<EehRecord>;

/** `PHB#0-PE#1fd`, or `PHB#0` for a host bridge's own PE: numbers in hexadecimal, as the kernel prints them. */
export const peName = (phb: number, pe: number | null): string =>
  pe === null ? `PHB#${phb.toString(16)}` : `PHB#${phb.toString(16)}-PE#${pe.toString(16)}`;
