import { readFileSync } from 'node:fs';
import { CASES, type Level } from '../src/index.js';

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

/** What stands between `<!-- name -->` and `<!-- /name -->`. */
const GENERATED: Readonly<Record<string, () => string>> = {
  cases: caseTables,
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
