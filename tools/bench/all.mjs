// All benchmarks: a table on stderr; with --json one JSON document on stdout. Figures, never assertions.
//   nx run bench:all            npm run bench -- --json
import { execFileSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';

const MEASURES = [
  'recoveries',
  'recoveries-eeh',
  'recoveries-zpci',
  'decode',
  'decode-ccdf',
  'storm',
  'topology',
  'vfio',
];
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
function verdict({ target, best, median, ratio, bestRatio }) {
  if (!target) return '';
  if (target.ratioAtLeast !== undefined)
    return `${number(ratio)} times (target ${target.ratioAtLeast}) ${ratio >= target.ratioAtLeast ? 'met' : 'MISSED'}`;
  if (target.ratioAtMost !== undefined) {
    const within = (value) => value <= target.ratioAtMost;
    const word = within(ratio) ? 'met' : within(bestRatio) ? 'met by the best rounds only' : 'MISSED';
    return `${number(ratio)} times C, best rounds ${number(bestRatio)} (target ${target.ratioAtMost}) ${word}`;
  }
  const met = (value) => (target.atLeast !== undefined ? value >= target.atLeast : value <= target.atMost);
  const word = met(median) ? 'met' : met(best) ? 'met by the best round only' : 'MISSED';
  return `target ${target.atLeast !== undefined ? '≥' : '≤'} ${number(target.atLeast ?? target.atMost)}: ${word}`;
}

function show(result) {
  console.error(
    `${result.name.padEnd(52)} ${number(result.median).padStart(12)} ${result.unit}  (best ${number(result.best)})  ${verdict(result)}`,
  );
  for (const [name, value] of Object.entries(result.conditions ?? {})) console.error(`    ${name}: ${value}`);
  if (result.c) console.error(`    C: ${number(result.c.median)} (best ${number(result.c.best)})`);
  if (result.lspci) console.error(`    lspci: ${number(result.lspci.median)} (best ${number(result.lspci.best)})`);
}

/** Others on the machine make every figure worse: how busy it was belongs to the figures. */
const machine = () => ({
  date: new Date().toISOString().slice(0, 10),
  node: process.version,
  arch: process.arch,
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  load: Math.round(loadavg()[0] * 10) / 10,
});

const results = [];
const { node, arch, cpu, cores, load, date } = machine();
console.error(`${date}, node ${node}, ${arch}, ${cores} cores (${cpu}), load before ${load}`);
for (const measure of MEASURES) {
  for (const result of run(measure)) {
    show(result);
    results.push(result);
  }
}
const after = machine();
console.error(`load after ${after.load}`);
if (process.argv.includes('--json')) {
  const { load: loadAfter } = after;
  console.log(JSON.stringify({ date, node, arch, cpu, cores, load, loadAfter, results }, null, 2));
}
