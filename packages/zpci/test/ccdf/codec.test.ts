import { isPciRecoveryError } from '@pci-recovery/core';
import fc from 'fast-check';
import {
  CCDF_AVAILABILITY_FIELDS,
  CCDF_AVAILABILITY_LENGTH,
  CCDF_ERROR_FIELDS,
  CCDF_ERROR_LENGTH,
  decodeCcdfAvailability,
  decodeCcdfError,
  encodeCcdfAvailability,
  encodeCcdfError,
  type CcdfAvailability,
  type CcdfError,
  type CcdfField,
} from '../../src/index.js';

const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

const bytesOf = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });

/** The error that a call throws: its code and context. */
function refusal(call: () => unknown): readonly [code: string, context: unknown] {
  try {
    call();
  } catch (error) {
    if (isPciRecoveryError(error)) return [error.code, error.context];
    throw error;
  }
  return ['', undefined];
}

/** The bits of a record that a field covers, as 0-based numbers from the most significant bit of byte 0. */
const bitsOf = (field: CcdfField): number[] =>
  Array.from({ length: field.bits }, (_, bit) => field.offset * 8 + field.word - field.shift - field.bits + bit);

const CODECS = [
  ['error', CCDF_ERROR_LENGTH, CCDF_ERROR_FIELDS, decodeCcdfError, encodeCcdfError],
  ['availability', CCDF_AVAILABILITY_LENGTH, CCDF_AVAILABILITY_FIELDS, decodeCcdfAvailability, encodeCcdfAvailability],
] as unknown as readonly [
  string,
  number,
  readonly CcdfField[],
  (bytes: Uint8Array) => Readonly<Record<string, number | bigint>>,
  (record: Readonly<Record<string, number | bigint>>) => Uint8Array,
][];

describe.each(CODECS)('the CCDF of kind "%s"', (kind, length, fields, decode, encode) => {
  it('covers every bit of its bytes with one field', () => {
    const bits = fields.flatMap(bitsOf).sort((a, b) => a - b);
    expect(bits).toEqual(Array.from({ length: 8 * length }, (_, bit) => bit));
  });

  it('survives decoding and encoding byte for byte, reserved fields included', () => {
    fc.assert(fc.property(bytesOf(length), (bytes) => expect(encode(decode(bytes))).toEqual(bytes)));
  });

  it.each(fields.map((field) => [field.name, field] as const))('finds %s where the kernel has it', (name, field) => {
    for (const bit of bitsOf(field)) {
      const bytes = new Uint8Array(length);
      bytes[bit >> 3] = 0x80 >> (bit & 7);
      const others = Object.entries(decode(bytes)).filter(([other]) => other !== name);
      const power = field.bits - 1 - bitsOf(field).indexOf(bit);
      expect(BigInt(decode(bytes)[name]!)).toBe(1n << BigInt(power));
      expect(others.every(([, value]) => BigInt(value) === 0n)).toBe(true);
    }
  });

  it('is read from the middle of a larger buffer', () => {
    fc.assert(
      fc.property(bytesOf(length), fc.nat(9), (bytes, before) => {
        const buffer = new Uint8Array(length + 20).fill(0xee);
        buffer.set(bytes, before);
        expect(decode(buffer.subarray(before, before + length))).toEqual(decode(bytes));
      }),
    );
  });

  it('is refused in any other length, with the offset at which it went wrong', () => {
    for (let bytes = 0; bytes <= 2 * length; bytes++) {
      if (bytes === length) continue;
      expect(refusal(() => decode(new Uint8Array(bytes)))).toEqual([
        'ERR_PCI_BAD_CCDF',
        { kind, offset: Math.min(bytes, length), bytes, expected: length },
      ]);
    }
  });

  it.each(fields.map((field) => [field.name, field] as const))(
    'refuses to write a %s that does not fit',
    (name, field) => {
      for (const value of [-1, 2 ** field.bits, 0.5, NaN]) {
        const [code, context] = refusal(() => encode({ [name]: value }));
        expect(code).toBe('ERR_PCI_BAD_CCDF_FIELD');
        expect(context).toMatchObject({ field: name, offset: field.offset, bits: field.bits });
      }
      expect(refusal(() => encode({ [name]: 1n << BigInt(field.bits) }))[0]).toBe('ERR_PCI_BAD_CCDF_FIELD');
      expect(refusal(() => encode({ [name]: -1n }))[0]).toBe('ERR_PCI_BAD_CCDF_FIELD');
    },
  );

  it.each(fields.map((field) => [field.name, field] as const))('writes %s given as a bigint, too', (name, field) => {
    const most = (1n << BigInt(field.bits)) - 1n;
    expect(BigInt(decode(encode({ [name]: most }))[name]!)).toBe(most);
  });

  it('has 0 where nothing is given', () => expect(encode({})).toEqual(new Uint8Array(length)));
});

describe('records of a real kernel', () => {
  it('has the translation error that a DMA to an unmapped address gives', () => {
    const bytes = fromHex('00000000 80020000 00000001 00000000 00000001 20000000 00000000 00000004');
    expect(decodeCcdfError(bytes)).toEqual<CcdfError>({
      reserved1: 0,
      fh: 0x8002_0000,
      fid: 1,
      ett: 0,
      mvn: 0,
      dmaas: 0,
      reserved2: 0,
      q: 0,
      rw: 0,
      faddr: 0x1_2000_0000n,
      reserved3: 0,
      reserved4: 0,
      pec: 4,
    });
  });

  it('has every bit field of an injected one', () => {
    const record = { fh: 0x8002_0000, fid: 1, ett: 5, mvn: 0x123, dmaas: 7, q: 1, rw: 1, pec: 0x3a };
    const bytes = encodeCcdfError(record);
    expect(Buffer.from(bytes).toString('hex', 12, 16)).toBe('51230703');
    expect(decodeCcdfError(bytes)).toMatchObject(record);
  });

  it('has the handle and the id of an availability record', () => {
    const bytes = fromHex('00000000 00020000 00000001 00000000 00000000 00000000 00000000 00000301');
    expect(decodeCcdfAvailability(bytes)).toMatchObject({
      fh: 0x20000,
      fid: 1,
      pec: 0x301,
    } satisfies Partial<CcdfAvailability>);
  });
});
