import { formatBdf, type Bdf } from '@pci-recovery/core';
import fc from 'fast-check';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatLspciDump, parseLspciDump } from '../src/lspci/index.js';
import { printedAsRendered, renderedFunctions } from './lspci-rendering/comparison.js';
import { pinnedLspci, ROOT, runLspci, runLspciOnText } from './lspci-rendering/pinned-lspci.js';
import { randomFunction } from './lspci-rendering/random-function.js';

const lspci = pinnedLspci();

/** Folders of dumps: ours, and a collection of many makers that is not part of this repository. */
const FOLDERS = [
  { name: 'examples/config-dumps', path: join(ROOT, 'examples', 'config-dumps'), pattern: /\.txt$/ },
  {
    name: '../shared/data/pci-config-dumps',
    path: join(ROOT, '..', 'shared', 'data', 'pci-config-dumps'),
    pattern: /./,
  },
];

/** Every line that lspci prints is the line that we render of our decoded objects. */
function compare(text: string, printed: string): void {
  const { devices } = parseLspciDump(text);
  const ours = renderedFunctions(devices);
  const theirs = printedAsRendered(printed, devices);
  expect(theirs.length).toBe(ours.length);
  // One function at a time: the difference of thousands would take a minute to show.
  const odd = ours.findIndex((fn, i) => JSON.stringify(fn) !== JSON.stringify(theirs[i]));
  if (odd >= 0) expect(theirs[odd]).toEqual(ours[odd]);
}

const addressOf = (index: number): Bdf =>
  formatBdf({ domain: 0, bus: index >> 8, device: (index >> 3) & 31, function: index & 7 });

describe('decoded functions against the pinned lspci -vvv', () => {
  if ('absent' in lspci) {
    it.skip(`not run: ${lspci.absent}`, () => undefined);
    return;
  }
  const { path } = lspci;

  for (const folder of FOLDERS) {
    if (!existsSync(folder.path)) {
      it.skip(`not run: there is no ${folder.name}`, () => undefined);
      continue;
    }
    for (const file of readdirSync(folder.path).filter((name) => folder.pattern.test(name))) {
      it(`prints every field alike: ${folder.name}/${file}`, () => {
        const full = join(folder.path, file);
        compare(readFileSync(full, 'utf8'), runLspci(path, full));
      });
    }
  }

  it('prints every field alike whatever is in the registers, for every Device/Port Type', () => {
    const functions = fc.sample(randomFunction, { numRuns: 3000, seed: 20251121 });
    const text = formatLspciDump(functions.map((bytes, i) => ({ bdf: addressOf(i), bytes, description: 'made up' })));
    compare(text, runLspciOnText(path, text));
  });

  it('ends a list where lspci ends it: loops, all ones, pointers beyond the end', () => {
    const [whole] = fc.sample(randomFunction, { numRuns: 1, seed: 1 });
    const changed = (length: number, ...changes: readonly (readonly [number, number])[]): Uint8Array => {
      const bytes = new Uint8Array(length);
      bytes.set(whole!.subarray(0, length));
      for (const [offset, value] of changes) bytes[offset] = value;
      return bytes;
    };
    const functions = [
      changed(4096, [0xd1, 0x50]),
      changed(4096, [0xd1, 0x80]),
      changed(4096, [0xd0, 0xff]),
      changed(4096, [0x202, 0x01], [0x203, 0x10]),
      changed(4096, [0x202, 0x01], [0x203, 0x18]),
      changed(4096, [0x202, 0x31], [0x203, 0x18]),
      changed(4096, [0x202, 0x01], [0x203, 0x30], [0x300, 0], [0x301, 0], [0x302, 0], [0x303, 0]),
      changed(256),
      changed(64),
    ];
    const text = formatLspciDump(functions.map((bytes, i) => ({ bdf: addressOf(i), bytes, description: 'made up' })));
    compare(text, runLspciOnText(path, text));
  });
});
