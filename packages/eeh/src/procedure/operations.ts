import { type Operation } from '@pci-recovery/core';

/** What the platform is asked to do in host mode. All concern the PE of the scope and the PEs below it. */
export const HOST_OPERATIONS = {
  /** Looks who is still in a slot, and lights the attention indicators. Value: {@link Presence}. */
  checkPresence: { name: 'check_presence', nature: 'change' },
  /** Counts one more freeze of the PE. Value: {@link Freezes}. */
  countFreeze: { name: 'count_freeze', nature: 'change' },
  /** Sets the channel of every actionable function, and its interrupt: off while frozen. Parameter `channel`. */
  setChannels: { name: 'set_channels', nature: 'change' },
  /** Waits until firmware reports a state other than "temporarily unavailable", at most 300 s. */
  waitState: { name: 'wait_state', nature: 'wait' },
  /** Takes firmware's log, with its side effects. Parameter `severity`: `temporary` or `permanent`. */
  collectLog: { name: 'collect_log', nature: 'change' },
  /** Clears the MMIO freeze; register access works again. */
  thawMmio: { name: 'thaw_mmio', nature: 'change' },
  /** Clears the DMA freeze; the PE is no longer isolated. */
  thawDma: { name: 'thaw_dma', nature: 'change' },
  /**
   * Takes functions out of the system. Parameter `which`: `everybody`, or `insensitive`, those whose driver lacks
   * `error_detected` or `slot_reset`. Value: {@link Unplugged}; returns the new membership.
   */
  unplug: { name: 'unplug', nature: 'change' },
  /** Hot or fundamental reset, up to three tries; PEs that are passed through are frozen again. */
  reset: { name: 'reset', nature: 'change' },
  /** Configures bridges and writes saved registers back. */
  restore: { name: 'restore', nature: 'change' },
  /** Clears both freezes of every PE that is not passed through, MMIO first, up to three tries each. */
  unfreeze: { name: 'unfreeze', nature: 'change' },
  /** Gives user space five seconds to let go of what was unplugged. */
  settle: { name: 'settle', nature: 'wait' },
  /** Brings back what was unplugged, as new functions. Parameter `complete`. Returns the new membership. */
  replug: { name: 'replug', nature: 'change' },
  /** Brings unplugged virtual functions back. Returns the new membership. */
  replugVirtual: { name: 'replug_virtual', nature: 'change' },
  /** The PE is no longer being recovered; attention indicators off. */
  finish: { name: 'finish', nature: 'change' },
  /** Interrupts of all actionable functions off. */
  maskInterrupts: { name: 'mask_interrupts', nature: 'change' },
  /**
   * Lost for good: channel `perm_failure`, functions out of the system. Parameter `dead`: with their host bridge. Returns the
   * new membership.
   */
  remove: { name: 'remove', nature: 'change' },
} as const satisfies Readonly<Record<string, Operation>>;

/** Value of `check_presence`: whether the PE has a PCI bus, and how many of its functions are present. */
export type Presence = { readonly bus: boolean; readonly devices: number };

/** Value of `count_freeze`: how often the PE froze within its window, this one included, and how often it may. */
export type Freezes = { readonly count: number; readonly most: number };

/** Value of `unplug`: how many functions were taken out, and how many of them were virtual ones to be brought back. */
export type Unplugged = { readonly devices: number; readonly virtual: number };
