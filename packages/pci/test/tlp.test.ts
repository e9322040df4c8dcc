import fc from 'fast-check';
import { decodeTlp } from '../src/index.js';

describe('the header of a logged TLP (PCIe r6.1 §2.2)', () => {
  it.each([
    [
      'memory_read',
      [0x0000_0001, 0x0108_050f, 0xfe00_1004, 0],
      { address: 0xfe00_1004n, length: 1, requester: 0x0108, tag: 5, byteEnables: 0x0f },
    ],
    [
      'memory_read',
      [0x2000_0000, 0x0108_05ff, 0x12, 0x3456_7890],
      { address: 0x12_3456_7890n, length: 1024, headerDwords: 4 },
    ],
    ['memory_write', [0x6000_4004, 0x0300_00ff, 0, 0x10], { poisoned: true, length: 4, address: 0x10n }],
    ['memory_write', [0x4000_8001, 0x0300_000f, 0x20, 0], { digest: true, headerDwords: 3 }],
    ['memory_read_locked', [0x0100_0001, 0x0100_000f, 0x30, 0], { address: 0x30n }],
    ['io_read', [0x0200_0001, 0x0000_000f, 0xcf8, 0], { address: 0xcf8n }],
    ['io_write', [0x4200_0001, 0x0000_000f, 0xcfc, 0], { address: 0xcfcn }],
    ['config_read_0', [0x0400_0001, 0x0000_000f, 0x0100_0044, 0], { target: { id: 0x0100, register: 0x44 } }],
    ['config_write_1', [0x4500_0001, 0x0000_000f, 0x0209_0ffc, 0], { target: { id: 0x0209, register: 0xffc } }],
    ['deferrable_memory_write', [0x5b00_0001, 0x0100_000f, 0x40, 0], { address: 0x40n }],
    ['fetch_add', [0x4c00_0001, 0x0100_0000, 0x50, 0], { address: 0x50n, length: 1 }],
    ['compare_and_swap', [0x6e00_0002, 0x0100_0000, 1, 0x60], { address: 0x1_0000_0060n }],
    ['message', [0x3300_0000, 0x0108_0031, 0, 0], { message: { code: 0x31, routing: 3 }, length: 0 }],
    ['message_with_data', [0x7400_0001, 0x0000_0050, 0, 0], { message: { code: 0x50, routing: 4 }, length: 1 }],
    [
      'completion',
      [0x0a00_0000, 0x0100_2004, 0x0000_0710, 0],
      {
        length: 0,
        requester: 0,
        tag: 7,
        completion: { completer: 0x0100, status: 1, byteCount: 4, lowerAddress: 0x10 },
      },
    ],
    [
      'completion_with_data',
      [0x4a00_0010, 0x0100_0000, 0x0008_0100, 0],
      { requester: 8, length: 16, completion: { completer: 0x0100, status: 0, byteCount: 4096, lowerAddress: 0 } },
    ],
  ] as const)('%s: %j', (kind, header, expected) => {
    expect(decodeTlp(header)).toMatchObject({ kind, ...expected });
  });

  it('has tags of ten bits: bits 19 and 23 of the first dword are bits 8 and 9', () => {
    expect(decodeTlp([0x0088_0001, 0x0000_ff0f, 0, 0])?.tag).toBe(0x3ff);
    expect(decodeTlp([0x0008_0001, 0x0000_000f, 0, 0])?.tag).toBe(0x100);
    expect(decodeTlp([0x0080_0001, 0x0000_000f, 0, 0])?.tag).toBe(0x200);
  });

  it.each([
    ['nothing', []],
    ['all ones', [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff]],
    ['a prefix', [0x9000_0000, 0, 0, 0]],
    ['an unknown type', [0x1f00_0000, 0, 0, 0]],
    ['I/O with four dwords', [0x2200_0001, 0, 0, 0]],
    ['a message with three dwords', [0x1000_0000, 0, 0, 0]],
    ['a header that is cut off', [0x2000_0001, 0, 0]],
    ['locked write', [0x4100_0001, 0, 0, 0]],
  ])('makes nothing of %s', (_, header) => {
    expect(decodeTlp(header)).toBeUndefined();
  });

  it('answers for any dwords, with every number in its range', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff_ffff), { maxLength: 5 }), (header) => {
        const tlp = decodeTlp(header);
        if (!tlp) return;
        expect(tlp.length).toBeLessThanOrEqual(1024);
        expect(tlp.tag).toBeLessThan(1024);
        expect(tlp.requester).toBeLessThanOrEqual(0xffff);
        expect(
          [tlp.address, tlp.target, tlp.completion, tlp.message].filter((part) => part !== undefined),
        ).toHaveLength(1);
      }),
      { numRuns: 1000 },
    );
  });
});
