import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { orphans, prune } from '../prune.mjs';

describe('what a build leaves behind', () => {
  let folder;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'prune-'));
    const kept = ['src/index.ts', 'src/deep/a.ts', 'dist/.tsbuildinfo', 'dist/data.json'];
    const made = ['.js', '.js.map', '.d.ts', '.d.ts.map'].flatMap((end) =>
      ['index', 'deep/a', 'deep/gone', 'old'].map((name) => `dist/${name}${end}`),
    );
    for (const path of [...kept, ...made]) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), '');
    }
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is what was made of sources that are gone, and nothing else', () => {
    const ends = ['.d.ts', '.d.ts.map', '.js', '.js.map'];
    expect(orphans(folder)).toEqual([
      ...ends.map((end) => `dist/deep/gone${end}`),
      ...ends.map((end) => `dist/old${end}`),
    ]);
  });

  it('is removed', () => {
    prune(folder);
    expect(orphans(folder)).toEqual([]);
    expect(readdirSync(join(folder, 'dist', 'deep'))).toHaveLength(4);
    expect(readdirSync(join(folder, 'dist'))).toHaveLength(7);
  });

  it('is nothing before the first build', () => {
    rmSync(join(folder, 'dist'), { recursive: true });
    expect(orphans(folder)).toEqual([]);
    prune(folder);
  });
});
