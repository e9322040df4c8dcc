import fc from 'fast-check';
import * as pci from '../src/index.js';
import { type BitTable, type FieldTable } from '../src/index.js';

const isFieldTable = (value: unknown): value is FieldTable =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).length > 0 &&
  Object.values(value).every(
    (field) => typeof field === 'object' && field !== null && 'mask' in field && 'kind' in field,
  );

const fieldTables = Object.entries(pci).flatMap(([name, value]) =>
  isFieldTable(value) ? [[name, value] as const] : [],
);
const bitTables: readonly (readonly [string, BitTable])[] = [
  ['UNCORRECTABLE_ERRORS', pci.UNCORRECTABLE_ERRORS],
  ['CORRECTABLE_ERRORS', pci.CORRECTABLE_ERRORS],
  ['RP_PIO_ERRORS', pci.RP_PIO_ERRORS],
];

it('finds the field tables that it is about', () => expect(fieldTables.length).toBeGreaterThan(30));

describe.each(fieldTables)('the fields of %s', (_, table) => {
  it('do not overlap', () => {
    const masks = Object.values(table).map(({ mask }) => mask);
    for (const [i, mask] of masks.entries()) for (const other of masks.slice(i + 1)) expect(mask & other).toBe(0);
  });

  it('come back from whatever they are put into, and leave all other bits alone', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), fc.nat(0xffff_ffff), (register, before) => {
        const mask = Object.values(table).reduce((all, field) => (all | field.mask) >>> 0, 0);
        const after = pci.encodeFields(pci.decodeFields(register, table), table, before);
        expect(after).toBe(((register & mask) | (before & ~mask)) >>> 0);
      }),
    );
  });
});

describe.each(bitTables)('the bits of %s', (_, table) => {
  it('are named once each, lowest first', () => {
    const bits = table.map(({ bit }) => bit);
    expect(bits).toEqual([...new Set(bits)].sort((a, b) => a - b));
    for (const key of ['short', 'linux', 'name'] as const)
      expect(new Set(table.map((row) => row[key])).size).toBe(table.length);
    for (const { bit, mask } of table) expect(mask).toBe(2 ** bit);
  });

  it('are found exactly where they are set', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), (register) => {
        expect(pci.maskOf(pci.setBits(register, table))).toBe((register & pci.maskOf(table)) >>> 0);
      }),
    );
  });
});

describe('a field that is given too large a value', () => {
  it('is cut to its width', () => {
    expect(pci.encodeFields({ firstErrorPointer: 0x3f }, pci.AER_CONTROL)).toBe(0x1f);
  });
});

describe('the names of capabilities', () => {
  it('cover every id in the tables, and nothing else', () => {
    for (const id of Object.values(pci.CAPABILITY_ID)) expect(pci.capabilityName(id)).toMatch(/\w/);
    for (const id of Object.values(pci.EXTENDED_CAPABILITY_ID)) expect(pci.extendedCapabilityName(id)).toMatch(/\w/);
    expect(pci.capabilityName(0x80)).toBeUndefined();
    expect(pci.extendedCapabilityName(0x8000)).toBeUndefined();
  });
});

describe('AER in reset', () => {
  it('has the severities of PCIe r4.0 §7.8.4.4 and the masks of §7.8.4.6', () => {
    const short = (value: number, table: BitTable): string[] => pci.setBits(value, table).map((bit) => bit.short);
    expect(short(pci.UNCORRECTABLE_SEVERITY_DEFAULT, pci.UNCORRECTABLE_ERRORS)).toEqual([
      'DLP',
      'SDES',
      'FCP',
      'RxOF',
      'MalfTLP',
      'UncorrIntErr',
    ]);
    expect(short(pci.CORRECTABLE_MASK_DEFAULT, pci.CORRECTABLE_ERRORS)).toEqual([
      'AdvNonFatalErr',
      'CorrIntErr',
      'HeaderOF',
    ]);
  });
});
