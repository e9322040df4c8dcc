import { CASES, runConformance } from '../src/index.js';
import { BROKEN_CONTRACTS } from './broken/contract.js';
import { BROKEN_ENGINES } from './broken/engines.js';
import { BROKEN_LAWS } from './broken/laws.js';
import { BROKEN_LIVE } from './broken/live.js';
import { BROKEN_PROCEDURES } from './broken/procedures.js';
import { BROKEN_REPORTS } from './broken/reports.js';
import { BROKEN_RESETS } from './broken/resets.js';
import { BROKEN_SCOPES } from './broken/scopes.js';

const BROKEN = [
  ...BROKEN_PROCEDURES,
  ...BROKEN_RESETS,
  ...BROKEN_SCOPES,
  ...BROKEN_REPORTS,
  ...BROKEN_CONTRACTS,
  ...BROKEN_ENGINES,
  ...BROKEN_LAWS,
  ...BROKEN_LIVE,
];

describe('the suite catches a backend that', () => {
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

describe('the suite proves itself', () => {
  it('every case catches at least one broken backend: none is there that cannot fail', () => {
    const caught = new Set(BROKEN.flatMap(({ caughtBy }) => caughtBy));
    expect(CASES.map(({ id }) => id).filter((id) => !caught.has(id))).toEqual([]);
  });

  it('at least 20 backends are broken, each in its own way', () => {
    expect(new Set(BROKEN.map(({ does }) => does)).size).toBe(BROKEN.length);
    expect(BROKEN.length).toBeGreaterThanOrEqual(20);
  });
});
