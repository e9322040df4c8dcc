import { type Bdf, type ErrorEvent, type OperationResult, type RecoveryPlatform } from '@pci-recovery/core';
import { type VfioDevicePort } from '@pci-recovery/core/linux';
import { OWNER_OPERATIONS } from '@pci-recovery/aer';
import { type AerOwnerPlatform } from '@pci-recovery/aer/linux';
import { mergeVotes as mergeEehVotes } from '@pci-recovery/eeh';
import { aerOwnerHarnessWith } from '../../src/harnesses/aer-owner.js';
import { Breaking, endsOf, mergedBy, misread, overlay, walks, type Broken } from './broken.js';

const owner = new Breaking<VfioDevicePort, AerOwnerPlatform>(aerOwnerHarnessWith);

const DONE: OperationResult = { ok: true };
const ENDLESS = { signal: new AbortController().signal };

/** A platform that goes to its devices itself, past what it is made of. */
function reaching(
  does: string,
  perform: (honest: AerOwnerPlatform, ports: ReadonlyMap<Bdf, VfioDevicePort>) => Partial<RecoveryPlatform>,
  ...caughtBy: string[]
): Broken {
  const ports = new Map<Bdf, VfioDevicePort>();
  return owner.wired(
    does,
    {
      port: (port) => (ports.set(port.bdf, port), port),
      platform: (honest) => overlay<RecoveryPlatform>(honest, perform(honest, ports)),
    },
    ...caughtBy,
  );
}

/** Changes every event on its way. */
const altered =
  (alter: (event: ErrorEvent) => ErrorEvent) =>
  (honest: AerOwnerPlatform): Partial<RecoveryPlatform> => ({
    async *events(options) {
      for await (const event of honest.events(options)) yield alter(event);
    },
  });

/** The host's failure, which its second signal tells, is reported as an error of its own. */
function failureTwice(honest: AerOwnerPlatform): Partial<RecoveryPlatform> {
  const waiting = new Map<number, (end: OperationResult) => void>();
  return {
    async *events(options) {
      for await (const event of honest.events(options)) {
        const ended = new Promise<OperationResult>((resolve) => waiting.set(event.sequence, resolve));
        yield event;
        const end = await ended;
        if (end.ok && end.value === 'gave_up') yield { ...event, sequence: event.sequence + 1 };
      }
    },
    async perform(operation, context) {
      const result = await honest.perform(operation, context);
      if (operation.name === 'await_host') waiting.get(Number(operation['seen']))?.(result);
      return result;
    },
  };
}

/** AER backends in owner mode with one thing wrong. */
export const BROKEN_AER_OWNER: readonly Broken[] = [
  owner.wired(
    'AER owner: resets right at the eventfd, beside the host',
    {
      port: (port) =>
        overlay<VfioDevicePort>(port, {
          onError: (listener) =>
            port.onError((signals) => {
              port.hotReset(ENDLESS).catch(() => undefined);
              listener(signals);
            }),
        }),
    },
    'sequence.one-reset',
    'sequence.look-and-go-on',
  ),
  reaching(
    'AER owner: restores before the host’s reset has ended',
    (honest, ports) => ({
      async perform(operation, context) {
        if (operation.name === 'await_host') return { ok: true, value: 'reset' };
        if (operation.name !== 'restore_config') return honest.perform(operation, context);
        for (const { bdf } of context.scope.members) await ports.get(bdf)!.writeConfig(4, Uint8Array.of(0x06, 0x01));
        return DONE;
      },
    }),
    'sequence.works-again',
    'sequence.look-and-go-on',
  ),
  owner.platform(
    'AER owner: forgets siblings',
    (platform) => ({
      scopeOf(event) {
        const scope = platform.scopeOf(event);
        return { ...scope, members: scope.members.filter(({ bdf }) => bdf === event.device.bdf) };
      },
    }),
    'contract.scope-is-the-laws',
    'votes.pairs-at-detection',
  ),
  owner.platform(
    'AER owner: reads severity from nowhere, and takes every error for non-fatal',
    altered((event) => (event.severity === 'fatal' ? { ...event, severity: 'nonfatal' } : event)),
    'decode.severity-and-device',
    'sequence.look-and-go-on',
  ),
  owner.operation(
    'AER owner: hands a silent function back',
    'restore_config',
    () => () => DONE,
    'sequence.works-again',
    'sequence.look-and-go-on',
  ),
  owner.platform('AER owner: takes the signal of perm_failure for another error', failureTwice, 'failure.every-act'),
  owner.steps(
    'AER owner: resets again after a fatal error, because a listener asks for it',
    (step, { event }) =>
      step.do === 'operate' && step.operation.name === 'restore_config' && event.severity === 'fatal'
        ? { do: 'operate', at: 'again', state: null, operation: OWNER_OPERATIONS.hotReset, then: () => step }
        : step,
    'sequence.one-reset',
  ),
  owner.operation(
    'AER owner: drops a reset that is asked for',
    'hot_reset',
    () => () => DONE,
    'sequence.slot-reset-after-need-reset',
    'sequence.reset-of-the-right-kind',
  ),
  reaching(
    'AER owner: resets the function instead of the bus',
    (honest, ports) => ({
      async perform(operation, context) {
        if (operation.name !== 'hot_reset') return honest.perform(operation, context);
        for (const { bdf } of context.scope.members) await ports.get(bdf)!.reset(ENDLESS);
        return DONE;
      },
    }),
    'sequence.reset-of-the-right-kind',
  ),
  owner.platform(
    'AER owner: thinks that all is its own',
    (platform) => ({ scopeOf: (event) => ({ ...platform.scopeOf(event), capabilities: { hot_reset: true } }) }),
    'failure.absent-capability',
  ),
  owner.steps(
    'AER owner: does not promote an error that ended in a reset',
    (step, { event }) =>
      walks(step, 'errorDetected') && step.channel === 'frozen' && event.severity === 'nonfatal'
        ? step.then(step.to.map((device) => ({ ...device, gave: 'vote', vote: 'need_reset' })))
        : step,
    'sequence.slot-reset-after-need-reset',
  ),
  owner.operation('AER owner: leaves a fatal status set', 'clear_status', () => () => DONE, 'sequence.look-and-go-on'),
  owner.operation(
    'AER owner: goes on when the host gave up',
    'await_host',
    () => async (honest) => {
      const end = await honest();
      return end.ok && end.value === 'gave_up' ? { ok: true, value: 'left' } : end;
    },
    'failure.every-act',
  ),
  owner.law(
    'AER owner: tells nobody before the host has ended',
    (procedure) => ({
      begin: (input) => ({
        do: 'operate',
        at: 'first',
        state: null,
        operation: { ...OWNER_OPERATIONS.awaitHost, seen: input.event.sequence },
        then: () => procedure.begin(input),
      }),
    }),
    'sequence.look-and-go-on',
  ),
  owner.steps(
    'AER owner: tells slot_reset only to whom asked for a reset',
    (step) =>
      walks(step, 'slotReset')
        ? step.then(step.to.map((device) => ({ ...device, gave: 'vote', vote: 'recovered' })))
        : step,
    'sequence.every-vote-after-reset',
  ),
  owner.steps(
    'AER owner: merges votes by EEH’s law',
    misread('errorDetected', mergedBy(mergeEehVotes, 'none')),
    'votes.pairs-at-detection',
  ),
  owner.steps(
    'AER owner: lets a function without listener recover, as vfio-pci votes',
    misread('errorDetected', (answers) =>
      answers.map(({ bdf, generation, ...one }) =>
        one.gave === 'nothing' ? { bdf, generation, gave: 'vote', vote: 'can_recover' } : { bdf, generation, ...one },
      ),
    ),
    'votes.driverless-endpoint',
  ),
  ...endsOf('AER owner', owner, 'failure.usable-is-fail-closed'),
];
