import {
  refOf,
  type Answer,
  type ErsResult,
  type Operation,
  type RecoveryInput,
  type RecoveryProcedure,
  type RecoveryScope,
  type Step,
} from '@pci-recovery/core';
import { VFIO_EEH_PE_STATE } from '../vfio.js';
import { foldAnswer, foldOwnerAnswer } from '../votes.js';
import { faultedBy } from './walk.js';

/** What the platform is asked to do in owner mode: operations of VFIO_EEH_PE_OP (R4.11). */
export const OWNER_OPERATIONS = {
  /**
   * Asks for the state until it is neither "unavailable" nor "in reset": while the host recovers what is above, at most 300 s.
   * Value: the state, a number of `VFIO_EEH_PE_STATE`; "in reset" when it stays so.
   */
  awaitAvailable: { name: 'await_available', nature: 'wait' },
  unfreezeIo: { name: 'unfreeze_io', nature: 'change' },
  unfreezeDma: { name: 'unfreeze_dma', nature: 'change' },
  /** Hot or fundamental reset, taken back, bridges configured, and thawed in the end. */
  resetPe: { name: 'reset_pe', nature: 'change' },
  /** From here on a freeze is a new one. */
  finish: { name: 'finish', nature: 'change' },
} as const satisfies Readonly<Record<string, Operation>>;

interface OwnerState {
  readonly [key: string]: string | readonly string[];
  readonly status: ErsResult;
  readonly faulted: readonly string[];
}

/**
 * The recovery that the holder of VFIO functions drives: the same votes as the host's, with the operations that VFIO offers. No
 * signal comes to it on PowerPC: it asks for the state (see `EehOwnerPlatform`).
 *
 * A listener without `error_detected` votes `disconnect` (R1.3). There is nothing to unplug: where nobody has an opinion the PE is
 * reset, and whoever can is told. Who answers `recovered` at once still gets its PE thawed; the host's kernel would not.
 */
export const eehOwnerProcedure: RecoveryProcedure = {
  order: 'fifo',
  lane: (_, scope) => scope.id,
  arrival: (_running, _at, _event, extent) => (extent === 'same' || extent === 'inside' ? 'fold' : 'queue'),
  begin({ scope, verdict }: RecoveryInput): Step {
    const state: OwnerState = { status: 'none', faulted: [] };
    return verdict === 'give_up'
      ? failed(scope, state, 'It was given up before it began.')
      : errorDetected(scope, state);
  },
};

/** At once, before anything is touched (R3.8). */
function errorDetected(scope: RecoveryScope, state: OwnerState): Step {
  return {
    do: 'notify',
    at: 'error_detected',
    state,
    callback: 'errorDetected',
    channel: 'frozen',
    to: scope.members.map(refOf),
    stopped: () => failed(scope, state, 'It was stopped while the listeners were told.'),
    then(answers) {
      const voted = fold(state, answers, foldOwnerAnswer);
      if (voted.status === 'disconnect' || voted.status === 'no_aer_driver') return judge(scope, voted);
      return must(scope, 'await_available', voted, OWNER_OPERATIONS.awaitAvailable, (pe) => choose(scope, voted, pe));
    },
  };
}

/** There is nothing to look at in a PE that somebody left in reset. */
function choose(scope: RecoveryScope, state: OwnerState, pe: unknown): Step {
  const leftInReset = pe === VFIO_EEH_PE_STATE.RESET;
  if (leftInReset || state.status === 'need_reset' || state.status === 'none') return reset(scope, state);
  return must(scope, 'unfreeze_io', state, OWNER_OPERATIONS.unfreezeIo, () =>
    state.status === 'can_recover' ? mmioEnabled(scope, state) : unfreezeDma(scope, state),
  );
}

function mmioEnabled(scope: RecoveryScope, state: OwnerState): Step {
  return {
    do: 'notify',
    at: 'mmio_enabled',
    state,
    callback: 'mmioEnabled',
    channel: 'frozen',
    to: scope.members.map(refOf),
    stopped: () => failed(scope, state, 'It was stopped while the listeners looked at their devices.'),
    then(answers) {
      const voted = fold(state, answers, foldAnswer);
      if (voted.status === 'need_reset') return reset(scope, voted);
      return voted.status === 'can_recover' ? unfreezeDma(scope, voted) : judge(scope, voted);
    },
  };
}

const unfreezeDma = (scope: RecoveryScope, state: OwnerState): Step =>
  must(scope, 'unfreeze_dma', state, OWNER_OPERATIONS.unfreezeDma, () =>
    resume(scope, { ...state, status: 'recovered' }),
  );

/** Only with the right to it: a reset must not reach PEs of other owners (R4.9). */
function reset(scope: RecoveryScope, state: OwnerState): Step {
  const capability = scope.capabilities['pe_reset'];
  if (capability !== true) {
    return failed(scope, state, `A reset is needed and not possible: ${capability?.absent ?? 'not declared'}.`);
  }
  return must(scope, 'reset_pe', state, OWNER_OPERATIONS.resetPe, () => slotReset(scope, { ...state, status: 'none' }));
}

/** Its device lost its state: every listener is told. */
function slotReset(scope: RecoveryScope, state: OwnerState): Step {
  return {
    do: 'notify',
    at: 'slot_reset',
    state,
    callback: 'slotReset',
    channel: 'normal',
    to: scope.members.map(refOf),
    stopped: () => failed(scope, state, 'It was stopped after the reset.'),
    then: (answers) => judge(scope, fold(state, answers, foldAnswer)),
  };
}

function judge(scope: RecoveryScope, state: OwnerState): Step {
  const well = state.status === 'recovered' || state.status === 'none';
  return well ? resume(scope, state) : failed(scope, state, `The listeners' last word was ${state.status}.`);
}

/** From here on it can no longer be stopped: some listeners already work again. */
function resume(scope: RecoveryScope, state: OwnerState): Step {
  return {
    do: 'notify',
    at: 'resume',
    state,
    callback: 'resume',
    channel: 'normal',
    to: scope.members.map(refOf),
    then: (answers) => finish(scope, { ...state, faulted: faultedBy(state.faulted, answers) }),
  };
}

function finish(scope: RecoveryScope, state: OwnerState): Step {
  return {
    do: 'operate',
    at: 'finish',
    state,
    operation: OWNER_OPERATIONS.finish,
    then() {
      const usable = scope.members.filter(({ bdf }) => !state.faulted.includes(bdf)).map(refOf);
      const nobody = scope.members.length > 0 && usable.length === 0;
      const why = nobody ? 'Nobody could resume.' : 'The listeners work again.';
      return { do: 'end', at: 'end', state, result: nobody ? 'disconnected' : 'recovered', why, usable };
    },
  };
}

/** An operation that must succeed. */
const must = (
  scope: RecoveryScope,
  at: string,
  state: OwnerState,
  operation: Operation,
  then: (value: unknown) => Step,
): Step => ({
  do: 'operate',
  at,
  state,
  operation,
  stopped: () => failed(scope, state, `It was stopped before ${at}.`),
  then: (result) => (result.ok ? then(result.value) : failed(scope, state, `${at} did not succeed: ${result.why}.`)),
});

function failed(scope: RecoveryScope, state: OwnerState, why: string): Step {
  const told = { ...state, why };
  return {
    do: 'notify',
    at: 'perm_failure',
    state: told,
    callback: 'errorDetected',
    channel: 'perm_failure',
    to: scope.members.map(refOf),
    then: () => ({ do: 'end', at: 'end', state: told, result: 'disconnected', why, usable: [] }),
  };
}

const fold = (
  state: OwnerState,
  answers: readonly Answer[],
  merge: (sofar: ErsResult, answer: Answer) => ErsResult,
): OwnerState => ({
  ...state,
  status: answers.reduce(merge, state.status),
  faulted: faultedBy(state.faulted, answers),
});
