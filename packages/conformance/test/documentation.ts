import { existsSync, readFileSync } from 'node:fs';
import { CASES, type Level } from '../src/index.js';
import { LIVE_RUN, type LiveRun } from './live-run.js';

const LEVELS: Readonly<Record<Level, string>> = {
  0: 'contract',
  1: 'decode',
  2: 'sequence and votes',
  3: 'concurrency, cancellation, lifecycle',
  4: 'live hardware',
};

const row = (...cells: string[]): string => `| ${cells.join(' | ')} |`;

/** The table of all cases, level by level. */
function caseTables(): string {
  const levels = [...new Set(CASES.map(({ level }) => level))].sort();
  return levels
    .map((level) => {
      const cases = CASES.filter((one) => one.level === level);
      return [
        `### Level ${level}: ${LEVELS[level]} (${cases.length} cases)`,
        '',
        row('case', 'rule', 'demands', 'requires'),
        row('---', '---', '---', '---'),
        ...cases.map(({ id, title, demands, requires }) =>
          row(`\`${id}\``, title, demands.join(', '), requires.map((one) => `\`${one}\``).join(' ')),
        ),
      ].join('\n');
    })
    .join('\n\n');
}

const harness = (): string =>
  readFileSync(new URL('../../../examples/third-party-backend/src/harness.ts', import.meta.url), 'utf8');

const WORDS = {
  passed: 'pass',
  failed: 'FAIL',
  not_applicable: 'n/a',
  known_failure: 'known',
  unexpected_pass: 'FAIL',
};

/** The run on real machines that is kept, case by case. */
export function liveTable(run: LiveRun | undefined): string {
  const cases = CASES.filter(({ level }) => level === 4);
  if (!run) return 'No run on a real machine is kept: `npm run lab -- x86 conformance-live` makes one.';
  const status = new Map(run.results.map((result) => [result.id, WORDS[result.status]]));
  return [
    `${run.date}, Linux ${run.kernel}, ${run.emulator}: kept from the lab's scenario \`conformance-live\`.`,
    '',
    row('case', run.harness, 'EEH', 'zPCI'),
    row('---', '---', '---', '---'),
    ...cases.map(({ id }) => row(`\`${id}\``, status.get(id) ?? 'not run', 'no run yet', 'no run yet')),
  ].join('\n');
}

const keptRun = (): LiveRun | undefined =>
  existsSync(LIVE_RUN) ? (JSON.parse(readFileSync(LIVE_RUN, 'utf8')) as LiveRun) : undefined;

/** What stands between `<!-- name -->` and `<!-- /name -->`. */
const GENERATED: Readonly<Record<string, () => string>> = {
  cases: caseTables,
  live: () => liveTable(keptRun()),
  harness: () => `\`\`\`ts\n${harness().trimEnd()}\n\`\`\``,
};

/** The page with everything generated brought up to date. */
export const updated = (page: string): string =>
  Object.entries(GENERATED).reduce((text, [name, generate]) => {
    const [before, after] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const start = text.indexOf(before);
    const end = text.indexOf(after);
    if (start < 0 || end < start) throw new Error(`The page has no place for "${name}".`);
    return `${text.slice(0, start + before.length)}\n${generate()}\n${text.slice(end)}`;
  }, page);
