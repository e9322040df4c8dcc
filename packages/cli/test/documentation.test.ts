import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
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
