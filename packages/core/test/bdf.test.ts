import {
  bdfOfRequester,
  bdfParts,
  compareBdf,
  formatBdf,
  isBdf,
  isPciRecoveryError,
  parseBdf,
  requesterId,
  type BdfParts,
} from '@pci-recovery/core';
import fc from 'fast-check';

const parts: fc.Arbitrary<BdfParts> = fc.record({
  domain: fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0, max: 0xffffffff })),
  bus: fc.integer({ min: 0, max: 255 }),
  device: fc.integer({ min: 0, max: 31 }),
  function: fc.integer({ min: 0, max: 7 }),
});

const codeOf = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    return isPciRecoveryError(error) ? error.code : `not typed: ${String(error)}`;
  }
  return 'nothing thrown';
};

describe('an address', () => {
  it('survives being written and read', () => {
    fc.assert(fc.property(parts, (one) => expect(bdfParts(parseBdf(formatBdf(one)))).toEqual(one)));
  });

  it('has one spelling: case and leading zeros of the domain do not matter', () => {
    fc.assert(
      fc.property(parts, fc.integer({ min: 0, max: 4 }), (one, zeros) => {
        const bdf = formatBdf(one);
        const padded = `${'0'.repeat(Math.min(zeros, 8 - bdf.indexOf(':')))}${bdf}`;
        expect(parseBdf(padded.toUpperCase())).toBe(bdf);
      }),
    );
  });

  it('is in domain 0 when it names none', () => {
    expect(parseBdf('1F:0a.7')).toBe('0000:1f:0a.7');
  });

  it('survives the 16 bits of a requester id: bus 15:8, device 7:3, function 2:0', () => {
    for (let id = 0; id <= 0xffff; id++) if (requesterId(bdfOfRequester(0x10000, id)) !== id) throw new Error(`${id}`);
    expect(bdfOfRequester(1, 0x1fff)).toBe('0001:1f:1f.7');
  });

  it('is ordered by domain, bus, device, function, as numbers', () => {
    const key = (one: BdfParts): number[] => [one.domain, one.bus, one.device, one.function];
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        const [left, right] = [key(a), key(b)];
        const index = left.findIndex((value, at) => value !== right[at]);
        const expected = index < 0 ? 0 : Math.sign(left[index]! - right[index]!);
        expect(Math.sign(compareBdf(formatBdf(a), formatBdf(b)))).toBe(expected);
      }),
    );
  });
});

describe('what is no address is refused with ERR_PCI_BAD_BDF', () => {
  it.each([
    '',
    ' ',
    '01:00',
    '01:00.8',
    '01:20.0',
    '01:00.00',
    '1:00.0',
    '001:00.0',
    '000:01:00.0',
    '000000001:01:00.0',
    '0000:01:00.0 ',
    ' 0000:01:00.0',
    '0000:01:00.0\n',
    '0000:01:00.0\0',
    '0000-01-00.0',
    '0000:01:00,0',
    '0x01:00.0',
    '0000:g1:00.0',
    '-001:01:00.0',
    '0000:０1:00.0',
    '0000:01:00.0/../..',
  ])('%j', (text) => {
    expect(isBdf(text)).toBe(false);
    expect(codeOf(() => parseBdf(text))).toBe('ERR_PCI_BAD_BDF');
  });

  it('and whatever is read, nothing else is ever thrown', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f:.]{0,14}$/)), (text) => {
        expect(codeOf(() => parseBdf(text))).toBe(isBdf(text) ? 'nothing thrown' : 'ERR_PCI_BAD_BDF');
      }),
    );
  });

  it.each<[keyof BdfParts, number]>([
    ['domain', 0x100000000],
    ['domain', -1],
    ['bus', 256],
    ['bus', -1],
    ['bus', 1.5],
    ['device', 32],
    ['device', NaN],
    ['function', 8],
    ['function', Infinity],
  ])('the part %s = %d', (part, value) => {
    const good = { domain: 0, bus: 0, device: 0, function: 0 };
    expect(codeOf(() => formatBdf({ ...good, [part]: value }))).toBe('ERR_PCI_BAD_BDF');
  });

  it.each([-1, 0x10000, 1.5, NaN, Infinity])('the requester id %d, which is no 16-bit number', (id) => {
    expect(codeOf(() => bdfOfRequester(0, id))).toBe('ERR_PCI_BAD_BDF');
  });
});
