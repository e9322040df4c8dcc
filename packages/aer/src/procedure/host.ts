import {
  type Answer,
  type ChannelState,
  type DeviceRef,
  type ErsResult,
  type Member,
  type Operation,
  type RecoveryInput,
  type RecoveryProcedure,
  type RecoveryScope,
  type Step,
} from '@pci-recovery/core';
import { type Confirmation } from '../platform/error-status.js';
import { type AerEvent, type AerRecord } from '../record.js';
import { detectedVote, laterVote, mergeVotes } from '../votes.js';
import { channelOf, faultedBy, folded, laneOf, refsOf, usableOf } from './common.js';

/** What the platform is asked to do in host mode. */
export const HOST_OPERATIONS = {
  /** Reads the source's status again. Value: {@link Confirmation}. */
  confirmSource: { name: 'confirm_source', nature: 'wait' },
  /** Resets everything below the bridge, or the function itself where there is no bus below. */
  resetSubordinates: { name: 'reset_subordinates', nature: 'change' },
  /** Clears Device Status and the non-fatal status bits of the detecting function. */
  clearStatus: { name: 'clear_status', nature: 'change' },
} as const satisfies Readonly<Record<string, Operation>>;

/** What the future of a recovery depends on: plain data. */
interface HostState {
  readonly [key: string]: string | readonly string[];
  /** The state of the channel: frozen by a fatal error. */
  readonly channel: ChannelState;
  /** The merged vote. */
  readonly status: ErsResult;
  /** Functions whose callback failed: they are not handed back. */
  readonly faulted: readonly string[];
}

/**
 * A state with something of it changed. By name, for an object that begins with a spread has a hidden class of its own each time
 * (docs/benchmarks.md).
 */
const changed = (state: HostState, to: Partial<Pick<HostState, 'channel' | 'status' | 'faulted'>>): HostState => ({
  channel: to.channel ?? state.channel,
  status: to.status ?? state.status,
  faulted: to.faulted ?? state.faulted,
});

/** Origins of errors whose source can still say whether there is one. */
const LOOKED_AT_AGAIN: ReadonlySet<AerRecord['origin']> = new Set<AerRecord['origin']>(['message', 'survey']);

/** A recovery under way: what does not change. */
interface Recovery {
  readonly event: AerEvent;
  readonly scope: RecoveryScope;
  /** Everybody, in walk order. */
  readonly all: readonly DeviceRef[];
  /** Functions that are lost already: they are walked, but not called. */
  readonly lost: readonly DeviceRef[];
}

/**
 * The recovery that Linux runs itself, step by step in its order: `pcie_do_recovery`, preceded by the second look at the
 * source that `aer_process_err_devices` takes.
 *
 * Source: Linux 7.3 drivers/pci/pcie/err.c:pcie_do_recovery, aer.c:aer_process_err_devices, aer_isr_one_error.
 */
export const aerHostProcedure: RecoveryProcedure = {
  order: 'fifo',
  lane: laneOf,
  arrival: () => 'queue',
  begin({ event, scope, verdict }: RecoveryInput): Step {
    const aer = event as AerEvent;
    const lost = scope.members.filter((member) => member.channel === 'perm_failure');
    const recovery: Recovery = { event: aer, scope, all: refsOf(scope), lost };
    const state: HostState = { channel: channelOf(event), status: 'can_recover', faulted: [] };
    if (verdict === 'give_up') return failed(recovery, state, 'It was given up before it began.');
    return LOOKED_AT_AGAIN.has(aer.record.origin) ? confirmSource(recovery, state) : errorDetected(recovery, state);
  },
};

/**
 * A function that answers all ones is escalated to fatal (R1.6); the kernel would drop its error here. What a survey found
 * is never believed unread: the reset for its neighbour may have mended it.
 */
function confirmSource(recovery: Recovery, state: HostState): Step {
  const { event, scope } = recovery;
  const severity = event.record.origin === 'survey' ? 'nonfatal' : event.severity;
  return {
    do: 'operate',
    at: 'confirm_source',
    state,
    operation: { device: event.device.bdf, severity, ...HOST_OPERATIONS.confirmSource },
    stopped: () => failed(recovery, state, 'It was stopped before anybody was told.'),
    then(result) {
      if (!result.ok) return failed(recovery, state, 'The source of the error could not be read again.');
      const found = result.value as Confirmation;
      if (found === 'broken') return errorDetected(recovery, changed(state, { channel: 'frozen' }));
      if (found !== 'none') return errorDetected(recovery, state);
      const why = 'The source has no unmasked error left: it was handled with an earlier one.';
      return { do: 'end', at: 'end', state, result: 'ignored', why, usable: usableOf(scope, []) };
    },
  };
}

function errorDetected(recovery: Recovery, state: HostState): Step {
  const { scope } = recovery;
  return {
    do: 'notify',
    at: 'error_detected',
    state,
    callback: 'errorDetected',
    channel: state.channel,
    to: recovery.all,
    withheld: recovery.lost,
    stopped: () => failed(recovery, state, 'It was stopped while the drivers were told.'),
    then(answers) {
      const next = fold(state, answers, scope, detectedVote);
      if (next.status !== 'can_recover') return reset(recovery, next);
      return mmioEnabled(recovery, changed(next, { status: 'recovered' }));
    },
  };
}

/** Also before the reset of a frozen channel: the kernel does not look at the channel here. */
function mmioEnabled(recovery: Recovery, state: HostState): Step {
  const { scope } = recovery;
  return {
    do: 'notify',
    at: 'mmio_enabled',
    state,
    callback: 'mmioEnabled',
    channel: state.channel,
    to: recovery.all,
    stopped: () => failed(recovery, state, 'It was stopped while the drivers looked at their devices.'),
    then: (answers) => reset(recovery, fold(state, answers, scope, laterVote)),
  };
}

/** A frozen channel is reset whatever was voted. */
function reset(recovery: Recovery, state: HostState): Step {
  if (state.status !== 'need_reset' && state.channel !== 'frozen') return judge(recovery, state);
  return {
    do: 'operate',
    at: 'reset_subordinates',
    state,
    operation: { device: recovery.event.device.bdf, ...HOST_OPERATIONS.resetSubordinates },
    stopped: () => failed(recovery, state, 'It was stopped before the reset.'),
    then(result) {
      if (!result.ok) return failed(recovery, state, `The reset did not succeed: ${result.why}.`);
      if (state.status !== 'need_reset') return judge(recovery, state);
      return slotReset(recovery, changed(state, { status: 'recovered' }));
    },
  };
}

function slotReset(recovery: Recovery, state: HostState): Step {
  const { scope } = recovery;
  return {
    do: 'notify',
    at: 'slot_reset',
    state,
    callback: 'slotReset',
    channel: 'normal',
    to: recovery.all,
    withheld: recovery.lost,
    stopped: () => failed(recovery, state, 'It was stopped after the reset.'),
    then: (answers) => judge(recovery, fold(state, answers, scope, laterVote)),
  };
}

function judge(recovery: Recovery, state: HostState): Step {
  return state.status === 'recovered' ? resume(recovery, state) : failed(recovery, state, WHY_FAILED[state.status]);
}

/** From here on it can no longer be stopped: some drivers already work again. */
function resume(recovery: Recovery, state: HostState): Step {
  return {
    do: 'notify',
    at: 'resume',
    state,
    callback: 'resume',
    channel: 'normal',
    to: recovery.all,
    withheld: recovery.lost,
    then: (answers) => clearStatus(recovery, changed(state, { faulted: faultedBy(state.faulted, answers) })),
  };
}

/** Only with control of AER; the kernel does not look whether it worked. */
function clearStatus(recovery: Recovery, state: HostState): Step {
  if (recovery.scope.capabilities['native_aer'] !== true) return recovered(recovery, state);
  return {
    do: 'operate',
    at: 'clear_status',
    state,
    operation: { device: recovery.event.device.bdf, ...HOST_OPERATIONS.clearStatus },
    then: () => recovered(recovery, state),
  };
}

function recovered({ scope }: Recovery, state: HostState): Step {
  const usable = usableOf(scope, state.faulted);
  const nobody = scope.members.length > 0 && usable.length === 0;
  return {
    do: 'end',
    at: 'end',
    state,
    result: nobody ? 'disconnected' : 'recovered',
    why: nobody ? 'Nobody could resume.' : 'Everybody who voted recovered.',
    usable,
  };
}

/** `perm_failure` is told to everybody, also to those that were disconnected before; no channel state changes. */
function failed(recovery: Recovery, state: HostState, why: string): Step {
  return {
    do: 'notify',
    at: `perm_failure`,
    state: { ...state, why },
    callback: 'errorDetected',
    channel: 'perm_failure',
    to: recovery.all,
    then: () => ({ do: 'end', at: 'end', state: { ...state, why }, result: 'disconnected', why, usable: [] }),
  };
}

const WHY_FAILED: Readonly<Record<ErsResult, string>> = {
  none: 'The drivers abstained.',
  can_recover: 'A driver still wanted to look at its device when it was too late.',
  need_reset: 'A driver wanted another reset after the reset.',
  disconnect: 'A driver gave its device up.',
  recovered: '',
  no_aer_driver: 'A function has no error_detected callback: nobody of its bus can be recovered.',
};

function fold(
  state: HostState,
  answers: readonly Answer[],
  scope: RecoveryScope,
  voteOf: (answer: Answer, member: Member) => ErsResult,
): HostState {
  const { channel } = state;
  const status = folded(state.status, answers, scope, voteOf, mergeVotes);
  return { channel, status, faulted: faultedBy(state.faulted, answers) };
}
