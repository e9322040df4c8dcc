// Sums what each package's test run left in .test-results/ into one line.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Every folder of the workspace that can hold a `.test-results` folder. */
function testedFolders(root) {
  return ['packages', 'tools', 'examples']
    .filter((group) => existsSync(join(root, group)))
    .flatMap((group) => readdirSync(join(root, group)).map((name) => join(root, group, name)));
}

/** The counts of one result file; jest's JSON and our own `{passed, failed, skipped}` are both understood. */
function counts(file) {
  const result = JSON.parse(readFileSync(file, 'utf8'));
  if ('passed' in result) return result;
  return {
    passed: result.numPassedTests,
    failed: result.numFailedTests + result.numRuntimeErrorTestSuites,
    skipped: result.numPendingTests + result.numTodoTests,
  };
}

/** Test counts over all packages: `{passed, failed, skipped}`. */
export function totals(root) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const folder of testedFolders(root)) {
    const results = join(folder, '.test-results');
    if (!existsSync(results)) continue;
    for (const name of readdirSync(results).filter((file) => file.endsWith('.json'))) {
      const one = counts(join(results, name));
      for (const key of Object.keys(sum)) sum[key] += one[key];
    }
  }
  return sum;
}
