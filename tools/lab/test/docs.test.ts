import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCommandLine } from '../src/command-line.js';
import { chosenScenarios, machineNamed } from '../src/run-lab.js';
import { MACHINES } from '../src/scenarios/machines.js';

const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'lab.md'), 'utf8');

describe('docs/lab.md', () => {
  const commands = [...page.matchAll(/^npm run lab -- (.*?)(?: {2,}.*)?$/gm)].map(([, words]) => words!);

  it('shows commands', () => expect(commands.length).toBeGreaterThan(0));

  it.each(commands)('shows a command that there is: %s', (words) => {
    const request = parseCommandLine(words.split(' '));
    expect(chosenScenarios(machineNamed(request.machine), request.scenarios).length).toBeGreaterThan(0);
  });

  it('tells what every scenario shows, in the order in which they run', () => {
    const rows = [...page.matchAll(/^\| `([a-z-]+)` +\|/gm)].map(([, name]) => name);
    expect(rows).toEqual(MACHINES.flatMap(({ scenarios }) => scenarios.map(({ name }) => name)));
  });
});
