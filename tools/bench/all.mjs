// All benchmarks: a table on stderr; with --json one JSON document on stdout. Figures, never assertions.
//   nx run bench:all            npm run bench -- --json
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

const MEASURES = ['recoveries', 'decode', 'storm', 'topology'];
const one = fileURLToPath(new URL('./one.mjs', import.meta.url));

const run = (measure) =>
  JSON.parse(
    execFileSync(process.execPath, ['--expose-gc', one, measure], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );

const number = (value) => value.toLocaleString('en', { maximumSignificantDigits: 4 });

/** What became of a target: by the best and by the median round. */
function verdict({ target, best, median, ratio }) {
  if (!target) return '';
  if (target.ratioAtLeast !== undefined)
    return `${number(ratio)} times (target ${target.ratioAtLeast}) ${ratio >= target.ratioAtLeast ? 'met' : 'MISSED'}`;
  const met = (value) => (target.atLeast !== undefined ? value >= target.atLeast : value <= target.atMost);
  const word = met(median) ? 'met' : met(best) ? 'met by the best round only' : 'MISSED';
  return `target ${target.atLeast !== undefined ? '≥' : '≤'} ${number(target.atLeast ?? target.atMost)}: ${word}`;
}

function show(result) {
  console.error(
    `${result.name.padEnd(52)} ${number(result.median).padStart(12)} ${result.unit}  (best ${number(result.best)})  ${verdict(result)}`,
  );
  for (const [name, value] of Object.entries(result.conditions ?? {})) console.error(`    ${name}: ${value}`);
  if (result.lspci) console.error(`    lspci: ${number(result.lspci.median)} (best ${number(result.lspci.best)})`);
}

const results = [];
for (const measure of MEASURES) {
  for (const result of run(measure)) {
    show(result);
    results.push(result);
  }
}
if (process.argv.includes('--json')) {
  const [{ model }] = cpus();
  console.log(
    JSON.stringify({ node: process.version, arch: process.arch, cpu: model, cores: cpus().length, results }, null, 2),
  );
}
