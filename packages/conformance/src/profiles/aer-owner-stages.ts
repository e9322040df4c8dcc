import { type ErsResult } from '@pci-recovery/core';
import { type ActStage, type Stage, type VoteStage } from '../profile.js';

const EVERYBODY = { reaches: 'everybody' } as const;
const ABSTAINS = { endpoint: 'abstains', bridge: 'abstains' } as const;

/**
 * Whoever has nobody that listens votes `disconnect` (R1.3): the kernel's own vote for it, CAN_RECOVER (Linux 7.3
 * drivers/vfio/pci/vfio_pci_core.c:vfio_pci_core_aer_err_detected), says nothing about a guest.
 */
const LISTENERLESS = { endpoint: 'disconnect', bridge: 'none' } as const;

type Ways = Readonly<Record<'look' | 'reset' | 'done' | 'lost', string>>;

/** Where the merged vote of `error_detected` leads. The listeners are told at once (R3.8), so the host is still at work. */
const detected = (channel: 'normal' | 'frozen', start: ErsResult, ways: Ways): VoteStage => ({
  do: 'vote',
  callback: 'errorDetected',
  channel,
  sets: channel,
  ...EVERYBODY,
  start,
  missing: LISTENERLESS,
  next: {
    none: ways.lost,
    can_recover: ways.look,
    need_reset: ways.reset,
    disconnect: ways.lost,
    recovered: ways.done,
    no_aer_driver: ways.lost,
  },
});

const after = (callback: 'mmioEnabled' | 'slotReset', recovered: string, needReset: string): VoteStage => ({
  do: 'vote',
  callback,
  channel: 'normal',
  sets: 'normal',
  ...EVERYBODY,
  start: 'recovered',
  missing: ABSTAINS,
  next: {
    none: 'failed',
    can_recover: 'failed',
    need_reset: needReset,
    disconnect: 'failed',
    recovered,
    no_aer_driver: 'failed',
  },
});

/** The host recovers by itself, and nobody touches anything meanwhile (R3.5). It may give up: so does everybody then (R3.7). */
const host = (ok: string, reset = false): ActStage => ({
  do: 'act',
  act: 'host',
  ...(reset && { evidence: { kind: 'reset', of: 'reset_set', how: 'link' } as const }),
  ok,
  failed: 'failed',
});

/**
 * After a reset that is not undone by anybody else: what the holder may write is written back, Command last, and with it
 * bus mastering (R2.7). Never before the last reset: that would take it away again (R3.5).
 */
const restore = (lost: boolean): ActStage => ({
  do: 'act',
  act: 'restore_config',
  ...(lost && { evidence: { kind: 'dma_enabled', of: 'scope' } as const }),
  ok: 'slot_reset',
  failed: 'failed',
});

/** The ways out. The walk with `perm_failure` changes no channel state, as in drivers/pci/pcie/err.c:pcie_do_recovery. */
const ENDS: Readonly<Record<string, Stage>> = {
  resume: { do: 'tell', callback: 'resume', channel: 'normal', sets: 'normal', ...EVERYBODY, next: 'recovered' },
  recovered: { do: 'end', result: 'recovered', usable: 'sound' },
  failed: { do: 'tell', callback: 'errorDetected', channel: 'perm_failure', ...EVERYBODY, next: 'disconnected' },
  disconnected: { do: 'end', result: 'disconnected', usable: 'nobody' },
};

/** Who gives up at once tells so at once; the host resets the link all the same (R3.7). */
const GIVEN_UP: Readonly<Record<string, Stage>> = {
  given_up: { do: 'tell', callback: 'errorDetected', channel: 'perm_failure', ...EVERYBODY, next: 'host_alone' },
  host_alone: { ...host('disconnected', true), failed: 'disconnected' },
};

/** Only non-fatal status is cleared by the kernel. A status that stays would blame the function for the next error (R3.1). */
const clear = (set: boolean): ActStage => ({
  do: 'act',
  act: 'clear_status',
  ...(set && { evidence: { kind: 'status_cleared', of: 'detector' } as const }),
  ok: 'resume',
  failed: 'resume',
});

/** A reset happened, so everybody hears `slot_reset`, whatever was voted: all functions have lost their state. */
const SLOT_RESET = after('slotReset', 'clear_status', 'failed');

/**
 * A non-fatal error that the host recovers without a reset: who needs one gets a hot reset where everything that it touches
 * is owned (R3.11, R4.2), after a second notification (R1.5), and is refused otherwise.
 */
export const NONFATAL: Readonly<Record<string, Stage>> = {
  error_detected: detected('normal', 'can_recover', {
    look: 'host_then_look',
    reset: 'host_then_reset',
    done: 'host_then_resume',
    lost: 'host_in_vain',
  }),
  host_then_look: host('mmio_enabled'),
  host_then_reset: host('may_reset'),
  host_then_resume: host('clear_status'),
  host_in_vain: host('failed'),
  mmio_enabled: after('mmioEnabled', 'clear_status', 'may_reset'),
  may_reset: {
    do: 'act',
    act: 'prove_ownership',
    needs: { capability: 'hot_reset', otherwise: 'failed' },
    ok: 'promotion',
    failed: 'failed',
  },
  // What was voted before still counts.
  promotion: detected('frozen', 'need_reset', {
    look: 'failed',
    reset: 'hot_reset',
    done: 'failed',
    lost: 'failed',
  }),
  hot_reset: {
    do: 'act',
    act: 'hot_reset',
    evidence: { kind: 'reset', of: 'reset_set', how: 'hot' },
    ok: 'restore',
    failed: 'failed',
  },
  // The kernel itself restores what it saved before this one.
  restore: restore(false),
  slot_reset: SLOT_RESET,
  clear_status: clear(false),
  ...ENDS,
};

/** A fatal error: the kernel resets the link, whatever anybody votes; nobody resets it again (R3.5). */
export const FATAL: Readonly<Record<string, Stage>> = {
  error_detected: detected('frozen', 'can_recover', {
    look: 'host_resets',
    reset: 'host_resets',
    done: 'host_resets',
    lost: 'host_in_vain',
  }),
  host_resets: host('restore', true),
  host_in_vain: host('failed', true),
  restore: restore(true),
  slot_reset: SLOT_RESET,
  clear_status: clear(true),
  ...ENDS,
  ...GIVEN_UP,
};

/**
 * A non-fatal error that the host ends with a reset after all, because another function on the bus asked it to: the listeners hear
 * the fatal notification too (R1.5), and the device is as after a fatal one. What was voted before the promotion still counts.
 */
export const PROMOTED: Readonly<Record<string, Stage>> = {
  error_detected: detected('normal', 'can_recover', {
    look: 'host_resets',
    reset: 'host_resets_as_asked',
    done: 'host_resets',
    lost: 'host_resets_in_vain',
  }),
  host_resets: host('promotion', true),
  host_resets_as_asked: host('promotion_as_asked', true),
  host_resets_in_vain: host('promotion_in_vain', true),
  promotion: detected('frozen', 'can_recover', { look: 'restore', reset: 'restore', done: 'restore', lost: 'failed' }),
  promotion_as_asked: detected('frozen', 'need_reset', {
    look: 'failed',
    reset: 'restore',
    done: 'failed',
    lost: 'failed',
  }),
  promotion_in_vain: detected('frozen', 'disconnect', {
    look: 'failed',
    reset: 'restore',
    done: 'failed',
    lost: 'failed',
  }),
  restore: restore(true),
  slot_reset: SLOT_RESET,
  clear_status: clear(false),
  ...ENDS,
  ...GIVEN_UP,
};
