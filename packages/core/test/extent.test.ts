import { type Extent } from '@pci-recovery/core';
import { extentOf } from '../src/engine/extent.js';
import { address, scopeOf } from './scripted-platform.js';

describe('how a scope lies to what a recovery holds', () => {
  it.each<[scope: number[], held: number[], extent: Extent]>([
    [[1], [1], 'same'],
    [[1, 2], [2, 1], 'same'],
    [[1], [1, 2], 'inside'],
    [[2, 3], [1, 2, 3], 'inside'],
    [[1, 2], [1], 'wider'],
    [[1, 2, 3], [1, 3], 'wider'],
    [[1, 2], [2, 3], 'crossing'],
    [[1, 2, 3], [3, 4], 'crossing'],
    [[1], [2], 'disjoint'],
    [[1, 2], [], 'disjoint'],
    [[], [1], 'disjoint'],
  ])('%j to %j: %s', (scope, held, extent) => {
    expect(extentOf(scopeOf(...scope), new Set(held.map(address)), 'another')).toBe(extent);
  });

  it('compares by name where a scope has no functions (a bridge with nothing below)', () => {
    expect(extentOf({ ...scopeOf(), id: 'port' }, new Set(), 'port')).toBe('same');
    expect(extentOf({ ...scopeOf(), id: 'port' }, new Set(), 'other port')).toBe('disjoint');
  });

  it('says "same" exactly when every combination of four functions is equal, and so on', () => {
    const sets = Array.from({ length: 15 }, (_, index) => [1, 2, 3, 4].filter((n) => (index + 1) & (1 << (n - 1))));
    for (const a of sets)
      for (const b of sets) {
        const common = a.filter((n) => b.includes(n)).length;
        const expected: Extent =
          common === 0
            ? 'disjoint'
            : common === a.length && common === b.length
              ? 'same'
              : common === a.length
                ? 'inside'
                : common === b.length
                  ? 'wider'
                  : 'crossing';
        expect(extentOf(scopeOf(...a), new Set(b.map(address)), 'x')).toBe(expected);
      }
  });
});
