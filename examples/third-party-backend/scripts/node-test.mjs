// Runs the built conformance tests under node:test and leaves their counts in .test-results/node.json.
import { mkdirSync, writeFileSync } from 'node:fs';
import { run } from 'node:test';
import { fileURLToPath } from 'node:url';

const file = fileURLToPath(new URL('../dist/test/node/conformance.js', import.meta.url));
const counts = { passed: 0, failed: 0, skipped: 0 };

/** Groups and files are reported like tests, but are none. */
const isTest = ({ details, name }) => details?.type !== 'suite' && name !== file;

for await (const { type, data } of run({ files: [file] })) {
  if (type === 'test:stderr') process.stderr.write(data.message);
  if ((type !== 'test:pass' && type !== 'test:fail') || !isTest(data)) continue;
  if (data.skip !== undefined || data.todo !== undefined) counts.skipped++;
  else if (type === 'test:pass') counts.passed++;
  else {
    counts.failed++;
    console.error(`not ok - ${data.name}\n${data.details.error?.cause?.message ?? data.details.error?.message}`);
  }
}

const total = counts.passed + counts.failed + counts.skipped;
if (total === 0) {
  counts.failed = 1;
  console.error(`node:test found no test in ${file}: run the build first.`);
}
mkdirSync('.test-results', { recursive: true });
writeFileSync('.test-results/node.json', `${JSON.stringify(counts)}\n`);
console.error(`node:test: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 ? 1 : 0;
