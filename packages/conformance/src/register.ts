import { refuseFlaws } from './flaws.js';
import { type Harness } from './harness.js';
import { unmet } from './requirement.js';
import { isBad } from './report/report.js';
import { runCase, selectCases, type ConformanceOptions } from './run.js';

/** The two functions that jest, vitest, mocha and `node:test` all have. */
export interface TestRunner {
  describe(title: string, body: () => void): unknown;
  it(title: string, body: () => Promise<void>): unknown;
}

/**
 * Registers every case as a test of a runner. Titles say what is not applicable, and why: nothing is skipped in silence.
 * @throws PciRecoveryError as runConformance
 */
export function registerConformance(harness: Harness, runner: TestRunner, options: ConformanceOptions = {}): void {
  refuseFlaws(harness);
  runner.describe(`${harness.name} conforms to the law "${harness.profile.name}"`, () => {
    for (const one of selectCases(options)) {
      const missing = one.requires.flatMap((requirement) => unmet(requirement, harness) ?? []);
      const note = missing.length > 0 ? ` [not applicable: ${missing.join('; ')}]` : '';
      runner.it(`${one.id}: ${one.title}${note}`, async () => {
        const result = await runCase(harness, one, options);
        options.onResult?.(result);
        if (isBad(result.status)) throw new Error(result.error ?? result.reason);
      });
    }
  });
}
