import fc from 'fast-check';
import { decodePhbDiag, encodePhbDiag, layoutOf, recognisePhbDiag } from '../../src/diag/index.js';
import { anyBlob, madeData, MODELS } from './made-diag.js';

const header = (version: number, ioType: number, length: number): Uint8Array => {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, version);
  view.setUint32(4, ioType);
  view.setUint32(8, length);
  return bytes;
};

describe('layouts of PHB diagnostic data', () => {
  it.each([
    ['p7ioc', 1, 2320, 128],
    ['phb3', 2, 4392, 256],
    ['phb4', 3, 8576, 512],
  ] as const)('%s: ioType %i, %i bytes, %i PEs (opal-api.h)', (model, ioType, length, pestEntries) => {
    expect(layoutOf(model)).toMatchObject({ ioType, length, pestEntries });
  });

  it.each([
    ['phb3', 'brdgCtl', 12],
    ['phb3', 'portStatusReg', 16],
    ['phb3', 'sourceId', 76],
    ['phb3', 'errorClass', 88],
    ['phb3', 'nFir', 104],
    ['phb3', 'dma1ErrorLog1', 288],
    ['phb4', 'brdgCtl', 12],
    ['phb4', 'deviceStatus', 16],
    ['phb4', 'sourceId', 64],
    ['phb4', 'nFir', 72],
    ['phb4', 'phbErrorStatus', 136],
    ['phb4', 'phbPcieDlpErrorLog1', 328],
    ['phb4', 'phbRegbErrorLog1', 376],
  ] as const)('%s: %s lies at byte %i (sizes of the members before it, 64-bit ones aligned)', (model, name, offset) => {
    expect(layoutOf(model).registers.find((register) => register.name === name)?.offset).toBe(offset);
  });

  it.each(MODELS)('%s: registers follow one another without gap up to the PEST', (model) => {
    const { registers, pestA, pestB, pestEntries, length } = layoutOf(model);
    let offset = 12;
    for (const register of registers) {
      expect(register.offset).toBe(offset);
      expect(offset % register.width).toBe(0);
      offset += register.width;
    }
    expect([pestA, pestB, length]).toEqual([offset, offset + 8 * pestEntries, offset + 16 * pestEntries]);
  });
});

describe('decoding and encoding (R4.7)', () => {
  it.each(MODELS)('%s: what was decoded encodes to the same bytes', (model) => {
    fc.assert(
      fc.property(anyBlob(model), (bytes) => {
        const { data } = decodePhbDiag(bytes);
        expect(data?.model).toBe(model);
        expect(Buffer.from(encodePhbDiag(data!)).equals(Buffer.from(bytes))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('reads registers big-endian, and only PEs with an entry', () => {
    const bytes = header(1, 3, 8576);
    bytes.set([0x12, 0x34, 0x56, 0x78], 12);
    bytes.set([0, 0, 0, 1, 0, 0x28, 0, 0], 112);
    bytes[384 + 8 * 0x1fd] = 0xa4;
    bytes[384 + 8 * 512 + 8 * 3 + 7] = 1;
    const { data, findings } = decodePhbDiag(bytes);
    expect(findings).toEqual([]);
    expect(data?.registers).toMatchObject({ brdgCtl: 0x12345678n, lemFir: 0x0000000100280000n });
    expect(data?.pest).toEqual([
      { pe: 3, a: 0n, b: 1n },
      { pe: 0x1fd, a: 0xa4n << 56n, b: 0n },
    ]);
  });

  it.each([
    ['header_truncated', new Uint8Array(11), 11],
    ['unknown_version', header(2, 3, 8576), 0],
    ['unknown_io_type', header(1, 4, 8576), 4],
    ['data_truncated', header(1, 3, 8575), 8575],
  ])('%s: kept whole, with a finding that says where', (code, bytes, at) => {
    const decoded = decodePhbDiag(bytes);
    expect(decoded.data).toBeUndefined();
    expect(decoded.bytes).toEqual(bytes);
    expect(decoded.findings).toMatchObject([{ code, at }]);
  });

  it('recognises a blob by its header alone', () => {
    expect(MODELS.map((_, i) => recognisePhbDiag(header(1, i + 1, 12)))).toEqual([...MODELS]);
    for (const bytes of [new Uint8Array(0), header(1, 3, 12).subarray(0, 11), header(0, 3, 12), header(1, 0, 12)]) {
      expect(recognisePhbDiag(bytes)).toBeUndefined();
    }
    const shifted = new Uint8Array([9, 9, 9, ...header(1, 2, 12)]);
    expect(recognisePhbDiag(shifted.subarray(3))).toBe('phb3');
  });

  it('takes a blob whose header gives another length, and says so', () => {
    const bytes = header(1, 2, 4392);
    bytes[11] = 0;
    expect(decodePhbDiag(bytes)).toMatchObject({
      data: { model: 'phb3' },
      findings: [{ code: 'length_mismatch', at: 8 }],
    });
  });

  it('takes a blob in a larger buffer, and says where something other than zeros follows', () => {
    const bytes = header(1, 2, 8192);
    new DataView(bytes.buffer).setUint32(8, 4392);
    expect(decodePhbDiag(bytes).findings).toEqual([]);
    bytes[5000] = 7;
    expect(decodePhbDiag(bytes).findings).toMatchObject([{ code: 'trailing_bytes', at: 5000 }]);
  });

  it.each([
    ['a Uint8Array', (bytes: Uint8Array) => bytes],
    ['a Buffer, of which a slice shares the memory', (bytes: Uint8Array) => Buffer.from(bytes.buffer)],
  ])('does not keep the memory that it was given: %s', (_, of) => {
    const bytes = header(1, 2, 4400);
    const { bytes: kept, data } = decodePhbDiag(of(bytes));
    bytes.fill(0xff);
    expect([kept[7], data!.trailing[0]]).toEqual([2, 0]);
    kept.fill(0xee);
    expect(data!.trailing[0]).toBe(0);
  });

  it('any bytes: never throws, keeps them whole, and gives data or says why not', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const decoded = decodePhbDiag(bytes);
        expect(decoded.bytes).toEqual(bytes);
        expect(decoded.data === undefined).toBe(decoded.findings.length > 0);
      }),
    );
  });

  it.each([-1, 512, NaN])('PE#%d, which no table has, is left out, and overwrites nothing', (pe) => {
    const { data } = decodePhbDiag(encodePhbDiag(madeData('phb4', { phbRegbErrorLog1: 5n }, [{ pe, a: 7n, b: 9n }])));
    expect([data!.registers['phbRegbErrorLog1'], data!.pest, data!.trailing]).toEqual([5n, [], new Uint8Array(0)]);
  });

  it('encodes data from text with zeros for what was not printed', () => {
    const bytes = encodePhbDiag(madeData('phb4', { phbErrorStatus: 5n }, [{ pe: 600, a: 1n, b: 1n }]));
    expect(decodePhbDiag(bytes).data).toMatchObject({ registers: { phbErrorStatus: 5n, nFir: 0n }, pest: [] });
  });
});
