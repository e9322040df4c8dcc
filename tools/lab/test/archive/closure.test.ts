import { dependencyClosure } from '../../src/archive/closure.js';
import { PackagesIndex } from '../../src/archive/packages-index.js';
import { parseRelations } from '../../src/archive/relation.js';
import { packagesFile, stanza } from './stanzas.js';

const index = (...stanzas: readonly string[]): PackagesIndex => new PackagesIndex(packagesFile(...stanzas));
const closure = (wanted: string, ...indexes: readonly PackagesIndex[]): readonly string[] =>
  dependencyClosure(parseRelations(wanted), indexes).map(({ name, version }) => `${name} ${version}`);

describe('a package with all that it depends on', () => {
  it('is followed through Depends and Pre-Depends, each package once, circles too', () => {
    const archive = index(
      stanza('a', '1', { Depends: 'b, c' }),
      stanza('b', '1', { 'Pre-Depends': 'c' }),
      stanza('c', '1', { Depends: 'a' }),
      stanza('d', '1'),
    );
    expect(closure('a', archive)).toEqual(['a 1', 'b 1', 'c 1']);
  });

  it('prefers the earlier index, and goes to the later one only for versions that it lacks', () => {
    const release = index(stanza('qemu', '10'), stanza('libc6', '2.41'));
    const backports = index(stanza('qemu', '11', { Depends: 'libc6 (>= 2.38)' }), stanza('libc6', '2.44'));
    expect(closure('qemu (>= 11)', release, backports)).toEqual(['qemu 11', 'libc6 2.41']);
  });

  it('takes the first alternative that there is', () => {
    expect(closure('x | y | z', index(stanza('y', '1'), stanza('z', '1')))).toEqual(['y 1']);
  });

  it('adds nothing when an alternative was chosen already', () => {
    const archive = index(stanza('a', '1', { Depends: 'y, x | y' }), stanza('x', '1'), stanza('y', '1'));
    expect(closure('a', archive)).toEqual(['a 1', 'y 1']);
  });

  it('takes what a chosen package provides', () => {
    const archive = index(
      stanza('a', '1', { Depends: 'libz-ng, libz (>= 1)' }),
      stanza('libz-ng', '2', { Provides: 'libz (= 1.3)' }),
    );
    expect(closure('a', archive)).toEqual(['a 1', 'libz-ng 2']);
  });

  it('finds a provider of a virtual package', () => {
    expect(closure('agent', index(stanza('real', '1', { Provides: 'agent' })))).toEqual(['real 1']);
  });

  it('says what is missing, and who needs it', () => {
    const archive = index(stanza('a', '1', { Depends: 'b (>= 2) | c' }), stanza('b', '1'));
    expect(() => closure('a', archive)).toThrow('The package archive has no "b (>= 2) | c", which a needs.');
  });

  it('refuses two versions of one package rather than mixing them', () => {
    const archive = index(
      stanza('a', '1', { Depends: 'b, c' }),
      stanza('b', '1'),
      stanza('c', '1', { Depends: 'b (>= 2)' }),
    );
    expect(() => closure('a', archive)).toThrow(expect.objectContaining({ code: 'ERR_PCI_LAB_ARCHIVE' }) as Error);
  });
});
