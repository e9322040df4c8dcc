import { decodeFunction } from '../src/index.js';
import { extendedHeader, madeSpace, pcieHeader, type Dwords } from './made-space.js';

const walked = (bytes: Uint8Array): unknown => {
  const { capabilities, findings } = decodeFunction(bytes);
  return { at: capabilities.map(({ offset }) => offset), findings: findings.map(({ code, offset }) => [code, offset]) };
};

describe('the capability list (PCIe r6.1 §7.5.1.1.11)', () => {
  it('is followed in its own order, upwards and downwards', () => {
    const bytes = madeSpace(256, 0x80, [
      [0x80, 0x0000_4009],
      [0x40, 0x0003_6001],
      [0x60, 0x0000_000f],
    ]);
    expect(walked(bytes)).toEqual({ at: [0x80, 0x40, 0x60], findings: [] });
    expect(decodeFunction(bytes).capabilities.map(({ name, control }) => [name, control])).toEqual([
      ['Vendor Specific Information', 0],
      ['Power Management', 3],
      ['Secure Device', 0],
    ]);
  });

  it('is not there when Status does not say so', () => {
    const bytes = madeSpace(256, 0x40, [[0x40, 0x0000_0001]]);
    bytes[6] = 0;
    expect(walked(bytes)).toEqual({ at: [], findings: [] });
  });

  const broken: readonly (readonly [string, number, Dwords, unknown])[] = [
    ['a pointer back to itself', 0x40, [[0x40, 0x4009]], { at: [0x40], findings: [['capability_loop', 0x41]] }],
    [
      'a loop over several',
      0x40,
      [
        [0x40, 0x5009],
        [0x50, 0x6009],
        [0x60, 0x5009],
      ],
      { at: [0x40, 0x50, 0x60], findings: [['capability_loop', 0x61]] },
    ],
    [
      'a pointer into the header',
      0x40,
      [[0x40, 0x3c09]],
      { at: [0x40], findings: [['capability_pointer_into_header', 0x41]] },
    ],
    ['a first pointer into the header', 0x10, [], { at: [], findings: [['capability_pointer_into_header', 0x34]] }],
    [
      'reserved bits in a pointer, which are masked',
      0x43,
      [[0x40, 0x0009]],
      { at: [0x40], findings: [['capability_pointer_reserved_bits', 0x34]] },
    ],
    ['all ones', 0x40, [[0x40, 0xffff_ffff]], { at: [], findings: [['capability_all_ones', 0x40]] }],
  ];

  it.each(broken)('ends with a finding at %s', (_, first, dwords, expected) => {
    expect(walked(madeSpace(256, first, dwords))).toEqual(expected);
  });

  it('ends with a finding where the bytes end', () => {
    const expected = { at: [], findings: [['capability_pointer_beyond_end', 0x34]] };
    expect(walked(madeSpace(64, 0x40))).toEqual(expected);
    expect(walked(madeSpace(66, 0x40))).toEqual(expected);
  });

  it('starts at 0x14 in a CardBus bridge', () => {
    const bytes = madeSpace(256, 0, [[0x80, 0x0000_0001]]);
    bytes[0x0e] = 2;
    bytes[0x14] = 0x80;
    expect(walked(bytes)).toEqual({ at: [0x80], findings: [] });
  });

  it('is not looked for in a header of unknown layout', () => {
    const bytes = madeSpace(256, 0x40, [[0x40, 0x0001]]);
    bytes[0x0e] = 0x55;
    expect(walked(bytes)).toEqual({ at: [], findings: [['header_type_unknown', 0x0e]] });
  });

  it('holds every offset at most once, however long it is: 48 of them', () => {
    const chain = Array.from({ length: 48 }, (_, i) => 0x40 + 4 * i);
    const bytes = madeSpace(
      256,
      0x40,
      chain.map((offset) => [offset, (((offset + 4) & 0xff) << 8) | 0x09]),
    );
    expect(walked(bytes)).toEqual({ at: chain, findings: [] });
  });
});

describe('the extended capability list (PCIe r6.1 §7.6.3)', () => {
  const extended = (dwords: Dwords, size = 4096): unknown => {
    const bytes = madeSpace(size, 0x40, [[0x40, pcieHeader(0)], ...dwords]);
    const { extendedCapabilities, findings } = decodeFunction(bytes);
    return {
      at: extendedCapabilities.map(({ id, version, offset }) => [id, version, offset]),
      findings: findings.map(({ code, offset }) => [code, offset]),
    };
  };

  it('is followed from 0x100, with ids of 16 and versions of 4 bits', () => {
    const dwords: Dwords = [
      [0x100, extendedHeader(0x000b, 0x200, 15)],
      [0x200, extendedHeader(0xfffe, 0xffc, 2)],
      [0xffc, extendedHeader(0x000e)],
    ];
    expect(extended(dwords)).toEqual({
      at: [
        [0x0b, 15, 0x100],
        [0xfffe, 2, 0x200],
        [0x0e, 1, 0xffc],
      ],
      findings: [],
    });
  });

  it('is empty when 0x100 reads zero, and when there are only 256 bytes', () => {
    expect(extended([])).toEqual({ at: [], findings: [] });
    expect(extended([], 256)).toEqual({ at: [], findings: [] });
  });

  it('is not there without PCI Express or PCI-X (Linux pci_cfg_space_size)', () => {
    const bytes = madeSpace(4096, 0x40, [
      [0x40, 0x0000_0009],
      [0x100, extendedHeader(1)],
    ]);
    expect(decodeFunction(bytes).extendedCapabilities).toEqual([]);
    bytes[0x40] = 0x07;
    expect(decodeFunction(bytes).extendedCapabilities.map(({ name }) => name)).toEqual(['Advanced Error Reporting']);
  });

  const broken: readonly (readonly [string, Dwords, string, number])[] = [
    ['a pointer back to itself', [[0x100, extendedHeader(0xb, 0x100)]], 'extended_capability_loop', 0x100],
    ['a pointer below 0x100', [[0x100, extendedHeader(0xb, 0x0fc)]], 'extended_capability_pointer_into_header', 0x100],
    ['a header of zeros', [[0x100, extendedHeader(0xb, 0x200)]], 'extended_capability_empty', 0x200],
    [
      'all ones',
      [
        [0x100, extendedHeader(0xb, 0x200)],
        [0x200, 0xffff_ffff],
      ],
      'extended_capability_all_ones',
      0x200,
    ],
  ];

  it.each(broken)('ends with a finding at %s', (_, dwords, code, offset) => {
    expect(extended(dwords)).toEqual({ at: [[0xb, 1, 0x100]], findings: [[code, offset]] });
  });

  it('masks reserved bits in a pointer, with a finding', () => {
    const dwords: Dwords = [
      [0x100, extendedHeader(0xb, 0x203)],
      [0x200, extendedHeader(0xb)],
    ];
    const findings = [['extended_capability_pointer_reserved_bits', 0x100]];
    expect(extended(dwords)).toMatchObject({ findings });
  });

  it('ends with a finding where the bytes end', () => {
    expect(extended([[0x100, extendedHeader(0xb, 0x200)]], 0x200)).toEqual({
      at: [[0xb, 1, 0x100]],
      findings: [['extended_capability_pointer_beyond_end', 0x100]],
    });
  });

  it('holds every offset at most once, however long it is: 960 of them', () => {
    const chain = Array.from({ length: 960 }, (_, i) => 0x100 + 4 * i);
    const dwords = chain.map((at) => [at, extendedHeader(0xb, at === 0xffc ? 0x100 : at + 4)] as const);
    expect(extended(dwords)).toMatchObject({ findings: [['extended_capability_loop', 0xffc]] });
  });
});
