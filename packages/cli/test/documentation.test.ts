import { CASES, unmet } from '@pci-recovery/conformance';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { HARNESSES } from '../src/harnesses/harnesses.js';
import { KNOWN_FAILURES } from '../src/harnesses/known-failures.js';
import { main } from '../src/main.js';
import { program } from '../src/program.js';
import { capturedIo } from './captured-io.js';

const file = (relative: string): string => fileURLToPath(new URL(`../../../${relative}`, import.meta.url));
const pages = [
  'README.md',
  'packages/cli/README.md',
  ...readdirSync(file('docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** The lines of fenced blocks, whatever their language is. */
function fencedLines(text: string): string[] {
  let inside = false;
  return text.split('\n').filter((line) => {
    if (!line.trim().startsWith('```')) return inside;
    inside = !inside;
    return false;
  });
}

/** The calls of the command, without comments and what they are fed with. */
const calls = pages.flatMap((page) =>
  fencedLines(readFileSync(file(page), 'utf8')).flatMap((line) => {
    const call = /^(?:.*\| *)?pci-recovery (.*?)(?: +#.*)?$/.exec(line.trim())?.[1];
    return call === undefined ? [] : [[page, call] as const];
  }),
);

describe('how the backends stand, in docs/conformance.md', () => {
  const page = readFileSync(file('docs/conformance.md'), 'utf8');

  it.each([...HARNESSES.values()].map((harness) => [harness.name, harness] as const))('%s', (name, harness) => {
    // That every other case passes is held by the tests of each backend.
    const cases = CASES.filter(({ level }) => level < 4);
    const lacking = cases.filter(({ requires }) => requires.some((one) => unmet(one, harness) !== undefined)).length;
    const row = page.split('\n').find((line) => line.startsWith('|') && line.includes(`(\`${name}\`) |`));
    expect(row).toMatch(new RegExp(`\\| ${cases.length - lacking} \\| ${lacking} \\|$`));
  });

  it('says that nothing is known to fail, while nothing is', () => {
    expect(page.includes('none is known to fail')).toBe(Object.keys(KNOWN_FAILURES).length === 0);
  });
});

describe('packages/cli/README.md', () => {
  it('shows the outcome of a simulation as it is', async () => {
    const shown = /```json\n([^`]*)```/.exec(readFileSync(file('packages/cli/README.md'), 'utf8'))![1]!;
    const io = capturedIo();
    await main(['simulate', '--platform', 'aer', '--json'], io);
    expect(JSON.parse(shown)).toEqual(JSON.parse(io.out().trimEnd().split('\n').at(-1)!));
  });
});

describe('every call of the command in the docs', () => {
  const command = program(capturedIo(), () => undefined);

  it('is found', () => {
    expect(calls.length).toBeGreaterThan(15);
  });

  it.each(calls)('%s: pci-recovery %s', (_, call) => {
    const [name, ...words] = call.split(/[ |[\]]+/).filter(Boolean);
    const sub = command.commands.find((one) => one.name() === name);
    expect(sub?.name()).toBe(name);
    const known = sub!.options.flatMap(({ long }) => long ?? []);
    expect(words.filter((word) => word.startsWith('--') && !known.includes(word))).toEqual([]);
  });
});
