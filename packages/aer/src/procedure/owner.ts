import {
  type Answer,
  type ChannelState,
  type ErsResult,
  type Member,
  type Operation,
  type OperationResult,
  type RecoveryInput,
  type RecoveryProcedure,
  type RecoveryScope,
  type Step,
} from '@pci-recovery/core';
import { laterVote, mergeVotes, ownerVote } from '../votes.js';
import { channelOf, faultedBy, folded, laneOf, refsOf, usableOf } from './common.js';

/** What the platform is asked to do in owner mode. */
export const OWNER_OPERATIONS = {
  /**
   * Waits until the host has ended its own recovery and the device answers again. `seen`: number of the event whose recovery it is.
   * Value: {@link HostEnd}. Nothing may touch the link before (R3.5).
   */
  awaitHost: { name: 'await_host', nature: 'wait' },
  /** VFIO_DEVICE_PCI_HOT_RESET with everything affected owned (R4.2). */
  hotReset: { name: 'hot_reset', nature: 'change' },
  /** Writes COMMAND, DEVCTL and MSI-X control back: the kernel does not after a reset of its own (R2.7, R5.4). */
  restoreConfig: { name: 'restore_config', nature: 'change' },
  /** Clears error status that would blame this device for a later error. */
  clearStatus: { name: 'clear_status', nature: 'change' },
} as const satisfies Readonly<Record<string, Operation>>;

/**
 * How the host's own recovery ended. `reset`: it reset the link; `gave_up`: it reported failure, nothing more will
 * come; `left`: it did not reset and everybody goes on.
 */
export type HostEnd = 'reset' | 'left' | 'gave_up';

interface OwnerState {
  readonly [key: string]: string | number | readonly string[];
  /** The number of the event. */
  readonly seen: number;
  readonly status: ErsResult;
  readonly faulted: readonly string[];
  /** What was announced last: a non-fatal error that ends in a reset is promoted (R1.5). */
  readonly announced: ChannelState;
}

/**
 * The recovery that the holder of a VFIO device drives, beside the host's own: it tells its listeners at once (R3.8),
 * waits for the host's end before it touches anything, then does what the host left undone.
 *
 * Votes merge by AER's law, except that a function without listener votes `disconnect` (R1.3). Source for the host's part: Linux 7.3 drivers/vfio/pci/vfio_pci_core.c:
 * vfio_pci_core_aer_err_detected, drivers/pci/pcie/err.c:pcie_do_recovery.
 */
export const aerOwnerProcedure: RecoveryProcedure = {
  order: 'fifo',
  lane: laneOf,
  arrival: () => 'queue',
  begin({ event, scope, verdict }: RecoveryInput): Step {
    const channel = channelOf(event);
    const state: OwnerState = { seen: event.sequence, status: 'can_recover', faulted: [], announced: channel };
    return verdict === 'give_up'
      ? failed(scope, state, 'It was given up before it began.')
      : announce(scope, state, (next) => awaitHost(scope, next));
  },
};

function announce(scope: RecoveryScope, state: OwnerState, then: (state: OwnerState) => Step): Step {
  return {
    do: 'notify',
    at: `error_detected_${state.announced}`,
    state,
    callback: 'errorDetected',
    channel: state.announced,
    to: refsOf(scope),
    stopped: () => failed(scope, state, 'It was stopped while the listeners were told.'),
    then: (answers) => then(fold(state, answers, scope, ownerVote)),
  };
}

function awaitHost(scope: RecoveryScope, state: OwnerState): Step {
  return {
    do: 'operate',
    at: 'await_host',
    state,
    operation: { ...OWNER_OPERATIONS.awaitHost, seen: state.seen },
    stopped: () => failed(scope, state, 'It was stopped while the host recovered.'),
    then: (result) => afterHost(scope, state, result),
  };
}

function afterHost(scope: RecoveryScope, state: OwnerState, result: OperationResult): Step {
  if (!result.ok) return failed(scope, state, `The host's recovery did not end: ${result.why}.`);
  const end = result.value as HostEnd;
  if (end === 'gave_up') return failed(scope, state, 'The host gave up.');
  if (end === 'reset') return promoted(scope, state);
  if (end !== 'left') return failed(scope, state, "The end of the host's recovery is unknown.");
  if (state.status === 'can_recover') return mmioEnabled(scope, { ...state, status: 'recovered' });
  return state.status === 'need_reset' ? hotReset(scope, state) : judge(scope, state);
}

/** The host reset the link although the error was announced as non-fatal: the listener hears the fatal one too. */
function promoted(scope: RecoveryScope, state: OwnerState): Step {
  if (state.announced === 'frozen') return restoreConfig(scope, state);
  const promotion: OwnerState = { ...state, announced: 'frozen', status: 'can_recover' };
  return announce(scope, promotion, (next) => restoreConfig(scope, next));
}

function mmioEnabled(scope: RecoveryScope, state: OwnerState): Step {
  return {
    do: 'notify',
    at: 'mmio_enabled',
    state,
    callback: 'mmioEnabled',
    channel: 'normal',
    to: refsOf(scope),
    stopped: () => failed(scope, state, 'It was stopped while the listeners looked at their devices.'),
    then(answers) {
      const next = fold(state, answers, scope, laterVote);
      return next.status === 'need_reset' ? hotReset(scope, next) : judge(scope, next);
    },
  };
}

/** The host did not reset, so the listener's reset becomes a real one (R3.11), as the kind that it is (R3.6). */
function hotReset(scope: RecoveryScope, state: OwnerState): Step {
  const capability = scope.capabilities['hot_reset'];
  if (capability !== true) {
    return failed(scope, state, `A hot reset is needed and not possible: ${capability?.absent ?? 'not declared'}.`);
  }
  if (state.announced !== 'frozen') {
    const promotion: OwnerState = { ...state, announced: 'frozen' };
    return announce(scope, promotion, (next) => doHotReset(scope, next));
  }
  return doHotReset(scope, state);
}

function doHotReset(scope: RecoveryScope, state: OwnerState): Step {
  return {
    do: 'operate',
    at: 'hot_reset',
    state,
    operation: OWNER_OPERATIONS.hotReset,
    stopped: () => failed(scope, state, 'It was stopped before the hot reset.'),
    then: (result) =>
      result.ok ? restoreConfig(scope, state) : failed(scope, state, `The hot reset did not succeed: ${result.why}.`),
  };
}

/** After the last reset, never before it: a reset clears what was restored. */
function restoreConfig(scope: RecoveryScope, state: OwnerState): Step {
  if (state.status === 'disconnect' || state.status === 'no_aer_driver') return judge(scope, state);
  return {
    do: 'operate',
    at: 'restore_config',
    state,
    operation: OWNER_OPERATIONS.restoreConfig,
    then: (result) =>
      result.ok
        ? slotReset(scope, { ...state, status: 'recovered' })
        : failed(scope, state, `Configuration could not be restored: ${result.why}.`),
  };
}

/** A reset happened, so every listener is told, whatever it voted: its device lost its state. */
function slotReset(scope: RecoveryScope, state: OwnerState): Step {
  return {
    do: 'notify',
    at: 'slot_reset',
    state,
    callback: 'slotReset',
    channel: 'normal',
    to: refsOf(scope),
    stopped: () => failed(scope, state, 'It was stopped after the reset.'),
    then: (answers) => judge(scope, fold(state, answers, scope, laterVote)),
  };
}

function judge(scope: RecoveryScope, state: OwnerState): Step {
  if (state.status !== 'recovered') return failed(scope, state, `A listener's last word was ${state.status}.`);
  return {
    do: 'operate',
    at: 'clear_status',
    state,
    operation: OWNER_OPERATIONS.clearStatus,
    // A status that stays set would blame the device for the next error, but the device works: it is only traced.
    then: () => resume(scope, state),
  };
}

function resume(scope: RecoveryScope, state: OwnerState): Step {
  return {
    do: 'notify',
    at: 'resume',
    state,
    callback: 'resume',
    channel: 'normal',
    to: refsOf(scope),
    then(answers) {
      const after = { ...state, faulted: faultedBy(state.faulted, answers) };
      const usable = usableOf(scope, after.faulted);
      const result = usable.length > 0 ? 'recovered' : 'disconnected';
      const why = usable.length > 0 ? 'The listeners work again.' : 'Nobody could resume.';
      return { do: 'end', at: 'end', state: after, result, why, usable };
    },
  };
}

function failed(scope: RecoveryScope, state: OwnerState, why: string): Step {
  return {
    do: 'notify',
    at: 'perm_failure',
    state: { ...state, why },
    callback: 'errorDetected',
    channel: 'perm_failure',
    to: refsOf(scope),
    then: () => ({ do: 'end', at: 'end', state: { ...state, why }, result: 'disconnected', why, usable: [] }),
  };
}

function fold(
  state: OwnerState,
  answers: readonly Answer[],
  scope: RecoveryScope,
  voteOf: (answer: Answer, member: Member) => ErsResult,
): OwnerState {
  return {
    ...state,
    status: folded(state.status, answers, scope, voteOf, mergeVotes),
    faulted: faultedBy(state.faulted, answers),
  };
}
