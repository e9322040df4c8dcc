import {
  type Operation,
  type OperationResult,
  type RecoveryInput,
  type RecoveryProcedure,
  type RecoveryScope,
  type Step,
} from '@pci-recovery/core';
import { laneOf, usableOf } from './common.js';

/** What the platform is asked for in observer mode: nothing of it touches anything. */
export const OBSERVER_OPERATIONS = {
  /** Follows the host's own recovery to its end. `seen`: number of the event whose recovery it is. Value: {@link ObservedEnd}. */
  followHost: { name: 'follow_host', nature: 'wait' },
  /** Reads configuration space of everybody. Value: the addresses of those who do not answer, with blanks between them. */
  look: { name: 'look', nature: 'wait' },
  /** Reads the error status of everybody. Value: {@link ObservedStatus}. */
  readStatus: { name: 'read_status', nature: 'wait' },
} as const satisfies Readonly<Record<string, Operation>>;

/** The host's last word on its own recovery. `quiet`: it was not heard to recover. */
export type ObservedEnd = 'successful' | 'failed' | 'quiet';

/** The error status that is left. `unknown`: it cannot be read. */
export type ObservedStatus = 'clean' | 'marked' | 'unknown';

interface ObserverState {
  readonly [key: string]: string | number;
  /** The number of the event. */
  readonly seen: number;
  readonly end: ObservedEnd;
}

/**
 * The recovery of a device that somebody else holds, as it is seen from beside: the host and its drivers recover, we look how it ends.
 * Nobody is asked for a vote: it could not matter.
 *
 * Source for the host's part: Linux 7.3 drivers/pci/pcie/err.c:pcie_do_recovery, drivers/pci/pci-driver.c:pci_uevent_ers.
 */
export const aerObserverProcedure: RecoveryProcedure = {
  order: 'fifo',
  lane: laneOf,
  arrival: () => 'queue',
  begin({ event, scope, verdict }: RecoveryInput): Step {
    const state: ObserverState = { seen: event.sequence, end: 'quiet' };
    return verdict === 'give_up'
      ? lost(state, 'It was given up: whoever holds the devices has to let go of them.')
      : followHost(scope, state);
  },
};

function followHost(scope: RecoveryScope, state: ObserverState): Step {
  return {
    do: 'operate',
    at: 'follow_host',
    state,
    operation: { ...OBSERVER_OPERATIONS.followHost, seen: state.seen },
    stopped: () => lost(state, 'It was not watched to its end.'),
    then: (result) => afterHost(scope, state, result),
  };
}

function afterHost(scope: RecoveryScope, state: ObserverState, result: OperationResult): Step {
  if (!result.ok) return lost(state, `The end of the host's recovery was not seen: ${result.why}.`);
  const end = result.value as ObservedEnd;
  if (end === 'failed') return lost(state, 'The host gave up.');
  if (end === 'quiet') return readStatus(scope, state);
  if (end === 'successful') return look(scope, { ...state, end });
  return lost(state, "The end of the host's recovery is unknown.");
}

/** Nobody was heard to recover: an error that is still there is nobody's. */
function readStatus(scope: RecoveryScope, state: ObserverState): Step {
  return {
    do: 'operate',
    at: 'read_status',
    state,
    operation: OBSERVER_OPERATIONS.readStatus,
    stopped: () => lost(state, 'It was not watched to its end.'),
    then(result) {
      if (!result.ok) return lost(state, `Nobody was heard to recover it, and its status is unknown: ${result.why}.`);
      const status = result.value as ObservedStatus;
      if (status === 'clean') return look(scope, state);
      const left = status === 'marked' ? 'the error is still there' : 'its status cannot be read';
      return lost(state, `Nobody was heard to recover it, and ${left}.`);
    },
  };
}

/** The host's word is good; the device's answer is better. */
function look(scope: RecoveryScope, state: ObserverState): Step {
  return {
    do: 'operate',
    at: 'look',
    state,
    operation: OBSERVER_OPERATIONS.look,
    stopped: () => lost(state, 'It was not watched to its end.'),
    then(result) {
      if (!result.ok) return lost(state, `It is not known whether anybody answers: ${result.why}.`);
      return judge(scope, state, (result.value as string).split(' ').filter(Boolean));
    },
  };
}

function judge(scope: RecoveryScope, state: ObserverState, silent: readonly string[]): Step {
  const usable = usableOf(scope, silent);
  if (usable.length === 0) return lost(state, 'Nobody answers.');
  const host =
    state.end === 'successful' ? 'The host has recovered it' : 'Nobody was heard to recover it, but no error is left';
  const but = silent.length > 0 ? `; ${silent.join(', ')} does not answer` : '';
  return { do: 'end', at: 'end', state: { ...state, silent }, result: 'recovered', why: `${host}${but}.`, usable };
}

const lost = (state: ObserverState, why: string): Step => ({
  do: 'end',
  at: 'end',
  state: { ...state, why },
  result: 'disconnected',
  why,
  usable: [],
});
