import { type Answer, type ErsResult } from '@pci-recovery/core';

/**
 * How much a vote weighs. Source: Linux 7.3 arch/powerpc/kernel/eeh_driver.c:eeh_result_priority.
 */
export const VOTE_PRIORITY: Readonly<Record<ErsResult, number>> = {
  none: 1,
  no_aer_driver: 2,
  recovered: 3,
  can_recover: 4,
  disconnect: 5,
  need_reset: 6,
};

/**
 * Merges one vote into what was voted so far: the one of higher priority wins, so the order of voters does not matter.
 *
 * Source: Linux 7.3 arch/powerpc/kernel/eeh_driver.c:pci_ers_merge_result.
 */
export const mergeVotes = (sofar: ErsResult, vote: ErsResult): ErsResult =>
  VOTE_PRIORITY[vote] > VOTE_PRIORITY[sofar] ? vote : sofar;

/**
 * What one function's answer makes of the vote so far. Who has no driver or no such callback, may not be called, or
 * failed before in this recovery does not vote. A failed callback is worth no more than `disconnect`.
 *
 * A function whose device is gone does not merge: it *sets* the vote to `disconnect`, and here order matters. A
 * `need_reset` before it is forgotten, one after it lifts it again.
 *
 * Source: Linux 7.3 arch/powerpc/kernel/eeh_driver.c:eeh_pe_report_edev.
 */
export function foldAnswer(sofar: ErsResult, answer: Answer): ErsResult {
  switch (answer.gave) {
    case 'vote':
      return mergeVotes(sofar, answer.vote);
    case 'fault':
      return mergeVotes(sofar, 'disconnect');
    case 'nothing':
      return answer.why === 'gone' ? 'disconnect' : sofar;
    case 'told':
      return sofar;
  }
}

/**
 * What a listener's answer makes of the vote so far in owner mode: one without the callback votes `disconnect` where it is
 * told of the error (R1.3), and abstains later.
 */
export function foldOwnerAnswer(sofar: ErsResult, answer: Answer): ErsResult {
  const missing = answer.gave === 'nothing' && answer.why !== 'faulted' && answer.why !== 'withheld';
  return missing ? mergeVotes(sofar, 'disconnect') : foldAnswer(sofar, answer);
}

/** What user space is told about a recovery. */
export type Uevent = 'BEGIN_RECOVERY' | 'SUCCESSFUL_RECOVERY' | 'FAILED_RECOVERY';

/**
 * The uevent that follows a vote (Linux 7.3 drivers/pci/pci-driver.c:pci_uevent_ers); `no_aer_driver` sends none. On EEH only
 * functions whose callback ran send one.
 */
export const UEVENT_OF_VOTE: Readonly<Record<ErsResult, Uevent | undefined>> = {
  none: 'BEGIN_RECOVERY',
  can_recover: 'BEGIN_RECOVERY',
  need_reset: 'BEGIN_RECOVERY',
  recovered: 'SUCCESSFUL_RECOVERY',
  disconnect: 'FAILED_RECOVERY',
  no_aer_driver: undefined,
};
