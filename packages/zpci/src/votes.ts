import { type Answer, type ErsResult } from '@pci-recovery/core';

/**
 * Whether a vote ends the recovery without a reset. There is no merging: one recovery concerns one function.
 *
 * Source: Linux 7.3 arch/s390/pci/pci_event.c:ers_result_indicates_abort.
 */
export const aborts = (vote: ErsResult): boolean => vote === 'disconnect' || vote === 'no_aer_driver';

/**
 * What an answer counts as. A driver without `mmio_enabled` or `slot_reset` abstains; a failed callback is worth no more
 * than `disconnect`, and so is a function that left, or lost its driver, in the middle.
 *
 * Source: Linux 7.3 arch/s390/pci/pci_event.c:zpci_event_do_error_state_clear, zpci_event_do_reset.
 */
export function countedVote(answer: Answer | undefined): ErsResult {
  if (answer?.gave === 'vote') return answer.vote;
  return answer?.gave === 'nothing' && answer.why === 'no_callback' ? 'none' : 'disconnect';
}

/**
 * The uevent that follows a vote of `error_detected` (Linux 7.3 drivers/pci/pci-driver.c:pci_uevent_ers);
 * `no_aer_driver` sends none.
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
