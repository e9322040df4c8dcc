import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { binaryPath, cacheFolder } from '../build.mjs';
import { isPinnedSource, mirrorsOf } from '../source.mjs';

const script = join(dirname(fileURLToPath(import.meta.url)), '..', 'provide.mjs');

describe('the pinned lspci', () => {
  let folder;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'lspci-test-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is kept in the user’s cache, by XDG_CACHE_HOME or else in ~/.cache', () => {
    expect(cacheFolder({ XDG_CACHE_HOME: '/somewhere', HOME: '/home/a' })).toBe('/somewhere/pci-recovery');
    expect(cacheFolder({ HOME: '/home/a' })).toBe('/home/a/.cache/pci-recovery');
    expect(binaryPath({ HOME: '/home/a' })).toMatch(/^\/home\/a\/\.cache\/pci-recovery\/lspci-3\.13\.0-[0-9a-f]{12}$/);
  });

  it('comes from the mirrors that apt names, each tried once', () => {
    expect(mirrorsOf('http://a.example/debian/\nhttp://a.example/debian/\nhttps://b.example/debian\n\n')).toEqual([
      'http://a.example/debian/',
      'https://b.example/debian/',
    ]);
    expect(mirrorsOf('')).toEqual([]);
  });

  it('is built from the pinned source only', () => {
    const file = join(folder, 'source.tar.gz');
    expect(isPinnedSource(file)).toBe(false);
    writeFileSync(file, 'something else');
    expect(isPinnedSource(file)).toBe(false);
  });

  it('says why it cannot be had, with a non-zero result and nothing left behind', () => {
    const env = { PATH: folder, XDG_CACHE_HOME: folder };
    const { status, stdout, stderr } = spawnSync(process.execPath, [script], { env, encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toBe('lspci 3.13.0 cannot be had: tar is not installed\n');
    expect(readdirSync(folder)).toEqual([]);
  });
});
