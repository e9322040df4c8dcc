import { CASES, runConformance } from '@pci-recovery/conformance';
import { BROKEN_AER } from './broken/aer.js';
import { BROKEN_AER_OWNER } from './broken/aer-owner.js';
import { BROKEN_EEH } from './broken/eeh.js';
import { BROKEN_ZPCI } from './broken/zpci.js';

const BROKEN = [...BROKEN_AER, ...BROKEN_AER_OWNER, ...BROKEN_EEH, ...BROKEN_ZPCI];

describe('the suite catches a backend that is broken in its own law', () => {
  it.each(BROKEN.map((broken) => [broken.does, broken.caughtBy.join(', '), broken] as const))(
    '%s (%s)',
    async (_does, _ids, { caughtBy, harness }) => {
      const { results, ok } = await runConformance(harness, { only: caughtBy });
      const failed = results.filter(({ status }) => status === 'failed').map(({ id }) => id);
      expect(failed.sort()).toEqual([...caughtBy].sort());
      expect(ok).toBe(false);
      // By a rule that does not hold, not by a crash of the case.
      for (const { error } of results) expect(error).not.toMatch(/\n\s+at /);
    },
  );
});

describe('the broken backends', () => {
  it('are each broken in their own way: at least ten of every platform', () => {
    expect(new Set(BROKEN.map(({ does }) => does)).size).toBe(BROKEN.length);
    for (const one of [BROKEN_AER, BROKEN_AER_OWNER, BROKEN_EEH, BROKEN_ZPCI])
      expect(one.length).toBeGreaterThanOrEqual(10);
  });

  it('are caught by cases that the suite has', () => {
    const known = CASES.map(({ id }) => id);
    expect(known).toEqual(expect.arrayContaining(BROKEN.flatMap(({ caughtBy }) => caughtBy)));
  });
});
