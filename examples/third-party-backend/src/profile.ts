import { type Layout, type PlatformProfile, type RecoveringIncident, type Stage } from '@pci-recovery/conformance';
import { type ErsResult } from '@pci-recovery/core';

/** Everything goes one way, except what is said. */
const leads = (otherwise: string, except: Partial<Record<ErsResult, string>>): Readonly<Record<ErsResult, string>> => ({
  none: otherwise,
  can_recover: otherwise,
  need_reset: otherwise,
  disconnect: otherwise,
  recovered: otherwise,
  no_aer_driver: otherwise,
  ...except,
});

const VOTE = {
  do: 'vote',
  reaches: 'everybody',
  start: 'none',
  missing: { endpoint: 'abstains', bridge: 'abstains' },
} as const;
const GIVES_UP = { disconnect: 'lost', no_aer_driver: 'lost' };

const STAGES: Readonly<Record<string, Stage>> = {
  error_detected: {
    ...VOTE,
    callback: 'errorDetected',
    channel: 'frozen',
    sets: 'frozen',
    next: leads('open_access', { need_reset: 'reset', ...GIVES_UP }),
  },
  open_access: {
    do: 'act',
    act: 'open_access',
    evidence: { kind: 'access_enabled', of: 'scope' },
    ok: 'mmio_enabled',
    failed: 'reset',
  },
  mmio_enabled: {
    ...VOTE,
    callback: 'mmioEnabled',
    channel: 'frozen',
    next: leads('resume', { need_reset: 'reset', ...GIVES_UP }),
  },
  reset: { do: 'act', act: 'reset', evidence: { kind: 'reset', of: 'reset_set' }, ok: 'slot_reset', failed: 'lost' },
  slot_reset: {
    ...VOTE,
    callback: 'slotReset',
    channel: 'normal',
    sets: 'normal',
    next: leads('lost', { none: 'resume', recovered: 'resume' }),
  },
  resume: { do: 'tell', callback: 'resume', channel: 'normal', sets: 'normal', reaches: 'everybody', next: 'well' },
  well: { do: 'end', result: 'recovered', usable: 'sound' },
  lost: {
    do: 'tell',
    callback: 'errorDetected',
    channel: 'perm_failure',
    sets: 'perm_failure',
    reaches: 'everybody',
    next: 'end',
  },
  end: { do: 'end', result: 'disconnected', usable: 'nobody' },
};

const incident = (severity: 'nonfatal' | 'fatal'): RecoveringIncident => ({
  severity,
  recovers: true,
  stages: STAGES,
  first: 'error_detected',
  givenUp: 'lost',
});

/** Slots of endpoints, each a scope of its own; one lane for the machine. */
const layout = (...slots: readonly string[][]): Layout => {
  const names = slots.flat();
  return {
    functions: Object.fromEntries(names.map((name) => [name, { kind: 'endpoint' }])),
    scopes: Object.fromEntries(slots.flatMap((slot) => slot.map((name) => [name, slot]))),
    lanes: Object.fromEntries(names.map((name) => [name, 'firmware'])),
  };
};

/** The law of the platform, written down before the platform was, and not derived from it. */
export const ghesProfile: PlatformProfile = {
  name: 'ghes',
  source: 'examples/third-party-backend/README.md: a made-up law, unlike that of any kernel',
  // The worst vote wins: none < recovered < can_recover < need_reset < disconnect < no_aer_driver.
  merge: {
    none: {
      none: 'none',
      recovered: 'recovered',
      can_recover: 'can_recover',
      need_reset: 'need_reset',
      disconnect: 'disconnect',
      no_aer_driver: 'no_aer_driver',
    },
    recovered: {
      none: 'recovered',
      recovered: 'recovered',
      can_recover: 'can_recover',
      need_reset: 'need_reset',
      disconnect: 'disconnect',
      no_aer_driver: 'no_aer_driver',
    },
    can_recover: {
      none: 'can_recover',
      recovered: 'can_recover',
      can_recover: 'can_recover',
      need_reset: 'need_reset',
      disconnect: 'disconnect',
      no_aer_driver: 'no_aer_driver',
    },
    need_reset: {
      none: 'need_reset',
      recovered: 'need_reset',
      can_recover: 'need_reset',
      need_reset: 'need_reset',
      disconnect: 'disconnect',
      no_aer_driver: 'no_aer_driver',
    },
    disconnect: {
      none: 'disconnect',
      recovered: 'disconnect',
      can_recover: 'disconnect',
      need_reset: 'disconnect',
      disconnect: 'disconnect',
      no_aer_driver: 'no_aer_driver',
    },
    no_aer_driver: {
      none: 'no_aer_driver',
      recovered: 'no_aer_driver',
      can_recover: 'no_aer_driver',
      need_reset: 'no_aer_driver',
      disconnect: 'no_aer_driver',
      no_aer_driver: 'no_aer_driver',
    },
  },
  fault: 'disconnect',
  incidents: {
    nonfatal: incident('nonfatal'),
    fatal: incident('fatal'),
    correctable: { severity: 'correctable', recovers: false, told: true },
  },
  layouts: {
    single: layout(['a']),
    pair: layout(['a', 'b']),
    triple: layout(['a', 'b', 'c']),
    disjoint: layout(['a'], ['b'], ['c']),
  },
  arrivals: {
    order: 'fifo',
    law: { same: 'queue', inside: 'queue', wider: 'queue', crossing: 'queue', disjoint: 'queue' },
  },
  reports: { burst: 'each', recovering: 'each' },
  afterFailure: 'lost',
  surveyFinds: [],
  raw: true,
  repetitionLimit: { count: 4, windowMs: 3_600_000, window: 'first' },
};
