import { isWellSigned, releaseFiles, withoutArmour } from '../../src/archive/release.js';

const SUM = 'be3d7d96a040eda0505c1808cccc67f183bbc05dff0842c50f88e6c396557412';
const RELEASE = `Origin: Debian
Suite: stable
MD5Sum:
 203e1451a4c2e0edf3646a5da3cec2d8  9679304 main/binary-amd64/Packages.xz
SHA256:
 ${SUM}  9679304 main/binary-amd64/Packages.xz
 ${'1'.repeat(64)} 12 main/Contents-all.gz
`;
const SIGNED = `-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

${RELEASE}
-----BEGIN PGP SIGNATURE-----

iQIzBAEB
-----END PGP SIGNATURE-----
`;

describe('the Release file of a suite', () => {
  it('lists files by their SHA256, and no weaker sum', () => {
    const files = releaseFiles(RELEASE);
    expect(files.size).toBe(2);
    expect(files.get('main/binary-amd64/Packages.xz')).toEqual({
      sha256: SUM,
      size: 9679304,
      path: 'main/binary-amd64/Packages.xz',
    });
  });

  it('is refused when it has no SHA256', () => {
    const weak = RELEASE.slice(0, RELEASE.indexOf('SHA256:'));
    expect(() => releaseFiles(weak)).toThrow(expect.objectContaining({ code: 'ERR_PCI_LAB_ARCHIVE' }) as Error);
  });

  it('is found between the armour of its signature', () => {
    expect(releaseFiles(withoutArmour(SIGNED))).toEqual(releaseFiles(RELEASE));
    expect(withoutArmour(SIGNED).trim()).toBe(RELEASE.trim());
  });
});

describe('what gpgv says of signatures', () => {
  const status = (...words: readonly string[]): string => words.map((word) => `[GNUPG:] ${word} 0123 x\n`).join('');

  it.each<[string, readonly string[], boolean]>([
    ['one good one', ['NEWSIG', 'GOODSIG', 'VALIDSIG'], true],
    ['a good one beside one of an unknown key', ['GOODSIG', 'VALIDSIG', 'ERRSIG', 'NO_PUBKEY'], true],
    ['none that is known', ['ERRSIG', 'NO_PUBKEY'], false],
    ['a bad one', ['BADSIG'], false],
    ['a bad one beside a good one', ['GOODSIG', 'VALIDSIG', 'BADSIG'], false],
    ['one of an expired key only', ['EXPKEYSIG', 'VALIDSIG'], false],
    ['nothing', [], false],
  ])('%s', (_, words, good) => expect(isWellSigned(status(...words))).toBe(good));

  it('is not fooled by words in the text', () => expect(isWellSigned('gpgv: GOODSIG GOODSIG\n')).toBe(false));
});
