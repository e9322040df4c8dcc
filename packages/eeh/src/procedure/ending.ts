import { type EndStep, type ErsResult, type Operation, type OperationResult, type Step } from '@pci-recovery/core';
import { HOST_OPERATIONS as DO } from './operations.js';
import { lastly, rescoped, type HostState } from './state.js';
import { listeners, usableOf } from './walk.js';

/** An operation of which only success matters; anything else is the failure path. */
export function must(at: string, state: HostState, operation: Operation, then: (state: HostState) => Step): Step {
  return operate(at, state, operation, (result) =>
    result.ok ? then(rescoped(state, result)) : failed(state, `${at} did not succeed: ${result.why}.`),
  );
}

/** An operation after which it goes on, however it ended. */
export const attempt = (at: string, state: HostState, operation: Operation, then: (state: HostState) => Step): Step =>
  operate(at, state, operation, (result) => then(rescoped(state, result)));

/** An operation before which a recovery can be stopped: that is its failure. */
export function operate(
  at: string,
  state: HostState,
  operation: Operation,
  then: (result: OperationResult) => Step,
): Step {
  return { do: 'operate', at, state, operation, stopped: () => failed(state, `It was stopped before ${at}.`), then };
}

/**
 * What could not be recovered (`recover_failed`). The log lets register access through, so that drivers can quiesce their devices;
 * only then they are told, and nothing can stop it.
 */
export function failed(state: HostState, why: string): Step {
  const told = { ...state, why };
  return lastly('log_permanent', told, { ...DO.collectLog, severity: 'permanent' }, (logged) =>
    lastly('mask_interrupts', logged, DO.maskInterrupts, (masked) => permFailure(masked, why)),
  );
}

/** Told to everybody who can be called, whatever it heard before; then the channels are `perm_failure`. */
function permFailure(state: HostState, why: string): Step {
  return {
    do: 'notify',
    at: 'perm_failure',
    state,
    callback: 'errorDetected',
    channel: 'perm_failure',
    to: listeners(state.walk),
    then: () => lastly('remove', state, DO.remove, (removed) => end(removed, 'disconnected', why)),
  };
}

/** Of what failed nothing is usable. */
export function end(state: HostState, result: EndStep['result'], why: string): EndStep {
  const usable = result === 'disconnected' ? [] : usableOf(state.walk, state.faulted);
  return { do: 'end', at: 'end', state, result, why, usable };
}

/** Why a vote was the last one. */
export const WHY_FAILED: Readonly<Record<Exclude<ErsResult, 'none' | 'recovered'>, string>> = {
  can_recover: 'A driver still wanted to look at its device when it was too late.',
  need_reset: 'A driver wanted another reset after the reset.',
  disconnect: 'A driver gave its device up, or a function has no device.',
  no_aer_driver: 'No driver could recover its device.',
};
