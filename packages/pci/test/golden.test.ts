import { createHash } from 'node:crypto';
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
      const bytes = readFileSync(dump);
      const record = readFileSync(recorded, 'latin1');
      const title = record.slice(0, record.indexOf('\n'));
      // Another digest: the dump was changed, and must be recorded again (tools/lspci/record.mjs).
      expect(title).toBe(`# lspci 3.13.0 -n -vvv of SHA-256 ${createHash('sha256').update(bytes).digest('hex')}`);
      const { devices, findings } = parseLspciDump(bytes);
      expect(findings.filter(({ code }) => code !== 'unusual_size')).toEqual([]);
      expect(devices.length).toBeGreaterThan(0);
      expect(printedAsRendered(record.slice(title.length + 1), devices)).toEqual(renderedFunctions(devices));
    });
  }
});
