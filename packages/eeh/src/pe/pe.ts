import { type Bdf, type ChannelState } from '@pci-recovery/core';

/** State of a PE in the kernel's bits (arch/powerpc/include/asm/eeh.h: EEH_PE_*). */
export const PE_STATE = {
  /** Frozen, and nobody has lifted it yet. */
  ISOLATED: 1 << 0,
  /** A recovery is under way, or waits. */
  RECOVERING: 1 << 1,
  /** Configuration space is blocked. */
  CFG_BLOCKED: 1 << 2,
  /** In the middle of a reset. */
  RESET: 1 << 3,
  /** Its functions stay in it although they are unplugged for a reset. */
  KEEP: 1 << 8,
  /** Configuration space must not be touched while frozen. */
  CFG_RESTRICTED: 1 << 9,
  /** Lost for good: no state changes any more. */
  REMOVED: 1 << 10,
  /** Its primary bus is known. */
  PRI_BUS: 1 << 11,
} as const;

/** What a PE consists of: a host bridge, one function, the functions of a bus, or a virtual function. */
export type PeType = 'phb' | 'device' | 'bus' | 'vf';

/** A function in its PE (`struct eeh_dev`). */
export interface EehDevice {
  readonly bdf: Bdf;
  generation: number;
  pe: Pe | undefined;
  /** A device is behind it (`pdev`). */
  present: boolean;
  /** Unplugged for a reset, still in its PE (EEH_DEV_DISCONNECTED). */
  disconnected: boolean;
  /** How often owners have opened it and not let it go yet: its part of {@link Pe.passed}. */
  opened: number;
  /** Lost for good (EEH_DEV_REMOVED): also what is plugged in again there stays untouched. */
  removed: boolean;
  bridge: boolean;
  /** A virtual function's physical one. */
  physical: Bdf | undefined;
  channel: ChannelState;
  /** Its line interrupt was switched off for a recovery (EEH_DEV_IRQ_DISABLED). */
  interruptOff: boolean;
  /** A root port, or a downstream port of a switch: a link is below it (EEH_DEV_ROOT_PORT, EEH_DEV_DS_PORT). */
  hasLink: boolean;
  /** Registers 0x00–0x3f as they were when it was probed, sixteen double words; none while they are unknown. */
  saved: readonly number[];
  /** Byte offsets of its capabilities; 0: it has none. */
  offsets: { readonly pcie: number; readonly pcix: number; readonly aer: number; readonly af: number };
}

/** A partitionable endpoint: the unit that freezes (`struct eeh_pe`). */
export interface Pe {
  type: PeType;
  /** No function is in it, nor in a PE below it; it goes when no recovery needs it any more. */
  invalid: boolean;
  readonly name: string;
  readonly phb: number;
  /** Null: a host bridge's own. */
  readonly number: number | null;
  readonly parent: Pe | undefined;
  readonly children: Pe[];
  readonly functions: EehDevice[];
  /** Bits of {@link PE_STATE}. */
  state: number;
  /** Its primary bus, 0–255, where it is known. */
  bus: number | undefined;
  /** How often its functions are opened by owners, who recover it themselves while they hold any. */
  passed: number;
  /** A reset was asserted and not taken back yet: by a recovery, or by an owner. */
  resetAsserted: boolean;
  /** Reads ignored since it was isolated. */
  checkCount: number;
  /** How often it froze since `frozenAt`. */
  freezeCount: number;
  /** Seconds on the monotonic clock: begin of the window in which freezes are counted. */
  frozenAt: number;
  /** Reads of all ones that were none of its doing. */
  falsePositives: number;
  /** Firmware's diagnostic blob, taken when it was found frozen. */
  diag: Uint8Array | undefined;
}

/** The host may do something about a function (eeh_driver.c:eeh_edev_actionable). */
export const isActionable = (device: EehDevice): boolean =>
  device.present && device.channel !== 'perm_failure' && !device.removed && (device.pe?.passed ?? 0) === 0;

/** Length of the window in which freezes are counted, seconds from the first one (eeh_pe.c:eeh_pe_update_time_stamp). */
export const FREEZE_WINDOW_S = 3600;

/**
 * Counts one more freeze at `now` (seconds). The window starts with the first freeze and does not slide.
 *
 * Source: Linux 7.3 arch/powerpc/kernel/eeh_pe.c:eeh_pe_update_time_stamp, eeh_driver.c:eeh_handle_normal_event.
 */
export function countFreeze(pe: Pe, now: number): number {
  if (pe.freezeCount <= 0 || now - pe.frozenAt > FREEZE_WINDOW_S) {
    pe.freezeCount = 0;
    pe.frozenAt = now;
  }
  return ++pe.freezeCount;
}
