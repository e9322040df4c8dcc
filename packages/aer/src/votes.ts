import { type Answer, type ErsResult, type Member } from '@pci-recovery/core';

/**
 * Merges one vote into what was voted so far. Order matters: fold in walk order.
 *
 * - `no_aer_driver` absorbs everything and stays;
 * - `none` abstains;
 * - from `can_recover` and `recovered` the new vote replaces the old;
 * - `disconnect` is lifted only by `need_reset`;
 * - `need_reset` and `no_aer_driver` stay.
 *
 * Source: Linux 7.3 drivers/pci/pcie/err.c:merge_result.
 */
export function mergeVotes(sofar: ErsResult, vote: ErsResult): ErsResult {
  if (vote === 'no_aer_driver') return 'no_aer_driver';
  if (vote === 'none') return sofar;
  if (sofar === 'can_recover' || sofar === 'recovered') return vote;
  if (sofar === 'disconnect' && vote === 'need_reset') return 'need_reset';
  return sofar;
}

/**
 * What a function's answer to `error_detected` counts as. A failed callback is worth no more than `disconnect`; a
 * function that was already disconnected votes `disconnect` uncalled; one without callback makes the recovery of
 * everybody impossible, unless it is a bridge.
 *
 * Source: Linux 7.3 drivers/pci/pcie/err.c:report_error_detected.
 */
export function detectedVote(answer: Answer, member: Pick<Member, 'bridge'>): ErsResult {
  if (answer.gave === 'vote') return answer.vote;
  if (answer.gave === 'nothing' && (answer.why === 'no_driver' || answer.why === 'no_callback')) {
    return member.bridge ? 'none' : 'no_aer_driver';
  }
  return 'disconnect';
}

/**
 * What a listener's answer to `error_detected` counts as in owner mode: a function without any listener votes
 * `disconnect` (R1.3), a failed one too.
 */
export const ownerVote = (answer: Answer): ErsResult => (answer.gave === 'vote' ? answer.vote : 'disconnect');

/**
 * What an answer to `mmio_enabled` or `slot_reset` counts as: a function without that callback does not vote.
 *
 * Source: Linux 7.3 drivers/pci/pcie/err.c:report_mmio_enabled, report_slot_reset.
 */
export function laterVote(answer: Answer): ErsResult {
  if (answer.gave === 'vote') return answer.vote;
  if (answer.gave === 'fault') return 'disconnect';
  return answer.gave === 'nothing' && answer.why === 'gone' ? 'disconnect' : 'none';
}

/**
 * The uevent that follows a vote (Linux 7.3 drivers/pci/pci-driver.c:pci_uevent_ers); `no_aer_driver` sends none.
 */
export const UEVENT_OF_VOTE: Readonly<
  Record<ErsResult, 'BEGIN_RECOVERY' | 'SUCCESSFUL_RECOVERY' | 'FAILED_RECOVERY' | undefined>
> = {
  none: 'BEGIN_RECOVERY',
  can_recover: 'BEGIN_RECOVERY',
  need_reset: 'BEGIN_RECOVERY',
  recovered: 'SUCCESSFUL_RECOVERY',
  disconnect: 'FAILED_RECOVERY',
  no_aer_driver: undefined,
};
