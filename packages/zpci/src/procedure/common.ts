import {
  refOf,
  type Answer,
  type DeviceRef,
  type ErrorEvent,
  type ErsResult,
  type RecoveryScope,
  type Step,
} from '@pci-recovery/core';
import { type ZpciRecord } from '../record.js';

/** What the state of every recovery has: plain data. */
export interface Faulted {
  readonly [key: string]: string | boolean | readonly string[];
  /** Functions whose callback failed: they are not handed back. */
  readonly faulted: readonly string[];
}

/** The record of an error of this platform; undefined where somebody else made the event. */
export const recordOf = (event: ErrorEvent): ZpciRecord | undefined => event.record as ZpciRecord | undefined;

/** Errors of one function are handled one after the other, those of different functions at the same time (R2.10). */
export const laneOf = (event: ErrorEvent, scope: RecoveryScope): string => {
  const fid = recordOf(event)?.fid;
  return fid === undefined ? scope.id : `fid ${fid}`;
};

/** The one function of a scope, or nobody. */
export const refsOf = (scope: RecoveryScope): DeviceRef[] => scope.members.map(refOf);

/** The functions whose callbacks have failed by now; one that was merely cut short has not. */
export function faultedBy(before: readonly string[], answers: readonly Answer[]): readonly string[] {
  const failed = answers.filter((answer) => answer.gave === 'fault' && answer.why !== 'stopped');
  return failed.length === 0 ? before : [...new Set([...before, ...failed.map((answer) => answer.bdf)])];
}

/** Whoever may be used again: not whose callback failed. */
export const usableOf = (scope: RecoveryScope, faulted: readonly string[]): DeviceRef[] =>
  scope.members.filter((one) => !faulted.includes(one.bdf)).map(refOf);

/** What the end of a recovery after `resume` says. */
export interface ResumeWords {
  readonly works: string;
  readonly failed: string;
}

/** From here on it can no longer be stopped: the driver already works again. Whose callback fails is not handed back. */
export const resume = <S extends Faulted>(scope: RecoveryScope, state: S, { works, failed }: ResumeWords): Step => ({
  do: 'notify',
  at: 'resume',
  state,
  callback: 'resume',
  channel: 'normal',
  to: refsOf(scope),
  then(answers) {
    const faulted = faultedBy(state.faulted, answers);
    const after = faulted === state.faulted ? state : { ...state, faulted };
    const usable = usableOf(scope, faulted);
    const well = usable.length > 0;
    const [result, why] = well ? (['recovered', works] as const) : (['disconnected', failed] as const);
    return { do: 'end', at: 'end', state: after, result, why, usable };
  },
});

/** The function is lost: whoever drives it is told, and that is the end. `state` says why. */
export const permFailure = <S extends Faulted & { readonly why: string }>(scope: RecoveryScope, state: S): Step => ({
  do: 'notify',
  at: 'perm_failure',
  state,
  callback: 'errorDetected',
  channel: 'perm_failure',
  to: refsOf(scope),
  then: () => ({ do: 'end', at: 'end', state, result: 'disconnected', why: state.why, usable: [] }),
});

/** `PEC 0x3b`, or that there is none. */
export const pecOf = (record: ZpciRecord | undefined): string =>
  record?.ccdf ? `PEC 0x${record.ccdf.pec.toString(16)}` : 'no PEC';

/** Why a last word other than `recovered` or `none` is a failure. */
export const WHY_FAILED: Readonly<Record<ErsResult, string>> = {
  none: '',
  can_recover: 'The driver still wanted to look at its device when it was too late.',
  need_reset: 'The driver wanted another reset after the reset.',
  disconnect: 'The driver gave its device up.',
  recovered: '',
  no_aer_driver: 'The driver does not recover from errors.',
};
