import { type EngineEvent, type RecoveryOutcome } from '@pci-recovery/core';

const addresses = (devices: readonly { readonly bdf: string }[]): string[] => devices.map(({ bdf }) => bdf);

/** A recovery's steps in a few words: callbacks with their answers, operations with their results. */
function steps({ trace }: RecoveryOutcome): string[] {
  return trace.flatMap((entry) => {
    if (entry.what === 'answer') {
      const { answer } = entry;
      const gave =
        answer.gave === 'vote' ? answer.vote : 'why' in answer ? `${answer.gave}: ${answer.why}` : answer.gave;
      return [`${entry.callback} ${answer.bdf} ${gave}`];
    }
    if (entry.what !== 'operated') return [];
    const { operation, result } = entry;
    const value = result.ok
      ? typeof result.value === 'string'
        ? result.value
        : 'ok'
      : `${result.why}: ${result.detail}`;
    return [`${operation.name} ${value}`];
  });
}

/** What the engine tells, as the lab's driver wants it; undefined: nothing that it wants. */
export function engineReport(event: EngineEvent): object | undefined {
  switch (event.type) {
    case 'received':
      return {
        event: 'received',
        severity: event.event.severity,
        device: event.event.device.bdf,
        record: event.event.record,
      };
    case 'recorded':
      return { event: 'recorded', severity: event.event.severity, why: event.why };
    case 'trouble':
      return { event: 'trouble', where: event.where, error: String(event.error) };
    case 'ended': {
      const { outcome } = event;
      const { result, why, recovery, usable, scope, startedAt, endedAt } = outcome;
      const milliseconds = (endedAt - startedAt) / 1e6;
      const members = addresses(scope.members);
      return {
        event: 'ended',
        result,
        why,
        recovery,
        usable: addresses(usable),
        members,
        milliseconds,
        steps: steps(outcome),
      };
    }
    default:
      return undefined;
  }
}
