import {
  type DeviceRef,
  type ErsResult,
  type Member,
  type Operation,
  type OperationResult,
  type Plain,
  type RecoveryInput,
  type RecoveryProcedure,
  type RecoveryScope,
  type Step,
} from '@pci-recovery/core';
import { type ZpciEvent, type ZpciRecord } from '../record.js';
import { aborts, countedVote } from '../votes.js';
import { HOST_OPERATIONS } from './host-operations.js';
import { faultedBy, laneOf, pecOf, permFailure, recordOf, refsOf, resume, WHY_FAILED, type Faulted } from './common.js';

/** What the future of a recovery depends on: plain data. */
interface HostState extends Faulted {
  /** Somebody holds the function through VFIO. */
  readonly mediated: boolean;
  /** The vote that counts. */
  readonly vote: ErsResult;
}

/** A recovery under way: what does not change. */
interface Recovery {
  readonly event: ZpciEvent;
  readonly scope: RecoveryScope;
  /** The function, as the one who is walked. */
  readonly all: readonly DeviceRef[];
  /** Undefined: there is no PCI function any more. */
  readonly member: Member | undefined;
}

/**
 * The recovery that Linux runs itself, step by step in its order: `__zpci_event_error` around
 * `zpci_event_attempt_error_recovery`, for one function.
 *
 * Source: Linux 7.3 arch/s390/pci/pci_event.c.
 */
export const zpciHostProcedure: RecoveryProcedure = {
  order: 'fifo',
  lane: laneOf,
  arrival: () => 'queue',
  begin({ event, scope, verdict }: RecoveryInput): Step {
    const recovery: Recovery = { event: event as ZpciEvent, scope, all: refsOf(scope), member: scope.members[0] };
    const state: HostState = { mediated: false, vote: 'none', faulted: [] };
    if (verdict === 'give_up') return failed(recovery, state, 'It was given up before it began.');
    return refreshHandle(recovery, state);
  },
};

/**
 * An operation on the function that was there when the recovery started, and no other. By name, for an object that begins with a
 * spread has a hidden class of its own each time.
 */
function onTarget(
  { name, nature }: Operation,
  { event, member }: Recovery,
  more: Readonly<Record<string, Plain>> = {},
): Operation {
  const { bdf, generation } = member ?? event.device;
  return { name, nature, device: bdf, generation, ...more };
}

/** A state with something of it changed. */
const changed = (
  state: HostState,
  { mediated, vote, faulted }: Partial<Pick<HostState, 'mediated' | 'vote' | 'faulted'>>,
): HostState => ({
  mediated: mediated ?? state.mediated,
  vote: vote ?? state.vote,
  faulted: faulted ?? state.faulted,
});

/** What an event says of its function; without a record, that it is in the error state. */
function saidBy(record: ZpciRecord | undefined): Readonly<Record<string, Plain>> {
  if (!record) return { pec: 0, found: true };
  const { fid, fh, ccdf, origin } = record;
  return { fid, fh, pec: ccdf?.pec ?? 0, found: origin === 'survey' };
}

/** Events with a stale handle are dropped (R2.2): what they tell of was before the last reset. So is what is over. */
function refreshHandle(recovery: Recovery, state: HostState): Step {
  const { event, scope } = recovery;
  const stopped = (): Step => failed(recovery, state, 'It was stopped before anybody was told.');
  return {
    do: 'operate',
    at: 'refresh_handle',
    state,
    operation: onTarget(HOST_OPERATIONS.refreshHandle, recovery, saidBy(recordOf(event))),
    stopped,
    then(result) {
      if (!result.ok && result.why === 'stopped') return stopped();
      if (!result.ok) return dropped(state, `Its handle could not be read: ${result.why}.`, []);
      const sound = scope.members.filter((member) => member.channel === 'normal');
      if (result.value === 'stale') return dropped(state, 'Its handle is stale: the function was reset since.', sound);
      if (result.value === 'over')
        return dropped(state, 'It is over: the function is not in the error state now.', sound);
      if (result.value !== 'current') return dropped(state, 'Firmware does not know the function.', []);
      return byClass(recovery, state);
    },
  };
}

const dropped = (state: HostState, why: string, usable: readonly DeviceRef[]): Step => ({
  do: 'end',
  at: 'end',
  state: { ...state, why },
  result: 'ignored',
  why,
  usable,
});

function byClass(recovery: Recovery, state: HostState): Step {
  const { event, member } = recovery;
  const record = recordOf(event);
  if (!member) return dropped(state, 'There is no PCI function for it.', []);
  if (record?.class === 'measurement')
    return dropped(state, `It concerns measurement only (${pecOf(record)}).`, [member]);
  if (record?.class === 'permanent') {
    return failed(recovery, state, `The platform says that the function is lost (${pecOf(record)}).`);
  }
  if (member.channel === 'perm_failure') return failed(recovery, state, 'It was lost before: recovery is skipped.');
  return member.handles.has('errorDetected') ? storeRecord(recovery, state) : errorDetected(recovery, state);
}

/** The record as it came, for the operation that keeps it. */
const storing = (recovery: Recovery): Operation => {
  const { raw } = recovery.event;
  return onTarget(HOST_OPERATIONS.storeRecord, recovery, raw ? { record: Buffer.from(raw).toString('hex') } : {});
};

function storeRecord(recovery: Recovery, state: HostState): Step {
  return {
    do: 'operate',
    at: 'store_record',
    state,
    operation: storing(recovery),
    stopped: () => failed(recovery, state, 'It was stopped before anybody was told.'),
    then: (result) => errorDetected(recovery, changed(state, { mediated: isMediated(result) })),
  };
}

/** Also while the queue is full. */
const isMediated = (result: OperationResult): boolean =>
  result.ok && (result.value === 'stored' || result.value === 'full');

/** Without a driver nobody is called, but the channel is frozen all the same. */
function errorDetected(recovery: Recovery, state: HostState): Step {
  return {
    do: 'notify',
    at: 'error_detected',
    state,
    callback: 'errorDetected',
    channel: 'frozen',
    to: recovery.all,
    stopped: () => failed(recovery, state, 'It was stopped while the driver was told.'),
    then([answer]) {
      const next = counted(state, answer ? [answer] : []);
      if (answer?.gave === 'nothing') return failed(recovery, next, WHY_NOBODY[answer.why]);
      if (aborts(next.vote)) return failed(recovery, next, WHY_FAILED[next.vote]);
      if (state.mediated) return handedOver(next);
      return next.vote === 'need_reset' ? hotReset(recovery, next) : unblockLoadStore(recovery, next);
    },
  };
}

const WHY_NOBODY: Readonly<Record<'no_driver' | 'no_callback' | 'gone' | 'faulted' | 'withheld', string>> = {
  no_driver: 'No driver is bound to it.',
  no_callback: 'Its driver does not support error recovery.',
  gone: 'It has left.',
  faulted: 'Its driver has failed before.',
  withheld: 'Its driver was not called.',
};

/** Whoever holds the function drives the rest; the channel stays frozen (R2.5). */
const handedOver = (state: HostState): Step => ({
  do: 'end',
  at: 'end',
  state,
  result: 'handed_over',
  why: 'The function is held through VFIO: user space recovers it.',
  usable: [],
});

function unblockLoadStore(recovery: Recovery, state: HostState): Step {
  return {
    do: 'operate',
    at: 'unblock_load_store',
    state,
    operation: onTarget(HOST_OPERATIONS.unblockLoadStore, recovery),
    stopped: () => failed(recovery, state, 'It was stopped before the device could be looked at.'),
    then: (result) => (result.ok ? mmioEnabled(recovery, state) : hotReset(recovery, state)),
  };
}

function mmioEnabled(recovery: Recovery, state: HostState): Step {
  return {
    do: 'notify',
    at: 'mmio_enabled',
    state,
    callback: 'mmioEnabled',
    channel: 'frozen',
    to: recovery.all,
    stopped: () => failed(recovery, state, 'It was stopped while the driver looked at its device.'),
    then(answers) {
      const next = counted(state, answers);
      if (aborts(next.vote)) return failed(recovery, next, WHY_FAILED[next.vote]);
      return next.vote === 'need_reset' ? hotReset(recovery, next) : clearErrorState(recovery, next);
    },
  };
}

/** DMA, and only after register access (R2.6). */
function clearErrorState(recovery: Recovery, state: HostState): Step {
  return {
    do: 'operate',
    at: 'clear_error_state',
    state,
    operation: onTarget(HOST_OPERATIONS.clearErrorState, recovery),
    stopped: () => failed(recovery, state, 'It was stopped before DMA was let through.'),
    then: (result) => (result.ok ? judge(recovery, state) : hotReset(recovery, state)),
  };
}

function hotReset(recovery: Recovery, state: HostState): Step {
  return {
    do: 'operate',
    at: 'hot_reset',
    state,
    operation: onTarget(HOST_OPERATIONS.hotReset, recovery),
    stopped: () => failed(recovery, state, 'It was stopped before the reset.'),
    then: (result) =>
      result.ok
        ? slotReset(recovery, state)
        : reportFailed(recovery, state, `The reset did not succeed: ${result.detail ?? result.why}.`),
  };
}

function slotReset(recovery: Recovery, state: HostState): Step {
  return {
    do: 'notify',
    at: 'slot_reset',
    state,
    callback: 'slotReset',
    channel: 'normal',
    to: recovery.all,
    stopped: () => failed(recovery, state, 'It was stopped after the reset.'),
    then: (answers) => judge(recovery, counted(state, answers)),
  };
}

const RESUMED = { works: 'The driver recovered.', failed: 'The driver could not resume.' };

/** An abstention is no objection. */
function judge(recovery: Recovery, state: HostState): Step {
  if (state.vote === 'none' || state.vote === 'recovered') return resume(recovery.scope, state, RESUMED);
  return reportFailed(recovery, state, WHY_FAILED[state.vote]);
}

/** Only after the driver was heard once more, or the reset failed: an abort vote sends its own uevent, or none. */
function reportFailed(recovery: Recovery, state: HostState, why: string): Step {
  return {
    do: 'operate',
    at: 'report_failed',
    state: { ...state, why },
    operation: onTarget(HOST_OPERATIONS.reportFailed, recovery),
    then: () => failed(recovery, state, why),
  };
}

/** The channel is `perm_failure` from here on; the record is kept once more for whoever holds the function. */
function failed(recovery: Recovery, state: HostState, why: string): Step {
  const after = { ...state, why };
  return {
    do: 'operate',
    at: 'store_failure',
    state: after,
    operation: storing(recovery),
    then: () => permFailure(recovery.scope, after),
  };
}

const counted = (state: HostState, answers: Parameters<typeof faultedBy>[1]): HostState => ({
  mediated: state.mediated,
  vote: countedVote(answers[0]),
  faulted: faultedBy(state.faulted, answers),
});
