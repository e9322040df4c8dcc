import { type Bdf } from '@pci-recovery/core';
import fc from 'fast-check';
import { type ConfigWidth } from '../../src/port.js';
import { aer, AT, bigMachine, bytesOf, EVERYBODY, setAer, AER, AER_AT, pcie, setPcie, PCIE_AT } from './machines.js';

const ONES = { 1: 0xff, 2: 0xffff, 4: 0xffff_ffff } as const;
const widths = fc.constantFrom<ConfigWidth>(1, 2, 4);
const anyOffset = fc.oneof(fc.integer({ min: 0, max: 0x160 }), fc.integer({ min: -8, max: 5000 }), fc.double());

describe('configuration accesses', () => {
  it('of no function give all ones and are lost', () => {
    const { hardware } = bigMachine();
    for (const width of [1, 2, 4] as const) expect(hardware.readConfig(AT.absent, 0, width)).toBe(ONES[width]);
    expect(() => hardware.writeConfig(AT.absent, 4, 2, 7)).not.toThrow();
    expect(hardware.readConfig('nonsense' as Bdf, 0, 4)).toBe(0xffff_ffff);
  });

  it('not aligned, or beyond the end, give all ones and are lost', () => {
    const { hardware } = bigMachine();
    const before = bytesOf(hardware, AT.endpoint);
    for (const [offset, width] of [
      [1, 2],
      [2, 4],
      [4095, 2],
      [4096, 1],
      [-1, 1],
      [0.5, 1],
      [NaN, 4],
    ] as const) {
      expect(hardware.readConfig(AT.endpoint, offset, width)).toBe(ONES[width]);
      hardware.writeConfig(AT.endpoint, offset, width, 0xffff_ffff);
    }
    expect(bytesOf(hardware, AT.endpoint)).toEqual(before);
  });

  it('of a conventional function end at 256 bytes', () => {
    const { hardware } = bigMachine();
    expect(hardware.readConfig(AT.conventional, 0xfc, 4)).toBe(0);
    expect(hardware.readConfig(AT.conventional, 0x100, 4)).toBe(0xffff_ffff);
  });

  it('of every width see the same little-endian bytes', () => {
    const { hardware } = bigMachine();
    for (const bdf of EVERYBODY) {
      const bytes = bytesOf(hardware, bdf, 256);
      const view = new DataView(bytes.buffer);
      for (let at = 0; at < 256; at += 4) {
        expect(hardware.readConfig(bdf, at, 4)).toBe(view.getUint32(at, true));
        expect(hardware.readConfig(bdf, at + 2, 2)).toBe(view.getUint16(at + 2, true));
      }
    }
  });

  it('in any sequence, at any offset, with any value, never throw, and read what fits their width', () => {
    const access = fc.record({
      bdf: fc.constantFrom(...EVERYBODY, AT.absent),
      write: fc.boolean(),
      offset: anyOffset,
      width: widths,
      value: fc.oneof(fc.integer(), fc.nat(0xffff_ffff), fc.double()),
    });
    fc.assert(
      fc.property(fc.array(access, { maxLength: 60 }), (accesses) => {
        const { clock, hardware } = bigMachine();
        for (const { bdf, write, offset, width, value } of accesses) {
          if (write) hardware.writeConfig(bdf, offset, width, value);
          const read = hardware.readConfig(bdf, offset, width);
          expect(Number.isInteger(read) && read >= 0 && read <= ONES[width]).toBe(true);
          clock.advance(1);
        }
      }),
      { numRuns: 80 },
    );
  });
});

/** Read-only bits of an endpoint, written by hand from PCIe r6.1: [offset, dword mask, what]. */
const READ_ONLY: readonly (readonly [number, number, string])[] = [
  [0x00, 0xffff_ffff, 'vendor and device id'],
  [0x04, 0x06ff_fab8, 'command bits that PCIe hardwires; status bits that are not errors'],
  [0x08, 0xffff_ffff, 'revision and class'],
  [0x0c, 0xffff_ff00, 'latency timer, header type, BIST'],
  [0x10, 0x0000_ffff, 'size and attributes of BAR 0'],
  [0x2c, 0xffff_ffff, 'subsystem'],
  [0x34, 0xffff_ffff, 'capabilities pointer'],
  [0x3c, 0xffff_ff00, 'interrupt pin'],
  [PCIE_AT, 0xffff_ffff, 'PCI Express capability header'],
  [PCIE_AT + 4, 0xffff_ffff, 'device capabilities'],
  [PCIE_AT + 0x0c, 0xffff_ffff, 'link capabilities'],
  [AER_AT, 0xffff_ffff, 'AER header'],
  [AER_AT + 0x18, 0xffff_ffff & ~0x140, 'first error pointer and AER capability bits'],
  [AER_AT + 0x1c, 0xffff_ffff, 'header log'],
  [AER_AT + 0x28, 0xffff_ffff, 'header log, last dword'],
];

describe('read-only bits', () => {
  it.each(READ_ONLY)('at %i (mask %i) never change: %s', (offset, mask) => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), (value) => {
        const { hardware } = bigMachine();
        const before = hardware.readConfig(AT.endpoint, offset, 4);
        hardware.writeConfig(AT.endpoint, offset, 4, value & ~0x4000_0000);
        expect((hardware.readConfig(AT.endpoint, offset, 4) & mask) >>> 0).toBe((before & mask) >>> 0);
      }),
      { numRuns: 20 },
    );
  });

  it('a byte write changes no other byte', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x13f }), fc.nat(0xff), (offset, value) => {
        const { hardware } = bigMachine();
        fc.pre(offset !== PCIE_AT + 9);
        const before = bytesOf(hardware, AT.endpoint, 0x140);
        hardware.writeConfig(AT.endpoint, offset, 1, value);
        const after = bytesOf(hardware, AT.endpoint, 0x140);
        after[offset] = before[offset]!;
        expect(after).toEqual(before);
      }),
      { numRuns: 100 },
    );
  });
});

const BITS = [...Array(32).keys()];
const IMPLEMENTED = [0, 4, 5, ...BITS.filter((bit) => bit >= 12)];

describe('status bits are cleared by writing 1', () => {
  it.each(IMPLEMENTED)('uncorrectable bit %i, and only that one (PCIe §7.8.4.2)', (bit) => {
    const { hardware } = bigMachine();
    setAer(hardware, AT.endpoint, AER.UNCOR_MASK, 0);
    hardware.detect(AT.endpoint, { uncorrectable: IMPLEMENTED });
    const all = aer(hardware, AT.endpoint, AER.UNCOR_STATUS);
    expect(all).toBe(IMPLEMENTED.reduce((mask, one) => (mask | (1 << one)) >>> 0, 0));
    setAer(hardware, AT.endpoint, AER.UNCOR_STATUS, (1 << bit) >>> 0);
    expect(aer(hardware, AT.endpoint, AER.UNCOR_STATUS)).toBe((all & ~(1 << bit)) >>> 0);
    setAer(hardware, AT.endpoint, AER.UNCOR_STATUS, 0);
    expect(aer(hardware, AT.endpoint, AER.UNCOR_STATUS)).toBe((all & ~(1 << bit)) >>> 0);
  });

  it.each([0, 6, 7, 8, 12, 13, 14, 15])('correctable bit %i, and only that one (PCIe §7.8.4.5)', (bit) => {
    const { hardware } = bigMachine();
    hardware.detect(AT.endpoint, { correctable: [0, 6, 7, 8, 12, 13, 14, 15] });
    setAer(hardware, AT.endpoint, AER.COR_STATUS, 1 << bit);
    expect(aer(hardware, AT.endpoint, AER.COR_STATUS)).toBe(0xf1c1 & ~(1 << bit));
  });

  it.each([0, 1, 2, 3])('Device Status bit %i, and only that one (PCIe §7.5.3.5)', (bit) => {
    const { hardware } = bigMachine();
    hardware.detect(AT.endpoint, { error: 'RCVR' });
    hardware.detect(AT.endpoint, { error: 'UNSUP' });
    hardware.detect(AT.endpoint, { error: 'DLP' });
    expect(pcie(hardware, AT.endpoint, 0x0a)).toBe(0xf);
    setPcie(hardware, AT.endpoint, 0x0a, 1 << bit);
    expect(pcie(hardware, AT.endpoint, 0x0a)).toBe(0xf & ~(1 << bit));
  });

  it('says so in the log', () => {
    const { hardware } = bigMachine();
    hardware.detect(AT.endpoint, { error: 'MALF_TLP' });
    hardware.clearLog();
    setAer(hardware, AT.endpoint, AER.UNCOR_STATUS, 0xffff_ffff);
    expect(hardware.log.at(-1)).toMatchObject({ kind: 'status_cleared', register: 'UNCOR_STATUS', bits: 1 << 18 });
  });
});
