import { type OperationResult } from '@pci-recovery/core';
import { HOST_OPERATIONS, type AerHostPort, type AerPlatform } from '@pci-recovery/aer';
import { mergeVotes as mergeEehVotes } from '@pci-recovery/eeh';
import { aerHarnessWith } from '../../src/harnesses/aer.js';
import { Breaking, doesFirst, endsOf, mergedBy, misread, walks, type Broken } from './broken.js';

const aer = new Breaking<AerHostPort, AerPlatform>(aerHarnessWith);

const DONE: OperationResult = { ok: true };

/** AER backends with one thing wrong. */
export const BROKEN_AER: readonly Broken[] = [
  aer.steps(
    'AER: merges votes by EEH’s law',
    misread('errorDetected', mergedBy(mergeEehVotes, 'none')),
    'votes.pairs-at-detection',
  ),
  aer.steps(
    'AER: lets a function without driver abstain, as on EEH',
    misread('errorDetected', (answers) =>
      answers.map(({ bdf, generation, ...one }) =>
        one.gave === 'nothing' ? { bdf, generation, gave: 'vote', vote: 'none' } : { bdf, generation, ...one },
      ),
    ),
    'votes.driverless-endpoint',
  ),
  aer.steps(
    'AER: resets a frozen link only where somebody asks for it',
    (step) =>
      step.do === 'operate' &&
      step.operation.name === 'reset_subordinates' &&
      (step.state as { readonly status: string }).status !== 'need_reset'
        ? step.then(DONE)
        : step,
    'sequence.look-and-go-on',
  ),
  aer.steps(
    'AER: resets before it fails a function that was given up',
    doesFirst('errorDetected', ({ event }) => ({ ...HOST_OPERATIONS.resetSubordinates, device: event.device.bdf })),
    'sequence.every-first-vote',
  ),
  aer.steps(
    'AER: skips slot_reset',
    (step) =>
      walks(step, 'slotReset')
        ? step.then(step.to.map((device) => ({ ...device, gave: 'vote', vote: 'recovered' })))
        : step,
    'sequence.slot-reset-after-need-reset',
  ),
  aer.law('AER: serves the last error first', () => ({ order: 'lifo' }), 'arrivals.order', 'contract.lanes-and-order'),
  aer.operation(
    'AER: only claims to reset',
    'reset_subordinates',
    () => () => DONE,
    'sequence.reset-between-detection-and-slot-reset',
    'sequence.reset-of-the-right-kind',
  ),
  aer.operation(
    'AER: tries a reset twice',
    'reset_subordinates',
    () => async (honest) => {
      const result = await honest();
      return result.ok ? result : honest();
    },
    'failure.tries-of-an-act',
  ),
  aer.operation('AER: leaves the status set', 'clear_status', () => () => DONE, 'sequence.look-and-go-on'),
  aer.platform(
    'AER: clears a status that is firmware’s',
    (platform) => ({
      scopeOf: (event) => ({ ...platform.scopeOf(event), capabilities: { native_aer: true, link_reset: true } }),
    }),
    'failure.absent-capability',
  ),
  aer.platform(
    'AER: keeps a function lost, as zPCI does',
    (platform) => {
      const lost = new Set<string>();
      return {
        beforeCallback(device, callback, channel) {
          if (channel === 'perm_failure') lost.add(device.bdf);
          platform.beforeCallback(device, callback, channel);
        },
        scopeOf(event) {
          const scope = platform.scopeOf(event);
          const members = scope.members.map((one) =>
            lost.has(one.bdf) ? { ...one, channel: 'perm_failure' as const } : one,
          );
          return { ...scope, members };
        },
      };
    },
    'failure.channels-afterwards',
    'lifecycle.after-a-failure',
  ),
  aer.platform(
    'AER: has no drivers for its ports',
    () => ({ handlersOf: () => undefined }),
    'votes.bridges-with-own-drivers',
  ),
  ...endsOf('AER', aer, 'failure.usable-is-fail-closed'),
];
