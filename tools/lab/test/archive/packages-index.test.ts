import { newestKernel } from '../../src/archive/kernel-packages.js';
import { PackagesIndex } from '../../src/archive/packages-index.js';
import { packagesFile, stanza } from './stanzas.js';

const names = (found: readonly { name: string; version: string }[]): readonly string[] =>
  found.map(({ name, version }) => `${name} ${version}`);

describe('a Packages file', () => {
  const index = new PackagesIndex(
    packagesFile(
      stanza('zlib1g', '1:1.3', { Depends: 'libc6 (>= 2.14)', 'Pre-Depends': 'base', Provides: 'libz1 (= 1:1.3)' }),
      stanza('mail-b', '2', { Provides: 'mail-agent' }),
      stanza('zlib1g', '1:1.2'),
    ),
  );

  it('is read entry by entry', () => {
    expect(index.named('zlib1g')[0]).toEqual({
      name: 'zlib1g',
      version: '1:1.3',
      filename: 'pool/zlib1g_1:1.3.deb',
      size: 1234,
      sha256: expect.stringMatching(/^0{62}06$/) as string,
      depends: [[{ name: 'base' }], [{ name: 'libc6', versions: { operator: '>=', version: '2.14' } }]],
      provides: [{ name: 'libz1', versions: { operator: '=', version: '1:1.3' } }],
    });
  });

  it('may have several versions of a package: the newest comes first', () => {
    expect(names(index.named('zlib1g'))).toEqual(['zlib1g 1:1.3', 'zlib1g 1:1.2']);
    expect(index.named('nothing')).toEqual([]);
  });

  it('finds who provides a virtual package', () => {
    expect(names(index.satisfying({ name: 'mail-agent' }))).toEqual(['mail-b 2']);
  });

  it('takes a version as provided only where the provider says which', () => {
    const atLeast = (name: string, version: string) => ({ name, versions: { operator: '>=' as const, version } });
    expect(names(index.satisfying(atLeast('libz1', '1:1.3')))).toEqual(['zlib1g 1:1.3']);
    expect(index.satisfying(atLeast('libz1', '1:1.4'))).toEqual([]);
    expect(index.satisfying(atLeast('mail-agent', '0'))).toEqual([]);
  });

  it.each(['Version', 'Filename', 'SHA256', 'Size'])(
    'refuses an entry without %s, when it is asked for it',
    (field) => {
      const broken = stanza('broken', '1').replace(new RegExp(`^${field}: .*\n`, 'm'), '');
      const bad = new PackagesIndex(packagesFile(broken));
      expect(() => bad.named('broken')).toThrow(expect.objectContaining({ code: 'ERR_PCI_LAB_ARCHIVE' }) as Error);
    },
  );
});

describe('the newest kernel of a series', () => {
  const kernel = (release: string, version: string): string[] =>
    ['binary', 'modules', 'base'].map((kind) => stanza(`linux-${kind}-${release}`, version));
  const find = (...stanzas: readonly string[]) =>
    newestKernel(new PackagesIndex(packagesFile(...stanzas)), '7.3', 'amd64');

  it('is that of the highest version, with image, modules and base', () => {
    const found = find(...kernel('7.3.4+deb13-amd64', '7.3.4-1'), ...kernel('7.3.12+deb13-amd64', '7.3.12-1'));
    expect(found?.release).toBe('7.3.12+deb13-amd64');
    expect(found?.packages.map(({ name }) => name)).toEqual([
      'linux-binary-7.3.12+deb13-amd64',
      'linux-modules-7.3.12+deb13-amd64',
      'linux-base-7.3.12+deb13-amd64',
    ]);
  });

  it('may be a release candidate', () => expect(find(...kernel('7.3-amd64', '7.3~rc7-1'))?.release).toBe('7.3-amd64'));

  it.each(['7.3.4+deb13-cloud-amd64', '7.3.4+deb13-rt-amd64', '7.30.1+deb13-amd64', '7.2.9+deb13-amd64', '17.3-amd64'])(
    'is not %s',
    (release) => expect(find(...kernel(release, '1'))).toBeUndefined(),
  );

  it('is not one that lacks its modules', () => {
    expect(find(stanza('linux-binary-7.3-amd64', '7.3'), stanza('linux-base-7.3-amd64', '7.3'))).toBeUndefined();
  });
});
