import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseLspciDump } from '../src/lspci/index.js';
import { printedAsRendered, renderedFunctions } from './lspci-rendering/comparison.js';
import { ROOT } from './lspci-rendering/pinned-lspci.js';

const GOLDEN = fileURLToPath(new URL('./golden/', import.meta.url));
const EXAMPLES = join(ROOT, 'examples', 'config-dumps');

const dumpsOf = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.txt'))
        .map((name) => join(folder, name))
    : [];

describe('decoded functions against the recorded output of lspci 3.13.0 -vvv', () => {
  for (const dump of [...dumpsOf(GOLDEN), ...dumpsOf(EXAMPLES)]) {
    const name = dump.slice(ROOT.length);
    const recorded = join(GOLDEN, `${dump.slice(dump.lastIndexOf('/') + 1)}.lspci`);
    if (!existsSync(recorded)) {
      it.skip(`not run: nothing is recorded for ${name}; see tools/lspci/record.mjs`, () => undefined);
      continue;
    }
    it(`prints every field alike: ${name}`, () => {
      const { devices, findings } = parseLspciDump(readFileSync(dump));
      expect(findings.filter(({ code }) => code !== 'unusual_size')).toEqual([]);
      expect(devices.length).toBeGreaterThan(0);
      expect(printedAsRendered(readFileSync(recorded, 'latin1'), devices)).toEqual(renderedFunctions(devices));
    });
  }
});
