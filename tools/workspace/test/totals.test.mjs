import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { totals } from '../totals.mjs';

describe('the closing line', () => {
  let root;
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'totals-'))));
  afterEach(() => rmSync(root, { recursive: true }));

  const leave = (folder, name, result) => {
    mkdirSync(join(root, folder, '.test-results'), { recursive: true });
    writeFileSync(join(root, folder, '.test-results', name), JSON.stringify(result));
  };

  it('sums jest results and plain counts of all packages, and counts a suite that could not run as failed', () => {
    leave('packages/a', 'jest.json', {
      numPassedTests: 3,
      numFailedTests: 1,
      numPendingTests: 2,
      numTodoTests: 0,
      numRuntimeErrorTestSuites: 1,
    });
    leave('examples/b', 'node.json', { passed: 4, failed: 0, skipped: 1 });
    mkdirSync(join(root, 'tools/c'), { recursive: true });
    expect(totals(root)).toEqual({ passed: 7, failed: 2, skipped: 3 });
  });

  it('is zero where nothing ran', () => expect(totals(root)).toEqual({ passed: 0, failed: 0, skipped: 0 }));
});
