import { type RecoveryScope, type Step } from '@pci-recovery/core';
import { HOST_OPERATIONS } from './operations.js';
import { firstWalk, listeners } from './walk.js';

/**
 * A dead host bridge, or a dead hub with all of them: everybody is told, then everything is taken out. No log, no reset, and
 * nothing that could stop it.
 *
 * Source: Linux 7.3 arch/powerpc/kernel/eeh_driver.c:eeh_handle_special_event.
 */
export function lost(scope: RecoveryScope): Step {
  const walk = firstWalk(scope);
  const why = 'The host bridge is dead: everything below it is lost.';
  const state = { walk, faulted: [] };
  return {
    do: 'notify',
    at: 'perm_failure_dead',
    state,
    callback: 'errorDetected',
    channel: 'perm_failure',
    to: listeners(walk),
    then: () => ({
      do: 'operate',
      at: 'remove_dead',
      state,
      operation: { ...HOST_OPERATIONS.remove, dead: true },
      then: () => ({ do: 'end', at: 'end', state, result: 'disconnected', why, usable: [] }),
    }),
  };
}
