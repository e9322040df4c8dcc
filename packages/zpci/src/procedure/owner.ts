import {
  type Answer,
  type ErsResult,
  type Operation,
  type RecoveryInput,
  type RecoveryProcedure,
  type RecoveryScope,
  type Step,
} from '@pci-recovery/core';
import { type ZpciEvent } from '../record.js';
import { aborts, countedVote } from '../votes.js';
import { faultedBy, laneOf, pecOf, permFailure, recordOf, refsOf, resume, WHY_FAILED, type Faulted } from './common.js';

/** What the platform is asked to do in owner mode. */
export const OWNER_OPERATIONS = {
  /** Whether the error is one that the last reset has not ended. Value: {@link ErrorConfirmation}. */
  confirmError: { name: 'confirm_error', nature: 'wait' },
  /** VFIO_DEVICE_RESET, again while the host still holds the function (EAGAIN). */
  reset: { name: 'vfio_reset', nature: 'change' },
  /** VFIO_DEVICE_PCI_HOT_RESET with everything affected owned (R4.2). */
  hotReset: { name: 'vfio_hot_reset', nature: 'change' },
  /** Writes back the configuration that was saved last while it could be read: the kernel does not (R2.7, R2.8). */
  restoreConfig: { name: 'restore_config', nature: 'change' },
  /** Lets the function do DMA again: a reset takes that away. */
  enableBusMaster: { name: 'enable_bus_master', nature: 'change' },
} as const satisfies Readonly<Record<string, Operation>>;

/** `over`: it was seen before the last reset, or has a handle from before it. */
export type ErrorConfirmation = 'error' | 'over';

interface OwnerState extends Faulted {
  readonly vote: ErsResult;
}

/** A recovery under way: what does not change. */
interface Recovery {
  readonly event: ZpciEvent;
  readonly scope: RecoveryScope;
}

const target = ({ event }: Recovery): { readonly device: string } => ({ device: event.device.bdf });

/**
 * The recovery that the holder of a VFIO device drives after the host has handed it over (R2.5): a holder cannot unblock
 * load/store, so `mmio_enabled` is never called and whoever can recover is reset.
 *
 * Source for the host's part: Linux 7.3 arch/s390/pci/pci_event.c:zpci_event_attempt_error_recovery,
 * drivers/vfio/pci/vfio_pci_zdev.c.
 */
export const zpciOwnerProcedure: RecoveryProcedure = {
  order: 'fifo',
  lane: laneOf,
  arrival: () => 'queue',
  begin({ event, scope, verdict }: RecoveryInput): Step {
    const state: OwnerState = { vote: 'none', faulted: [] };
    const recovery: Recovery = { event: event as ZpciEvent, scope };
    if (verdict === 'give_up') return failed(recovery, state, 'It was given up before it began.');
    const record = recordOf(event);
    if (record?.class === 'permanent') {
      return failed(recovery, state, `The platform says that the function is lost (${pecOf(record)}).`);
    }
    if (scope.members[0]?.channel === 'perm_failure') return failed(recovery, state, 'It was lost before.');
    return confirmError(recovery, state);
  },
};

/** One reset per error (R3.5): several records can be of one. Where it is not known, it is an error. */
function confirmError(recovery: Recovery, state: OwnerState): Step {
  const { event, scope } = recovery;
  const record = recordOf(event);
  const handle = record?.ccdf ? { fh: record.fh } : {};
  const stopped = (): Step => failed(recovery, state, 'It was stopped before anybody was told.');
  return {
    do: 'operate',
    at: 'confirm_error',
    state,
    operation: { ...OWNER_OPERATIONS.confirmError, ...target(recovery), seen: event.sequence, ...handle },
    stopped,
    then(result) {
      if (!result.ok && result.why === 'stopped') return stopped();
      if (!result.ok || result.value !== 'over') return errorDetected(recovery, state);
      const usable = scope.members.filter((member) => member.channel === 'normal');
      const why = 'The function was reset since.';
      return { do: 'end', at: 'end', state, result: 'ignored', why, usable };
    },
  };
}

function errorDetected(recovery: Recovery, state: OwnerState): Step {
  return {
    do: 'notify',
    at: 'error_detected',
    state,
    callback: 'errorDetected',
    channel: 'frozen',
    to: refsOf(recovery.scope),
    stopped: () => failed(recovery, state, 'It was stopped while the listener was told.'),
    then(answers) {
      // A function without a listener cannot say that it recovers (R1.3).
      const next = counted(state, answers, 'disconnect');
      return aborts(next.vote) ? failed(recovery, next, WHY_FAILED[next.vote]) : reset(recovery, next);
    },
  };
}

function reset(recovery: Recovery, state: OwnerState): Step {
  return {
    do: 'operate',
    at: 'vfio_reset',
    state,
    operation: { ...OWNER_OPERATIONS.reset, ...target(recovery) },
    stopped: () => failed(recovery, state, 'It was stopped before the reset.'),
    then(result) {
      if (result.ok) return restoreConfig(recovery, state);
      const why = `The reset did not succeed: ${result.detail ?? result.why}.`;
      if (result.why !== 'unsupported' && result.why !== 'refused') return failed(recovery, state, why);
      return hotReset(recovery, state, why);
    },
  };
}

/** The next method, where everything that it resets is owned: never silently (R2.9). */
function hotReset(recovery: Recovery, state: OwnerState, why: string): Step {
  const capability = recovery.scope.capabilities['hot_reset'];
  if (capability !== true) {
    return failed(recovery, state, `${why} A hot reset is not possible: ${capability?.absent ?? 'not declared'}.`);
  }
  return {
    do: 'operate',
    at: 'vfio_hot_reset',
    state,
    operation: { ...OWNER_OPERATIONS.hotReset, ...target(recovery) },
    stopped: () => failed(recovery, state, 'It was stopped before the hot reset.'),
    then: (result) =>
      result.ok
        ? restoreConfig(recovery, state)
        : failed(recovery, state, `${why} Nor did the hot reset: ${result.detail ?? result.why}.`),
  };
}

/** After the last reset, never before it. */
function restoreConfig(recovery: Recovery, state: OwnerState): Step {
  return {
    do: 'operate',
    at: 'restore_config',
    state,
    operation: { ...OWNER_OPERATIONS.restoreConfig, ...target(recovery) },
    then: (result) =>
      result.ok
        ? enableBusMaster(recovery, state)
        : failed(recovery, state, `Configuration could not be restored: ${result.detail ?? result.why}.`),
  };
}

function enableBusMaster(recovery: Recovery, state: OwnerState): Step {
  return {
    do: 'operate',
    at: 'enable_bus_master',
    state,
    operation: { ...OWNER_OPERATIONS.enableBusMaster, ...target(recovery) },
    then: (result) =>
      result.ok
        ? slotReset(recovery, state)
        : failed(recovery, state, `DMA could not be enabled: ${result.detail ?? result.why}.`),
  };
}

function slotReset(recovery: Recovery, state: OwnerState): Step {
  return {
    do: 'notify',
    at: 'slot_reset',
    state,
    callback: 'slotReset',
    channel: 'normal',
    to: refsOf(recovery.scope),
    stopped: () => failed(recovery, state, 'It was stopped after the reset.'),
    then(answers) {
      const next = counted(state, answers, 'none');
      const good = next.vote === 'none' || next.vote === 'recovered';
      return good ? resume(recovery.scope, next, RESUMED) : failed(recovery, next, WHY_FAILED[next.vote]);
    },
  };
}

const RESUMED = { works: 'The listener works again.', failed: 'The listener could not resume.' };

const failed = ({ scope }: Recovery, state: OwnerState, why: string): Step => permFailure(scope, { ...state, why });

/** `missing`: what a listener without that callback counts as. */
const counted = (state: OwnerState, answers: readonly Answer[], missing: 'none' | 'disconnect'): OwnerState => {
  const [answer] = answers;
  const absent = answer?.gave === 'nothing' && answer.why === 'no_callback';
  return { ...state, vote: absent ? missing : countedVote(answer), faulted: faultedBy(state.faulted, answers) };
};
