import fc from 'fast-check';
import { compareVersions } from '../../src/archive/version.js';

/** deb-version(7), in ascending order; the first ones are that page's own examples. */
const ASCENDING = [
  '1.0~~',
  '1.0~~a',
  '1.0~',
  '1.0~bpo13+1',
  '1.0',
  '1.0-1~bpo13+1',
  '1.0-1',
  '1.0-1+b1',
  '1.0-1.1',
  '1.0-2',
  '1.0-10',
  '1.0a',
  '1.0+dfsg-1',
  '1.0.1',
  '1.2',
  '1.10',
  '7.3~rc7-1~exp1',
  '7.3.4-1~bpo13+1',
  '1:0.1',
  '1:11.1.3+ds-1~bpo13+1',
  '1:11.1.3+ds-1',
];

describe('order of Debian versions', () => {
  const pairs = ASCENDING.flatMap((one, i) => ASCENDING.map((other, j) => [one, other, Math.sign(i - j)] as const));

  it.each(pairs)('%s against %s: %i', (one, other, order) => {
    expect(Math.sign(compareVersions(one, other))).toBe(order);
  });

  it('knows numbers longer than a double', () => {
    expect(compareVersions('1.20230101123456789012', '1.20230101123456789013')).toBeLessThan(0);
  });

  it('takes leading zeros for nothing', () => expect(compareVersions('1.007', '1.7')).toBe(0));

  it('is antisymmetric, and every version equals itself', () => {
    const version = fc.stringMatching(/^(?:\d:)?\d[a-z0-9.+~]{0,8}(?:-[a-z0-9.+~]{1,4})?$/);
    fc.assert(
      fc.property(version, version, (one, other) => {
        expect(Math.sign(compareVersions(one, other)) + Math.sign(compareVersions(other, one))).toBe(0);
        expect(compareVersions(one, one)).toBe(0);
      }),
    );
  });
});
