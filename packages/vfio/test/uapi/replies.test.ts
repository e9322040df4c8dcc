import { isPciRecoveryError } from '@pci-recovery/core';
import fc from 'fast-check';
import { STRUCTS } from '../../src/uapi/abi/structs.js';
import { type ByteOrder, type FieldLayout, type StructName } from '../../src/uapi/index.js';
import { viewOf } from '../../src/uapi/struct/decode.js';
import { rangeOf, writeNumber } from '../../src/uapi/struct/encode.js';
import { ORDERS, runs } from './effort.js';
import { failure } from './failure.js';
import { ONLY_READ_BY_KERNEL, REPLIES, type ReplyCase } from './replies/index.js';

const fieldsOf = (struct: StructName): Readonly<Record<string, FieldLayout>> => STRUCTS[struct].fields;

/** The reply with another value in one field. */
function changed(
  { struct, reply, at = 0 }: ReplyCase,
  order: ByteOrder,
  field: string,
  value: number | bigint,
): Uint8Array {
  const bytes = reply(order);
  writeNumber(viewOf(bytes), fieldsOf(struct)[field]!, BigInt(value), order, at);
  return bytes;
}

/** A value, a refusal that names what was wrong, or a defect. */
function outcome(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    if (isPciRecoveryError(error) && error.code === 'ERR_PCI_KERNEL_REPLY') return error;
    throw error;
  }
}

const titled = REPLIES.map((reply) => ({
  title: reply.what ? `${reply.struct} (${reply.what})` : reply.struct,
  ...reply,
}));

describe('the tables of replies', () => {
  it('have every structure of the interface, those apart that the kernel only reads', () => {
    const listed = new Set([...REPLIES.map(({ struct }) => struct), ...ONLY_READ_BY_KERNEL]);
    expect([...listed].sort()).toEqual(Object.keys(STRUCTS).sort());
  });

  it.each(titled)('have every field of struct $title', ({ struct, bad, any, chain = [] }) => {
    const listed = [...Object.keys(bad), ...any, ...chain].sort();
    const numbers = Object.entries(fieldsOf(struct)).filter(([, { kind }]) => kind !== 'array');
    expect(listed).toEqual(numbers.map(([name]) => name).sort());
  });
});

describe.each(ORDERS)('replies of the kernel in byte order %s', (order) => {
  it.each(titled)('struct $title: a right one is read', ({ read, reply }) => {
    expect(outcome(() => read(reply(order), order))).not.toBeInstanceOf(Error);
  });

  const wrong = titled.flatMap((each) =>
    Object.entries(each.bad).flatMap(([field, values]) =>
      values.map((bad) => ({
        ...each,
        field,
        named: `${each.struct}.${field}`,
        ...(typeof bad === 'object' ? bad : { value: bad }),
      })),
    ),
  );

  it.each(wrong)(
    'struct $title is refused when $field is $value, and the message names field, value and rule',
    (each) => {
      const error = failure(() => each.read(changed(each, order, each.field, each.value), order));
      expect(error.code).toBe('ERR_PCI_KERNEL_REPLY');
      const { struct, field, value, rule } = error.context as Record<string, string>;
      expect(`${struct}.${field}`).toBe(each.named);
      expect(error.message).toContain(`${struct}.${field} is ${value}`);
      expect(error.message).toContain(rule);
      expect(rule).not.toBe('');
    },
  );

  const free = titled.flatMap((each) => each.any.map((field) => ({ ...each, field })));

  it.each(free)('struct $title: $field may hold anything', (each) => {
    const layout = fieldsOf(each.struct)[each.field]!;
    const { least, most } = rangeOf(layout);
    fc.assert(
      fc.property(fc.bigInt({ min: least, max: most }), (value) => {
        expect(each.read(changed(each, order, each.field, value), order)).toBeDefined();
      }),
      { numRuns: runs(15) },
    );
  });

  it.each(titled)('struct $title: whatever bytes change, it is read or refused', ({ read, reply }) => {
    const length = reply(order).length;
    const change = fc.tuple(fc.nat(length - 1), fc.constantFrom(0, 1, 4, 8, 0x7f, 0x80, 0xff));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const bytes = reply(order);
        for (const [at, value] of changes) bytes[at] = value;
        expect(outcome(() => read(bytes, order))).toBeDefined();
      }),
      { numRuns: runs(60) },
    );
  });

  it.each(titled)('struct $title: random bytes of any length are read or refused', ({ read }) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(outcome(() => read(bytes, order))).toBeDefined();
      }),
      { numRuns: runs(40) },
    );
  });

  it.each(titled)('struct $title: nothing around the reply is looked at', ({ read, reply }) => {
    const inside = (around: number): unknown => {
      const bytes = reply(order);
      const memory = new Uint8Array(bytes.length + 64).fill(around);
      memory.set(bytes, 32);
      return read(memory.subarray(32, 32 + bytes.length), order);
    };
    expect(inside(0xff)).toEqual(inside(0));
  });
});
