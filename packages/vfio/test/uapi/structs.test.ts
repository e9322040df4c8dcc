import fc from 'fast-check';
import { STRUCTS } from '../../src/uapi/abi/structs.js';
import {
  decodeStruct,
  encodeStruct,
  type FieldLayout,
  sizeOf,
  type StructLayout,
  type StructName,
} from '../../src/uapi/index.js';
import { rangeOf } from '../../src/uapi/struct/encode.js';
import { ORDERS, runs } from './effort.js';
import { failure } from './failure.js';
import { fromHex, MACHINES, toHex } from './golden.js';
import { numbersOf, patternsOf } from './patterns.js';

const NAMES = Object.keys(STRUCTS) as StructName[];
const layout = (name: StructName): StructLayout => STRUCTS[name];

describe.each(MACHINES)('structures as C has them on $name', ({ order, golden }) => {
  it.each(NAMES)('writes struct %s byte for byte', (name) => {
    expect(toHex(encodeStruct(name, patternsOf(name), { order }))).toBe(golden.structs[name]);
  });

  it.each(NAMES)('reads every field of struct %s', (name) => {
    const read = decodeStruct(name, fromHex(golden.structs[name]), order);
    // Members of a union share their memory: what C wrote last is what both read.
    const expected = decodeStruct(name, encodeStruct(name, patternsOf(name), { order }), order);
    expect(read).toEqual(expected);
    const shared = new Set(numbersOf(name).map(([, { offset }]) => offset)).size !== numbersOf(name).length;
    if (!shared) expect(read).toEqual(patternsOf(name));
  });
});

/** What stands between two fields: nothing, or what aligns the next one to 4 or 8 bytes. */
const gap = (offset: number, end: number): number =>
  offset > end && offset - end < 8 && offset % 4 === 0 ? offset - end : 0;

describe('layouts', () => {
  it.each(NAMES)('struct %s: fields follow each other, gaps are alignment only, unions share an offset', (name) => {
    let end = 0;
    let previous: FieldLayout | undefined;
    for (const [, field] of Object.entries(layout(name).fields)) {
      const union = previous !== undefined && field.offset === previous.offset && field.size === previous.size;
      if (!union && field.kind !== 'array')
        expect([field.offset - end, field.offset % field.size]).toEqual([gap(field.offset, end), 0]);
      if (field.kind === 'array') expect(field.offset).toBe(end);
      else end = Math.max(end, field.offset + field.size);
      previous = field;
    }
    expect(sizeOf(name) - end).toBeGreaterThanOrEqual(0);
    expect(sizeOf(name) - end).toBeLessThan(8);
  });
});

describe('every field of every structure', () => {
  const fields = NAMES.flatMap((name) => numbersOf(name).map(([field, at]) => ({ name, field, at })));

  it.each(fields)(
    '$name.$field takes what its type holds, in both byte orders, and touches no other byte',
    ({ name, field, at }) => {
      const { least, most } = rangeOf(at);
      fc.assert(
        fc.property(fc.bigInt({ min: least, max: most }), fc.constantFrom(...ORDERS), (value, order) => {
          const given = at.size === 8 ? value : Number(value);
          const bytes = encodeStruct(name, { [field]: given }, { order });
          expect((decodeStruct(name, bytes, order) as Record<string, unknown>)[field]).toBe(given);
          bytes.fill(0, at.offset, at.offset + at.size);
          expect(bytes.every((byte) => byte === 0)).toBe(true);
        }),
        { numRuns: runs(20) },
      );
    },
  );

  it.each(fields)('$name.$field refuses what its type cannot hold', ({ name, field, at }) => {
    const { least, most } = rangeOf(at);
    for (const value of [least - 1n, most + 1n, 0.5, Number.NaN, Infinity, 2 ** 53]) {
      if (value === 2 ** 53 && at.size === 8) continue;
      expect(failure(() => encodeStruct(name, { [field]: value }))).toMatchObject({
        code: 'ERR_PCI_BAD_UAPI_FIELD',
        context: { struct: name, field },
      });
    }
  });
});

describe('lengths', () => {
  it.each(NAMES)('struct %s is not read from memory that is too short', (name) => {
    const bytes = new Uint8Array(sizeOf(name));
    for (let length = 0; length < bytes.length; length += 1) {
      expect(failure(() => decodeStruct(name, bytes.subarray(0, length), 'LE'))).toMatchObject({
        code: 'ERR_PCI_KERNEL_REPLY',
        context: { struct: name },
      });
    }
  });

  it.each([-1, 7, 1.5, Number.NaN, 2 ** 31])('no request of %p bytes is made', (length) => {
    expect(failure(() => encodeStruct('vfio_device_info', {}, { length })).code).toBe('ERR_PCI_BAD_UAPI_FIELD');
  });

  it('memory may lie anywhere in its buffer', () => {
    const bytes = fromHex(MACHINES[0]!.golden.structs.vfio_region_info);
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect(decodeStruct('vfio_region_info', shifted.subarray(3), 'LE')).toEqual(
      decodeStruct('vfio_region_info', bytes, 'LE'),
    );
  });
});
