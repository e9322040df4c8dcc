import { type RecoveryEngine, type RecoveryOutcome } from '@pci-recovery/core';

/** Runs `then` once, when the first driver is told of an error. */
export function whenTold(engine: RecoveryEngine, then: () => void): void {
  const observing = engine.observe((event) => {
    if (event.type !== 'trace' || event.entry.what !== 'call') return;
    observing[Symbol.dispose]();
    then();
  });
}

/** Resolves when that many errors have come to their end, with their outcomes in that order. */
export function ended(engine: RecoveryEngine, errors: number): Promise<RecoveryOutcome[]> {
  const outcomes: RecoveryOutcome[] = [];
  return new Promise((resolve) => {
    engine.observe((event) => {
      if (event.type === 'ended' && outcomes.push(event.outcome) === errors) resolve(outcomes);
    });
  });
}
