import { type PlatformProfile, type Stage, type VoteStage } from '../profile.js';
import { AER_LAYOUTS } from './aer-layouts.js';

/** Linux 7.3 drivers/pci/pcie/err.c:merge_result, one row per vote so far. */
const MERGE: PlatformProfile['merge'] = {
  none: {
    none: 'none',
    can_recover: 'none',
    need_reset: 'none',
    disconnect: 'none',
    recovered: 'none',
    no_aer_driver: 'no_aer_driver',
  },
  can_recover: {
    none: 'can_recover',
    can_recover: 'can_recover',
    need_reset: 'need_reset',
    disconnect: 'disconnect',
    recovered: 'recovered',
    no_aer_driver: 'no_aer_driver',
  },
  need_reset: {
    none: 'need_reset',
    can_recover: 'need_reset',
    need_reset: 'need_reset',
    disconnect: 'need_reset',
    recovered: 'need_reset',
    no_aer_driver: 'no_aer_driver',
  },
  disconnect: {
    none: 'disconnect',
    can_recover: 'disconnect',
    need_reset: 'need_reset',
    disconnect: 'disconnect',
    recovered: 'disconnect',
    no_aer_driver: 'no_aer_driver',
  },
  recovered: {
    none: 'recovered',
    can_recover: 'can_recover',
    need_reset: 'need_reset',
    disconnect: 'disconnect',
    recovered: 'recovered',
    no_aer_driver: 'no_aer_driver',
  },
  no_aer_driver: {
    none: 'no_aer_driver',
    can_recover: 'no_aer_driver',
    need_reset: 'no_aer_driver',
    disconnect: 'no_aer_driver',
    recovered: 'no_aer_driver',
    no_aer_driver: 'no_aer_driver',
  },
};

const EVERYBODY = { reaches: 'everybody' } as const;
const ABSTAINS = { endpoint: 'abstains', bridge: 'abstains' } as const;

/** Linux 7.3 drivers/pci/pcie/err.c:report_error_detected. */
const DETECTED = {
  do: 'vote',
  callback: 'errorDetected',
  ...EVERYBODY,
  start: 'can_recover',
  missing: { endpoint: 'no_aer_driver', bridge: 'none' },
} as const;

const MMIO_ENABLED = {
  do: 'vote',
  callback: 'mmioEnabled',
  ...EVERYBODY,
  start: 'recovered',
  missing: ABSTAINS,
} as const;

/** Anything but RECOVERED after slot_reset fails. */
const SLOT_RESET: VoteStage = {
  do: 'vote',
  callback: 'slotReset',
  channel: 'normal',
  sets: 'normal',
  ...EVERYBODY,
  start: 'recovered',
  missing: ABSTAINS,
  next: {
    none: 'failed',
    can_recover: 'failed',
    need_reset: 'failed',
    disconnect: 'failed',
    recovered: 'resume',
    no_aer_driver: 'failed',
  },
};

/** pci_bus_error_reset: the bus below a port. */
const RESET = { do: 'act', act: 'reset', evidence: { kind: 'reset', of: 'reset_set', how: 'bus' } } as const;

/** The ways out. The walk with `perm_failure` changes no channel state. */
const ENDS: Readonly<Record<string, Stage>> = {
  resume: { do: 'tell', callback: 'resume', channel: 'normal', sets: 'normal', ...EVERYBODY, next: 'clear_status' },
  clear_status: {
    do: 'act',
    act: 'clear_status',
    evidence: { kind: 'status_cleared', of: 'detector' },
    needs: { capability: 'native_aer', otherwise: 'recovered' },
    ok: 'recovered',
    failed: 'recovered',
  },
  recovered: { do: 'end', result: 'recovered', usable: 'sound' },
  failed: { do: 'tell', callback: 'errorDetected', channel: 'perm_failure', ...EVERYBODY, next: 'disconnected' },
  disconnected: { do: 'end', result: 'disconnected', usable: 'nobody' },
};

/** A non-fatal error: reset only when somebody asks for it. */
const NONFATAL: Readonly<Record<string, Stage>> = {
  error_detected: {
    ...DETECTED,
    channel: 'normal',
    sets: 'normal',
    next: {
      none: 'failed',
      can_recover: 'mmio_enabled',
      need_reset: 'reset',
      disconnect: 'failed',
      recovered: 'resume',
      no_aer_driver: 'failed',
    },
  },
  mmio_enabled: {
    ...MMIO_ENABLED,
    channel: 'normal',
    next: {
      none: 'failed',
      can_recover: 'failed',
      need_reset: 'reset',
      disconnect: 'failed',
      recovered: 'resume',
      no_aer_driver: 'failed',
    },
  },
  reset: { ...RESET, ok: 'slot_reset', failed: 'failed' },
  slot_reset: SLOT_RESET,
  ...ENDS,
};

/** A fatal error: reset whatever was voted; slot_reset only when somebody asked for a reset. */
const FATAL: Readonly<Record<string, Stage>> = {
  error_detected: {
    ...DETECTED,
    channel: 'frozen',
    sets: 'frozen',
    next: {
      none: 'reset_in_vain',
      can_recover: 'mmio_enabled',
      need_reset: 'reset',
      disconnect: 'reset_in_vain',
      recovered: 'reset_untold',
      no_aer_driver: 'reset_in_vain',
    },
  },
  mmio_enabled: {
    ...MMIO_ENABLED,
    channel: 'frozen',
    next: {
      none: 'reset_in_vain',
      can_recover: 'reset_in_vain',
      need_reset: 'reset',
      disconnect: 'reset_in_vain',
      recovered: 'reset_untold',
      no_aer_driver: 'reset_in_vain',
    },
  },
  reset: { ...RESET, ok: 'slot_reset', failed: 'failed' },
  reset_untold: { ...RESET, ok: 'resume', failed: 'failed' },
  reset_in_vain: { ...RESET, ok: 'failed', failed: 'failed' },
  slot_reset: SLOT_RESET,
  ...ENDS,
  // Only Device Status and non-fatal bits are cleared: a reset has taken the one, and a fatal error is none of the other.
  clear_status: {
    do: 'act',
    act: 'clear_status',
    evidence: { kind: 'status_cleared', of: 'detector_unless_reset' },
    needs: { capability: 'native_aer', otherwise: 'recovered' },
    ok: 'recovered',
    failed: 'recovered',
  },
};

/** The law of AER in host mode, as Linux 7.3 has it. Nothing here was made from a procedure of ours. */
export const aerProfile: PlatformProfile = {
  name: 'aer',
  source: 'Linux 7.3 drivers/pci/pcie/err.c, aer.c, portdrv.c; drivers/pci/pci-driver.c:pci_uevent_ers',
  merge: MERGE,
  fault: 'disconnect',
  incidents: {
    nonfatal: { severity: 'nonfatal', recovers: true, stages: NONFATAL, first: 'error_detected', givenUp: 'failed' },
    fatal: { severity: 'fatal', recovers: true, stages: FATAL, first: 'error_detected', givenUp: 'failed' },
    correctable: { severity: 'correctable', recovers: false, told: true, evidence: 'status_cleared' },
  },
  layouts: AER_LAYOUTS,
  arrivals: {
    order: 'fifo',
    law: { same: 'queue', inside: 'queue', wider: 'queue', crossing: 'queue', disjoint: 'queue' },
  },
  // A root port keeps one source per kind and a "multiple" bit until its interrupt is served.
  reports: { burst: 'coalesced', recovering: 'each' },
  // perm_failure is told, but not stored as channel state.
  afterFailure: 'again',
  surveyFinds: ['nonfatal', 'fatal'],
  raw: false,
  // It has no error_detected, so its vote is NO_AER_DRIVER.
  orphansSink: true,
  uevents: {
    detected: {
      none: 'BEGIN_RECOVERY',
      can_recover: 'BEGIN_RECOVERY',
      need_reset: 'BEGIN_RECOVERY',
      disconnect: 'FAILED_RECOVERY',
      recovered: 'SUCCESSFUL_RECOVERY',
      no_aer_driver: null,
    },
    resume: 'SUCCESSFUL_RECOVERY',
    permFailure: 'FAILED_RECOVERY',
    uncalled: true,
  },
};
