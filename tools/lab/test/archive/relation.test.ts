import { parseRelations, satisfies, type RelationOperator } from '../../src/archive/relation.js';

describe('package relations (deb-control(5))', () => {
  it('reads names, versions and alternatives', () => {
    expect(parseRelations('libc6 (>= 2.38), perl:any, dracut | linux-initramfs-tool (<< 2)')).toEqual([
      [{ name: 'libc6', versions: { operator: '>=', version: '2.38' } }],
      [{ name: 'perl' }],
      [{ name: 'dracut' }, { name: 'linux-initramfs-tool', versions: { operator: '<<', version: '2' } }],
    ]);
  });

  it('reads an empty field as no relations', () => expect(parseRelations(' ')).toEqual([]));

  it.each(['libc6 (2.38)', 'libc6 (> 2.38)', 'two words', 'libc6 (>= )', 'Libc6'])('refuses "%s"', (field) => {
    expect(() => parseRelations(field)).toThrow(expect.objectContaining({ code: 'ERR_PCI_LAB_ARCHIVE' }) as Error);
  });

  const TABLE: readonly [RelationOperator, earlier: boolean, equal: boolean, later: boolean][] = [
    ['<<', true, false, false],
    ['<=', true, true, false],
    ['=', false, true, false],
    ['>=', false, true, true],
    ['>>', false, false, true],
  ];

  it.each(TABLE)('%s holds for an earlier version: %s, the same: %s, a later one: %s', (operator, ...holds) => {
    const relation = { name: 'qemu', versions: { operator, version: '1:11.1' } };
    expect(['1:10.0', '1:11.1', '1:11.1.3'].map((version) => satisfies(version, relation))).toEqual(holds);
  });

  it('is satisfied by any version when it names none', () => expect(satisfies('0', { name: 'qemu' })).toBe(true));
});
