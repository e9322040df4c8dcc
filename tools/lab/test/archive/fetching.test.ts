import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { fetchFile } from '../../src/archive/mirror.js';
import { cachedPart, fetchPart, type Origin } from '../../src/archive/part.js';
import { openSuite, type ArchiveContext } from '../../src/archive/suite.js';

const apt = existsSync('/usr/lib/apt/apt-helper') && spawnSync('dpkg-deb', ['--version']).status === 0;
const withApt = apt ? describe : describe.skip;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The same as from a distant archive, for apt: a folder of this machine. */
withApt(`an archive${apt ? '' : ' (skipped: this is no Debian system)'}`, () => {
  const { signal } = new AbortController();
  let archive: string;
  let cache: string;
  let said: string[];
  let context: ArchiveContext;
  beforeEach(() => {
    archive = mkdtempSync(join(tmpdir(), 'lab-archive-'));
    cache = mkdtempSync(join(tmpdir(), 'lab-cache-'));
    said = [];
    const addresses = [`${pathToFileURL(join(archive, 'none')).href}/`, `${pathToFileURL(archive).href}/`];
    context = { addresses, folder: cache, signal, progress: (line) => said.push(line) };
  });
  afterEach(() => [archive, cache].forEach((folder) => rmSync(folder, { recursive: true })));

  const put = (path: string, content: string | Uint8Array): string => {
    mkdirSync(dirname(join(archive, path)), { recursive: true });
    writeFileSync(join(archive, path), content);
    return sha256(readFileSync(join(archive, path)));
  };

  it('gives a file that is what its index says, and leaves nothing else', async () => {
    const sum = put('pool/a.deb', 'content');
    await fetchFile(context.addresses[1]!, { path: 'pool/a.deb', sha256: sum }, join(cache, 'a'), signal);
    expect(readFileSync(join(cache, 'a'), 'utf8')).toBe('content');
    expect(readdirSync(cache)).toEqual(['a']);
  });

  it('is not believed when the file is another one', async () => {
    put('pool/a.deb', 'content');
    const wanted = { path: 'pool/a.deb', sha256: '0'.repeat(64) };
    await expect(fetchFile(context.addresses[1]!, wanted, join(cache, 'a'), signal)).rejects.toMatchObject({
      code: 'ERR_PCI_LAB_NOT_AUTHENTIC',
    });
    expect(readdirSync(cache)).toEqual([]);
  });

  it('must have the suite', async () => {
    await expect(openSuite('nowhere', 'amd64', context)).rejects.toMatchObject({
      code: 'ERR_PCI_LAB_ARCHIVE',
      permanence: 'temporary',
    });
  });

  const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
  const withKeyring = existsSync(KEYRING) ? it : it.skip;
  withKeyring(`must have signed it${existsSync(KEYRING) ? '' : ' (skipped: no keyring)'}`, async () => {
    put('dists/here/InRelease', `Origin: Somebody\nSHA256:\n ${'0'.repeat(64)} 1 main/binary-amd64/Packages.xz\n`);
    await expect(openSuite('here', 'amd64', context)).rejects.toMatchObject({ code: 'ERR_PCI_LAB_NOT_AUTHENTIC' });
  });

  const packageOf = (name: string, version: string): Origin => {
    const tree = join(archive, 'tree');
    mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
    mkdirSync(join(tree, 'usr'), { recursive: true });
    writeFileSync(join(tree, 'usr', name), version);
    const control = `Package: ${name}\nVersion: ${version}\nArchitecture: all\nMaintainer: a <a@a.example>\nDescription: x\n`;
    writeFileSync(join(tree, 'DEBIAN', 'control'), control);
    const filename = `pool/${name}_${version}.deb`;
    mkdirSync(join(archive, 'pool'), { recursive: true });
    const made = spawnSync('dpkg-deb', ['--root-owner-group', '-b', tree, join(archive, filename)]);
    if (made.status !== 0) throw new Error(made.stderr.toString());
    rmSync(tree, { recursive: true });
    const sum = sha256(readFileSync(join(archive, filename)));
    const address = context.addresses[1]!;
    return {
      name,
      version,
      filename,
      sha256: sum,
      size: statSync(join(archive, filename)).size,
      depends: [],
      provides: [],
      address,
    };
  };

  it('gives packages that are unpacked together, and that are there without it from then on', async () => {
    const packages = [packageOf('one', '1'), packageOf('two', '2')];
    expect(await cachedPart('thing', cache)).toBeUndefined();
    const part = await fetchPart('thing', packages, cache, context);
    expect(part.packages).toEqual(['one 1', 'two 2']);
    expect(readFileSync(join(part.root, 'usr', 'one'), 'utf8')).toBe('1');
    rmSync(join(archive, 'pool'), { recursive: true });
    expect(await cachedPart('thing', cache)).toEqual(part);
    expect(await fetchPart('thing', packages, cache, context)).toEqual(part);
  });

  it('may have newer packages later: they become the current ones, in a folder of their own', async () => {
    const old = await fetchPart('thing', [packageOf('one', '1')], cache, context);
    const fresh = await fetchPart('thing', [packageOf('one', '2')], cache, context);
    expect((await cachedPart('thing', cache))?.packages).toEqual(['one 2']);
    expect([old.root === fresh.root, existsSync(old.root)]).toEqual([false, true]);
  });

  it('leaves nothing in the cache when a package cannot be fetched', async () => {
    const gone = { ...packageOf('one', '1'), filename: 'pool/gone.deb' };
    await expect(fetchPart('thing', [packageOf('two', '1'), gone], cache, context)).rejects.toMatchObject({
      code: 'ERR_PCI_LAB_PROGRAM_FAILED',
    });
    expect(readdirSync(cache)).toEqual([]);
  });
});
