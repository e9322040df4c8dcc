import { type Layout, type LayoutFunction, type PlatformProfile, type Stage } from '../profile.js';

/** There is no merging: one recovery concerns one function, and its last vote counts. */
const NEW_VOTE: PlatformProfile['merge']['none'] = {
  none: 'none',
  can_recover: 'can_recover',
  need_reset: 'need_reset',
  disconnect: 'disconnect',
  recovered: 'recovered',
  no_aer_driver: 'no_aer_driver',
};

const EVERYBODY = { reaches: 'everybody', start: 'none' } as const;

/** A driver without the callback abstains. */
const ABSTAINS = { endpoint: 'none', bridge: 'none' } as const;

/** Linux 7.3 arch/s390/pci/pci_event.c:zpci_event_io_failure: the channel is lost, nothing is told to user space. */
const FAILURE: Readonly<Record<string, Stage>> = {
  failed: {
    do: 'tell',
    callback: 'errorDetected',
    channel: 'perm_failure',
    sets: 'perm_failure',
    reaches: 'everybody',
    next: 'disconnected',
  },
  disconnected: { do: 'end', result: 'disconnected', usable: 'nobody' },
};

/** DMA works again: the error state is left, or a reset is tried instead. */
const CLEAR = {
  do: 'act',
  act: 'clear_error',
  evidence: { kind: 'dma_enabled', of: 'scope' },
  sets: 'normal',
  failed: 'reset',
} as const;

/** Linux 7.3 arch/s390/pci/pci_event.c:zpci_event_attempt_error_recovery and the functions that it calls. */
const ERROR: Readonly<Record<string, Stage>> = {
  // is_driver_supported, zpci_event_notify_error_detected: without the callback it fails without a reset.
  error_detected: {
    do: 'vote',
    callback: 'errorDetected',
    channel: 'frozen',
    sets: 'frozen',
    ...EVERYBODY,
    missing: { endpoint: 'disconnect', bridge: 'disconnect' },
    next: {
      none: 'unblock',
      can_recover: 'unblock',
      need_reset: 'reset',
      disconnect: 'failed',
      recovered: 'unblock',
      no_aer_driver: 'failed',
    },
  },
  // A function that is held through VFIO: mediated recovery stops here (zpci_event_attempt_error_recovery).
  held: {
    do: 'vote',
    callback: 'errorDetected',
    channel: 'frozen',
    sets: 'frozen',
    ...EVERYBODY,
    missing: { endpoint: 'disconnect', bridge: 'disconnect' },
    next: {
      none: 'handed_over',
      can_recover: 'handed_over',
      need_reset: 'handed_over',
      disconnect: 'failed',
      recovered: 'handed_over',
      no_aer_driver: 'failed',
    },
  },
  handed_over: { do: 'end', result: 'handed_over', usable: 'nobody' },
  // zpci_event_do_error_state_clear
  unblock: {
    do: 'act',
    act: 'unblock',
    evidence: { kind: 'access_enabled', of: 'scope' },
    ok: 'mmio_enabled',
    failed: 'reset',
  },
  mmio_enabled: {
    do: 'vote',
    callback: 'mmioEnabled',
    channel: 'frozen',
    ...EVERYBODY,
    missing: ABSTAINS,
    next: {
      none: 'clear',
      can_recover: 'clear_in_vain',
      need_reset: 'reset',
      disconnect: 'failed',
      recovered: 'clear',
      no_aer_driver: 'failed',
    },
  },
  clear: { ...CLEAR, ok: 'resume' },
  clear_in_vain: { ...CLEAR, ok: 'say_failed' },
  // zpci_event_do_reset
  reset: {
    do: 'act',
    act: 'reset',
    evidence: { kind: 'reset', of: 'reset_set', how: 'function' },
    sets: 'normal',
    ok: 'slot_reset',
    failed: 'say_failed',
  },
  slot_reset: {
    do: 'vote',
    callback: 'slotReset',
    channel: 'normal',
    ...EVERYBODY,
    missing: ABSTAINS,
    next: {
      none: 'resume',
      can_recover: 'say_failed',
      need_reset: 'say_failed',
      disconnect: 'say_failed',
      recovered: 'resume',
      no_aer_driver: 'say_failed',
    },
  },
  say_failed: { do: 'say', uevent: 'FAILED_RECOVERY', next: 'failed' },
  resume: { do: 'tell', callback: 'resume', channel: 'normal', reaches: 'everybody', next: 'recovered' },
  recovered: { do: 'end', result: 'recovered', usable: 'sound' },
  ...FAILURE,
};

const FUNCTION: LayoutFunction = { kind: 'endpoint' };

/** Functions that have nothing in common but, perhaps, a bus: each is a scope and a lane of its own (R2.10). */
const layoutOf = (...names: readonly string[]): Layout => ({
  functions: Object.fromEntries(names.map((name) => [name, FUNCTION])),
  scopes: Object.fromEntries(names.map((name) => [name, [name]])),
  lanes: Object.fromEntries(names.map((name) => [name, name])),
});

/** The law of zPCI in host mode, as Linux 7.3 has it. Nothing here was made from a procedure of ours. */
export const zpciProfile: PlatformProfile = {
  name: 'zpci',
  source: 'Linux 7.3 arch/s390/pci/pci_event.c, pci.c; drivers/pci/pci-driver.c:pci_uevent_ers',
  merge: {
    none: NEW_VOTE,
    can_recover: NEW_VOTE,
    need_reset: NEW_VOTE,
    disconnect: NEW_VOTE,
    recovered: NEW_VOTE,
    no_aer_driver: NEW_VOTE,
  },
  fault: 'disconnect',
  incidents: {
    /** Any event code but those below. */
    error: { severity: 'fatal', recovers: true, stages: ERROR, first: 'error_detected', givenUp: 'failed' },
    /** 0x3b, 0x40. */
    permanent: { severity: 'fatal', recovers: true, stages: FAILURE, first: 'failed', givenUp: 'failed' },
    /** 0x2a, 0x2b, 0x2c: printed only. */
    measurement: { severity: 'informative', recovers: false, told: false },
  },
  layouts: { single: layoutOf('a'), disjoint: layoutOf('a', 'b', 'c') },
  arrivals: {
    order: 'fifo',
    law: { same: 'queue', inside: 'queue', wider: 'queue', crossing: 'queue', disjoint: 'queue' },
  },
  reports: { burst: 'each', recovering: 'each' },
  // A lost function is skipped by every later recovery, until it comes anew.
  afterFailure: 'lost',
  surveyFinds: ['error'],
  raw: true,
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
    permFailure: null,
    uncalled: false,
  },
  // __zpci_event_error: the function's handle has changed since.
  dropsOvertaken: true,
  // zpci_store_pci_error: ZPCI_ERR_PENDING_MAX; while the queue is full the newest is dropped.
  held: { own: { error: 'held', permanent: 'failed' }, recordsKept: 4 },
};
