import {
  type ByteOrder,
  decodeEbcdic,
  deviceInfo,
  encodeStruct,
  type StructName,
  type StructValues,
} from '../../src/uapi/index.js';
import { ORDERS } from './effort.js';
import { failure } from './failure.js';

/** A reply with one capability of `length` bytes. */
function replyWith<S extends StructName>(
  struct: S,
  values: Partial<StructValues<S>>,
  length: number,
  order: ByteOrder,
): Uint8Array {
  const reply = new Uint8Array(24 + length);
  const info = { argsz: reply.length, flags: (1 << 7) | 2, num_regions: 9, num_irqs: 5, cap_offset: 24 };
  reply.set(encodeStruct('vfio_device_info', info, { order }));
  reply.set(encodeStruct(struct, values, { order }).subarray(0, length), 24);
  return reply;
}

const base = (version: number, length: number, order: ByteOrder): unknown =>
  deviceInfo.decodeReply(
    replyWith(
      'vfio_device_info_cap_zpci_base',
      { 'header.id': 1, 'header.version': version, end_dma: 5n, gid: 3, fh: 0x80001234, ccdf_err_length: 32 },
      length,
      order,
    ),
    order,
  );

const group = (version: number, length: number, order: ByteOrder): unknown =>
  deviceInfo.decodeReply(
    replyWith(
      'vfio_device_info_cap_zpci_group',
      { 'header.id': 2, 'header.version': version, version: 1, flags: 2n, imaxstbl: 256 },
      length,
      order,
    ),
    order,
  );

describe.each(ORDERS)('capabilities of s390 functions in byte order %s (R2.4)', (order) => {
  it.each([
    ['1: without handle', 1, 32, { fh: undefined, ccdfErrLength: undefined }],
    ['2: with the handle', 2, 36, { fh: 0x80001234, ccdfErrLength: undefined }],
    ['3: with the length of error records', 3, 40, { fh: 0x80001234, ccdfErrLength: 32 }],
    ['4, which is not known: versions append', 4, 48, { fh: 0x80001234, ccdfErrLength: 32 }],
  ])('ZPCI_BASE version %s', (_, version, length, expected) => {
    const found = base(version, length, order) as { value: { capabilities: readonly [Record<string, unknown>] } };
    const [capability] = found.value.capabilities;
    expect(capability).toMatchObject({ kind: 'zpci-base', version, endDma: 5n, gid: 3 });
    expect({ fh: capability.fh, ccdfErrLength: capability.ccdfErrLength }).toEqual(expected);
  });

  it.each([
    [1, 28],
    [2, 32],
    [3, 36],
    [4, 36],
  ])('ZPCI_BASE version %p is refused in %p bytes', (version, length) => {
    expect(failure(() => base(version, length, order)).context).toMatchObject({
      struct: 'vfio_device_info_cap_zpci_base',
      field: 'length',
    });
  });

  it.each([
    ['1', 1, 40, undefined],
    ['2: with the longest interpreted store block', 2, 48, 256],
    ['3, which is not known', 3, 48, 256],
  ])('ZPCI_GROUP version %s', (_, version, length, imaxstbl) => {
    const found = group(version, length, order) as { value: { capabilities: readonly [Record<string, unknown>] } };
    const [capability] = found.value.capabilities;
    expect(capability).toMatchObject({ kind: 'zpci-group', version, pciVersion: 1, refresh: false });
    expect(capability.imaxstbl).toBe(imaxstbl);
  });

  it.each([
    [1, 36],
    [2, 40],
  ])('ZPCI_GROUP version %p is refused in %p bytes', (version, length) => {
    expect(failure(() => group(version, length, order)).context).toMatchObject({
      struct: 'vfio_device_info_cap_zpci_group',
      field: 'length',
    });
  });

  it('a utility string of length 0 is empty', () => {
    const reply = replyWith('vfio_device_info_cap_zpci_util', { 'header.id': 3, 'header.version': 1 }, 12, order);
    expect(deviceInfo.decodeReply(reply, order)).toMatchObject({
      value: { capabilities: [{ kind: 'zpci-util', text: '' }] },
    });
  });
});

describe('EBCDIC, code page 037', () => {
  const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

  it('reads letters, digits and punctuation', () => {
    expect(decodeEbcdic(bytes('c1c2c3c8c9d1d9e2e9'))).toBe('ABCHIJRSZ');
    expect(decodeEbcdic(bytes('81899199a2a9'))).toBe('aijrsz');
    expect(decodeEbcdic(bytes('f0f1f2f8f9'))).toBe('01289');
    expect(decodeEbcdic(bytes('4b6b607a6d5b7b7c5c4d5d7e'))).toBe('.,-:_$#@*()=');
  });

  it('leaves out NULs and blanks at the end, and keeps those between', () => {
    expect(decodeEbcdic(bytes('c140c24040000040'))).toBe('A B');
    expect(decodeEbcdic(bytes('4040'))).toBe('');
    expect(decodeEbcdic(bytes('00c1'))).toBe('\ufffdA');
  });

  it('shows that something cannot be printed', () => {
    expect(decodeEbcdic(bytes('c10dc2ff25c3'))).toBe('A\ufffdB\ufffd\ufffdC');
  });

  it('has a character for each byte, and none twice', () => {
    const all = Array.from({ length: 256 }, (_, byte) => decodeEbcdic(Uint8Array.of(byte, 0xc1)).slice(0, -1));
    const printable = all.filter((character) => character !== '\ufffd');
    expect(all.every((character) => character.length === 1)).toBe(true);
    expect(new Set(printable).size).toBe(printable.length);
    expect(printable).toHaveLength(191);
  });
});
