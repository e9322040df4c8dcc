import { type Clock } from '@pci-recovery/core';
import { type Pe } from '../pe/pe.js';
import { type PeTree } from '../pe/tree.js';
import { type EehHostPort } from '../port.js';
import { type Waiting } from './waiting.js';

/** Waits of the kernel, milliseconds. */
export interface EehTimings {
  /** How long a reset is held (EEH_PE_RST_HOLD_TIME). */
  readonly hold: number;
  /** How long a bus settles after it (EEH_PE_RST_SETTLE_TIME). */
  readonly settle: number;
  /** Time for user space between unplugging and plugging in. */
  readonly hotplug: number;
  /** How long a PE may be unavailable (MAX_WAIT_FOR_RECOVERY, PCI_BUS_RESET_WAIT_MSEC). */
  readonly state: number;
  /** The shortest and longest time between two questions (EEH_STATE_MIN_WAIT_TIME, EEH_STATE_MAX_WAIT_TIME). */
  readonly shortestAsk: number;
  readonly longestAsk: number;
  /** How long functions may take to answer after a reset (PCIE_RESET_READY_POLL_MS). */
  readonly ready: number;
  /** How long bridges may take to be configured (pseries_eeh_phb_configure_bridge). */
  readonly configure: number;
}

/** Linux 7.3 arch/powerpc/include/asm/eeh.h, arch/powerpc/kernel/eeh_pe.c:eeh_wait_state, eeh_driver.c. */
export const KERNEL_TIMINGS: EehTimings = {
  hold: 250,
  settle: 1800,
  hotplug: 5000,
  state: 300_000,
  shortestAsk: 1000,
  longestAsk: 300_000,
  ready: 60_000,
  configure: 200,
};

/** Registers of one function as they were when a log was taken. */
export interface LoggedRegisters {
  readonly bdf: string;
  /** Byte offsets in configuration space; the two registers of bridges have two bytes, all others four. */
  readonly offsets: readonly number[];
  /** The register at each offset. */
  readonly values: readonly number[];
}

/** A log of an error, whole (R4.7). */
export interface EehLog {
  readonly pe: string;
  readonly severity: 'temporary' | 'permanent' | 'informative';
  /** Firmware's part: a PHB's diagnostic data (OPAL), or an RTAS error log. Absent where firmware gave none. */
  readonly blob?: Uint8Array;
  /** What configuration space said. Empty for a host bridge's own PE, and where it must not be read. */
  readonly functions: readonly LoggedRegisters[];
}

/** What everything here works with. */
export interface Surroundings {
  readonly port: EehHostPort;
  readonly tree: PeTree;
  readonly ops: EehOps;
  readonly clock: Clock;
  readonly timings: EehTimings;
}

/** What firmware, or the kernel above it, can do with a PE (`struct eeh_ops`). */
export interface EehOps {
  readonly flavour: 'opal' | 'rtas';
  /** Register access is thawed for every log (EEH_ENABLE_IO_FOR_LOG). */
  readonly thawsForLog: boolean;
  /** A host bridge's own state can be asked for (EEH_PROBE_MODE_DEV). */
  readonly knowsHostBridges: boolean;
  /**
   * Nobody reaches the registers of a PE while it is frozen, and a reset leaves it frozen: what a reset cleared can be written
   * back only after the thaw.
   */
  blocksFrozen(pe: Pe): boolean;
  peNumber(bdf: Pe['functions'][number]['bdf']): number | undefined;
  /**
   * State in bits of `EEH_STATE`, negative when it could not be asked. `wait`: milliseconds, while it is unavailable. Finding a PE
   * frozen can isolate it and take firmware's log: a side effect of the question.
   */
  getState(pe: Pe): { readonly state: number; readonly wait: number };
  /** 0 or an error. */
  setOption(pe: Pe, option: number): number;
  reset(pe: Pe, option: number): Waiting<number>;
  /** Takes the log of a PE that was just found frozen, where that is to be done before anything is thawed. */
  takeDiag?(pe: Pe): void;
  takeLog(pe: Pe, severity: 'temporary' | 'permanent'): Uint8Array | undefined;
  /** 0 or an error. Absent: firmware has nothing to configure. */
  configureBridges?(pe: Pe): Waiting<number>;
  /** Firmware's own part of restoring a function's registers. */
  restoreConfig(bdf: Pe['functions'][number]['bdf']): void;
  /** The driver of a function was told to resume. */
  resumed?(bdf: Pe['functions'][number]['bdf']): void;
  /** 0 or a negative errno. */
  injectError(pe: Pe, type: number, func: number, address: bigint, mask: bigint): number;
}
