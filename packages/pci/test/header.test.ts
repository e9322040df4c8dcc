import {
  type BridgeHeader,
  decodeBaseAddresses,
  decodeHeader,
  ioWindow,
  memoryWindow,
  prefetchableWindow,
} from '../src/index.js';
import { write } from './made-space.js';

describe('base addresses (PCIe r6.1 §7.5.1.2.1)', () => {
  it('are I/O, memory of 32 and of 64 bits, below 1 MiB, or of the reserved type', () => {
    expect(decodeBaseAddresses([0xe001, 0xf000_0008, 0x8000_000c, 0x3, 0x0002, 0xf000_0006])).toEqual([
      { index: 0, space: 'io', address: 0xe000n },
      { index: 1, space: 'memory', bits: 32, prefetchable: true, address: 0xf000_0000n },
      { index: 2, space: 'memory', bits: 64, prefetchable: true, address: 0x3_8000_0000n },
      { index: 4, space: 'memory', bits: 20, prefetchable: false, address: 0n },
      { index: 5, space: 'memory', prefetchable: false, address: 0xf000_0000n },
    ]);
  });

  it('are not there when they read zero or all ones', () => {
    expect(decodeBaseAddresses([0, 0xffff_ffff, 0])).toEqual([]);
  });

  it('do without an upper half that has no register', () => {
    expect(decodeBaseAddresses([0xf000_0004])).toMatchObject([{ bits: 64, address: 0xf000_0000n }]);
  });
});

describe('a bridge (type 1)', () => {
  const bridge = (...dwords: (readonly [number, number])[]): BridgeHeader => {
    const header = decodeHeader(write(new Uint8Array(64), [[0x0c, 0x0001_0000], ...dwords]));
    if (header.layout !== 'bridge') throw new Error(`layout ${header.layout}`);
    return header;
  };

  it('says which buses are below it', () => {
    expect(bridge([0x18, 0x2005_0201])).toMatchObject({ primaryBus: 1, secondaryBus: 2, subordinateBus: 5 });
  });

  it('has windows of both widths, whose last address is part of them', () => {
    const { registers } = bridge(
      [0x1c, 0xe1d1],
      [0x20, 0xf100_f000],
      [0x24, 0x0011_0001],
      [0x28, 0x38],
      [0x2c, 0x39],
      [0x30, 0x0002_0001],
    );
    expect(ioWindow(registers)).toEqual({ base: 0x1_d000n, limit: 0x2_efffn, bits: 32 });
    expect(memoryWindow(registers)).toEqual({
      base: 0xf000_0000n,
      limit: 0xf10f_ffffn,
      bits: 32,
    });
    expect(prefetchableWindow(registers)).toEqual({ base: 0x38_0000_0000n, limit: 0x39_001f_ffffn, bits: 64 });
  });

  it('has no window of a width that base and limit disagree on', () => {
    const { registers } = bridge([0x1c, 0xe0d1], [0x20, 0xf101_f000], [0x24, 0x0010_0001]);
    expect([ioWindow(registers), memoryWindow(registers), prefetchableWindow(registers)]).toEqual(
      Array(3).fill(undefined),
    );
  });
});
