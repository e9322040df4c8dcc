import { type ErsResult } from '@pci-recovery/core';
import { type ActStage, type PlatformProfile, type Stage, type VoteStage } from '../profile.js';

/** Linux 7.3 arch/powerpc/kernel/eeh_driver.c:eeh_result_priority, pci_ers_merge_result, one row per vote so far. */
export const MERGE: PlatformProfile['merge'] = {
  none: {
    none: 'none',
    can_recover: 'can_recover',
    need_reset: 'need_reset',
    disconnect: 'disconnect',
    recovered: 'recovered',
    no_aer_driver: 'no_aer_driver',
  },
  can_recover: {
    none: 'can_recover',
    can_recover: 'can_recover',
    need_reset: 'need_reset',
    disconnect: 'disconnect',
    recovered: 'can_recover',
    no_aer_driver: 'can_recover',
  },
  need_reset: {
    none: 'need_reset',
    can_recover: 'need_reset',
    need_reset: 'need_reset',
    disconnect: 'need_reset',
    recovered: 'need_reset',
    no_aer_driver: 'need_reset',
  },
  disconnect: {
    none: 'disconnect',
    can_recover: 'disconnect',
    need_reset: 'need_reset',
    disconnect: 'disconnect',
    recovered: 'disconnect',
    no_aer_driver: 'disconnect',
  },
  recovered: {
    none: 'recovered',
    can_recover: 'can_recover',
    need_reset: 'need_reset',
    disconnect: 'disconnect',
    recovered: 'recovered',
    no_aer_driver: 'recovered',
  },
  no_aer_driver: {
    none: 'no_aer_driver',
    can_recover: 'can_recover',
    need_reset: 'need_reset',
    disconnect: 'disconnect',
    recovered: 'recovered',
    no_aer_driver: 'no_aer_driver',
  },
};

/** A driver without the callback does not vote. */
export const EVERYBODY = { reaches: 'everybody', missing: { endpoint: 'abstains', bridge: 'abstains' } } as const;

export const votes = (next: Readonly<Record<ErsResult, string>>): Pick<VoteStage, 'next'> => ({ next });

export const DETECTED = {
  do: 'vote',
  callback: 'errorDetected',
  channel: 'frozen',
  sets: 'frozen',
  start: 'none',
  ...EVERYBODY,
} as const;

/** eeh_wait_state: a PE that is not supported fails, whatever was voted. */
export const available = (ok: string, failed: string): Stage => ({
  do: 'act',
  act: 'wait_state',
  tries: 'unseen',
  ok,
  failed,
});

/** Linux eeh_unfreeze_pe: MMIO, then DMA. */
export const thawMmio = (ok: string, failed: string): ActStage => ({
  do: 'act',
  act: 'thaw_mmio',
  evidence: { kind: 'access_enabled', of: 'stopped' },
  ok,
  failed,
});
export const thawDma = (ok: string, failed: string): ActStage => ({
  do: 'act',
  act: 'thaw_dma',
  evidence: { kind: 'dma_enabled', of: 'stopped' },
  ok,
  failed,
});

/** eeh_pe_reset_full: up to three tries. */
export const reset = (how: string, ok: string, failed: string): ActStage => ({
  do: 'act',
  act: 'reset',
  evidence: { kind: 'reset', of: 'reset_set', how },
  tries: 3,
  ok,
  failed,
});

export const unplug = (replugs: 'everybody' | 'insensitive', next: string): Stage => ({
  do: 'act',
  act: 'unplug',
  replugs,
  evidence: { kind: 'removed', of: 'out' },
  ok: next,
  failed: next,
});

export const replug = (next: string): Stage => ({
  do: 'act',
  act: 'replug',
  returns: true,
  evidence: { kind: 'added', of: 'out' },
  sets: 'normal',
  ok: next,
  failed: next,
});

/** After the reset only who was told sets up again; from `none` on, and `none` is success. */
export const SLOT_RESET: Stage = {
  do: 'vote',
  callback: 'slotReset',
  channel: 'normal',
  sets: 'normal',
  start: 'none',
  reaches: 'answered_before',
  missing: EVERYBODY.missing,
  ...votes({
    none: 'resume',
    can_recover: 'failed',
    need_reset: 'failed',
    disconnect: 'failed',
    recovered: 'resume',
    no_aer_driver: 'failed',
  }),
};

export const ENDS: Readonly<Record<string, Stage>> = {
  resume: {
    do: 'tell',
    callback: 'resume',
    channel: 'normal',
    sets: 'normal',
    reaches: 'answered_before',
    next: 'recovered',
  },
  recovered: { do: 'end', result: 'recovered', usable: 'sound' },
  failed: { do: 'tell', callback: 'errorDetected', channel: 'perm_failure', reaches: 'everybody', next: 'remove' },
  remove: {
    do: 'act',
    act: 'remove',
    evidence: { kind: 'removed', of: 'present' },
    removes: true,
    ok: 'disconnected',
    failed: 'disconnected',
  },
  disconnected: { do: 'end', result: 'disconnected', usable: 'nobody' },
};
