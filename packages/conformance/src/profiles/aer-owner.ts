import { type Layout, type LayoutFunction, type PlatformProfile } from '../profile.js';
import { aerProfile } from './aer.js';
import { FATAL, NONFATAL, PROMOTED } from './aer-owner-stages.js';

const ENDPOINT: LayoutFunction = { kind: 'endpoint' };

/** Held functions only: the ports above belong to the host. Everything below one port is recovered together, port by port. */
const below = (...ports: readonly (readonly string[])[]): Layout => {
  const names = ports.flat();
  const each = <T>(of: (name: string) => T): Record<string, T> =>
    Object.fromEntries(names.map((name) => [name, of(name)]));
  const portOf = (name: string): number => ports.findIndex((functions) => functions.includes(name));
  return {
    functions: each(() => ENDPOINT),
    scopes: each((name) => ports[portOf(name)]!),
    lanes: each((name) => `port ${portOf(name)}`),
  };
};

/**
 * The law of AER for somebody who holds the functions through VFIO, on a host with Linux 7.3. The host recovers by itself at the same
 * time; what the holder may see of it is an eventfd, uevents, counters and a trace. Nothing here was made from a procedure of ours.
 */
export const aerOwnerProfile: PlatformProfile = {
  name: 'aer-owner',
  source:
    'Linux 7.3 drivers/pci/pcie/err.c:pcie_do_recovery, merge_result; drivers/vfio/pci/vfio_pci_core.c:vfio_pci_core_aer_err_detected, vfio_pci_ioctl_pci_hot_reset; demands R1.1–R1.7, R3.4–R3.11',
  merge: aerProfile.merge,
  fault: 'disconnect',
  incidents: {
    nonfatal: { severity: 'nonfatal', recovers: true, stages: NONFATAL, first: 'error_detected', givenUp: 'failed' },
    fatal: { severity: 'fatal', recovers: true, stages: FATAL, first: 'error_detected', givenUp: 'given_up' },
    nonfatal_reset: {
      severity: 'nonfatal',
      recovers: true,
      stages: PROMOTED,
      first: 'error_detected',
      givenUp: 'given_up',
    },
    // The host acknowledges it, and vfio-pci forwards nothing (R1.2): only the holder's own program hears of it, by the trace.
    correctable: { severity: 'correctable', recovers: false, told: true, evidence: 'status_cleared' },
  },
  layouts: {
    single: below(['a']),
    pair: below(['a', 'b']),
    triple: below(['a', 'b', 'c']),
    disjoint: below(['a'], ['b']),
  },
  arrivals: aerProfile.arrivals,
  // The eventfd counts without saying whose error it was; what comes while the host recovers is signalled as one with it.
  reports: { burst: 'counted', recovering: 'coalesced' },
  // perm_failure is told, but not stored as channel state.
  afterFailure: 'again',
  surveyFinds: ['nonfatal', 'fatal'],
  raw: false,
  orphansSink: true,
};
