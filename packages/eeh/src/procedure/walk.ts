import { type Answer, type Bdf, type DeviceRef, type RecoveryScope } from '@pci-recovery/core';
import { byAddress } from '../by-address.js';
import { functionsOf } from '../scope.js';

/** One function as a recovery knows it: plain data. */
export interface Walked {
  readonly [key: string]: string | number | boolean;
  readonly bdf: string;
  readonly generation: number;
  readonly device: boolean;
  readonly actionable: boolean;
  /** It was plugged in during this recovery: its driver was bound too late (`EEH_DEV_NO_HANDLER`) and is not called. */
  readonly stranger: boolean;
  /** Its `error_detected` was called in this recovery (`in_error`). */
  readonly told: boolean;
}

const refOfWalked = ({ bdf, generation }: Walked): DeviceRef => ({ bdf: bdf as Bdf, generation });

const walked = (
  { bdf, generation, device, actionable }: Pick<Walked, 'bdf' | 'generation' | 'device' | 'actionable'>,
  stranger: boolean,
  told: boolean,
): Walked => ({ bdf, generation, device, actionable, stranger, told });

/** Everybody at the start of a recovery. */
export const firstWalk = (scope: RecoveryScope): Walked[] => functionsOf(scope).map((one) => walked(one, false, false));

/** Everybody after functions were plugged or unplugged: who was not there before is a stranger. */
export function nextWalk(before: readonly Walked[], scope: RecoveryScope): Walked[] {
  const find = byAddress(before);
  return firstWalk(scope).map((now) => {
    const known = find(now.bdf);
    const same = known?.generation === now.generation;
    return walked(now, same ? known.stranger : true, same ? known.told : false);
  });
}

const callable = (one: Walked): boolean => one.actionable && !one.stranger;

/** Whom a walk for votes reaches. Those without device count too: they set the vote. */
export const voters = (walk: readonly Walked[]): DeviceRef[] =>
  walk.filter((one) => !one.device || callable(one)).map(refOfWalked);

/** The same, but of those with a device only who was told of the error. */
export const toldVoters = (walk: readonly Walked[]): DeviceRef[] =>
  walk.filter((one) => !one.device || (callable(one) && one.told)).map(refOfWalked);

/** Whom a walk without votes reaches. */
export const listeners = (walk: readonly Walked[]): DeviceRef[] => walk.filter(callable).map(refOfWalked);

/** The same, but only who was told of the error. */
export const toldListeners = (walk: readonly Walked[]): DeviceRef[] =>
  walk.filter((one) => callable(one) && one.told).map(refOfWalked);

/** Notes who was called. */
export const withTold = (walk: readonly Walked[], answers: readonly Answer[]): readonly Walked[] => {
  const answerOf = byAddress(answers);
  const called = (bdf: string): boolean => {
    const gave = answerOf(bdf)?.gave;
    return gave === 'vote' || gave === 'fault';
  };
  return walk.map((one) => (called(one.bdf) ? walked(one, one.stranger, true) : one));
};

/** The functions whose callbacks have failed by now. One that was merely cut short has not failed. */
export function faultedBy(before: readonly string[], answers: readonly Answer[]): readonly string[] {
  const failed = answers.filter((answer) => answer.gave === 'fault' && answer.why !== 'stopped');
  return failed.length === 0 ? before : [...new Set([...before, ...failed.map(({ bdf }) => bdf)])].sort();
}

/** Who may be used again: present, the host's, and no callback of it failed. */
export const usableOf = (walk: readonly Walked[], faulted: readonly string[]): DeviceRef[] =>
  walk.filter((one) => one.actionable && !faulted.includes(one.bdf)).map(refOfWalked);
