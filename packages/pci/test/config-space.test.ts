import fc from 'fast-check';
import { ConfigSpace, type Finding } from '../src/index.js';

describe('ConfigSpace', () => {
  const space = new ConfigSpace(Uint8Array.of(0x11, 0x22, 0x33, 0x84, 0x55));

  it('reads little-endian, unsigned, at any offset', () => {
    expect([space.u8(0), space.u16(0), space.u32(0), space.u32(1)]).toEqual([0x11, 0x2211, 0x8433_2211, 0x5584_3322]);
  });

  it('answers a read beyond the end with undefined and a finding that names the offset', () => {
    const findings: Finding[] = [];
    const report = (finding: Finding): void => void findings.push(finding);
    expect([space.u8(5, report), space.u16(4, report), space.u32(2, report), space.u8(-1, report)]).toEqual(
      Array(4).fill(undefined),
    );
    expect(findings.map(({ code, offset }) => [code, offset])).toEqual([
      ['read_beyond_end', 5],
      ['read_beyond_end', 4],
      ['read_beyond_end', 2],
      ['read_beyond_end', -1],
    ]);
    expect(findings[1]!.message).toBe('A read of 2 byte(s) at 0x04 is beyond the 5 bytes that there are.');
    expect(space.u32(2)).toBeUndefined();
  });

  it('reads what a DataView reads', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(70), (bytes, offset) => {
        const view = new DataView(bytes.buffer);
        const at = new ConfigSpace(bytes);
        expect(at.u32(offset)).toBe(offset + 4 <= bytes.length ? view.getUint32(offset, true) : undefined);
        expect(at.u16(offset)).toBe(offset + 2 <= bytes.length ? view.getUint16(offset, true) : undefined);
        expect(at.u8(offset)).toBe(bytes[offset]);
      }),
    );
  });

  it('takes a Buffer, and refuses what is no row of bytes', () => {
    expect(new ConfigSpace(Buffer.from([1, 2])).u16(0)).toBe(0x0201);
    for (const wrong of [undefined, 'ff', [1, 2], new Uint16Array(2), new DataView(new ArrayBuffer(4))]) {
      expect(() => new ConfigSpace(wrong as unknown as Uint8Array)).toThrow(
        expect.objectContaining({ code: 'ERR_PCI_BAD_CONFIG_SPACE' }) as Error,
      );
    }
  });
});
