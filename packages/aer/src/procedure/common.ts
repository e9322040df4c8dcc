import {
  refOf,
  type Answer,
  type ChannelState,
  type DeviceRef,
  type ErrorEvent,
  type ErsResult,
  type Member,
  type RecoveryScope,
} from '@pci-recovery/core';
import { type AerRecord } from '../record.js';

/** A fatal error freezes the channel; everything else leaves it normal. */
export const channelOf = (event: ErrorEvent): ChannelState => (event.severity === 'fatal' ? 'frozen' : 'normal');

/** One root port's errors are handled one after the other (Linux: one interrupt thread per root port). */
export const laneOf = (event: ErrorEvent, scope: RecoveryScope): string =>
  (event.record as AerRecord | undefined)?.root ?? scope.id;

/** Everybody, in walk order. */
export const refsOf = (scope: RecoveryScope): DeviceRef[] => scope.members.map(refOf);

/** Folds votes in walk order. */
export function folded(
  start: ErsResult,
  answers: readonly Answer[],
  scope: RecoveryScope,
  voteOf: (answer: Answer, member: Member) => ErsResult,
  merge: (sofar: ErsResult, vote: ErsResult) => ErsResult,
): ErsResult {
  return answers.reduce((sofar, answer, index) => merge(sofar, voteOf(answer, scope.members[index]!)), start);
}

/** The functions whose callbacks have failed by now. */
export function faultedBy(before: readonly string[], answers: readonly Answer[]): readonly string[] {
  if (!answers.some(hasFailed)) return before;
  return [...new Set([...before, ...answers.filter(hasFailed).map((answer) => answer.bdf)])];
}

/** A callback that was merely cut short has not failed. */
const hasFailed = (answer: Answer): boolean => answer.gave === 'fault' && answer.why !== 'stopped';

/** Who may be used again: not those whose callback failed, not those that were lost before. */
export const usableOf = (scope: RecoveryScope, faulted: readonly string[]): DeviceRef[] =>
  scope.members.filter((one) => one.channel !== 'perm_failure' && !faulted.includes(one.bdf)).map(refOf);
