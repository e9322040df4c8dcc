import fc from 'fast-check';
import { byAddress } from '../src/by-address.js';

it('finds each by its address, few as many, and nobody else', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(60), { maxLength: 40 }), fc.nat(60), (numbers, asked) => {
      const these = numbers.map((n) => ({ bdf: `0000:00:${n}`, n }));
      expect(byAddress(these)(`0000:00:${asked}`)).toEqual(these.find(({ n }) => n === asked));
    }),
  );
});
