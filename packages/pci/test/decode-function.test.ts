import { parseBdf } from '@pci-recovery/core';
import fc from 'fast-check';
import {
  ConfigSpace,
  decodeFunction,
  encodeAer,
  encodeDpc,
  encodeHeader,
  encodeMsi,
  encodeMsix,
  encodePcie,
  encodeSriov,
  type PciFunction,
} from '../src/index.js';
import { randomFunction } from './lspci-rendering/random-function.js';
import { extendedHeader, madeSpace, pcieHeader, write } from './made-space.js';

/** Every getter of every object: nothing may throw when it is asked. */
function readEverything(value: unknown, depth = 0): void {
  if (typeof value !== 'object' || value === null || depth > 4) return;
  for (
    let at: object | null = value;
    at && at !== Object.prototype && at !== Array.prototype;
    at = Object.getPrototypeOf(at) as object | null
  ) {
    for (const name of Object.getOwnPropertyNames(at)) {
      if (name !== 'constructor') readEverything((value as Record<string, unknown>)[name], depth + 1);
    }
  }
}

/** The bytes of everything that was decoded, by the encoders, with where they belong. */
function encoded(fn: PciFunction): [number, Uint8Array][] {
  const { header, pcie, msi, msix, aer, dpc, sriov } = fn;
  return [
    ...(header ? ([[0, encodeHeader(header)]] as [number, Uint8Array][]) : []),
    ...(pcie ? ([[pcie.offset, encodePcie(pcie)]] as [number, Uint8Array][]) : []),
    ...(msi ? ([[msi.offset, encodeMsi(msi)]] as [number, Uint8Array][]) : []),
    ...(msix ? ([[msix.offset, encodeMsix(msix)]] as [number, Uint8Array][]) : []),
    ...(aer ? ([[aer.offset, encodeAer(aer)]] as [number, Uint8Array][]) : []),
    ...(dpc ? ([[dpc.offset, encodeDpc(dpc)]] as [number, Uint8Array][]) : []),
    ...(sriov ? ([[sriov.offset, encodeSriov(sriov)]] as [number, Uint8Array][]) : []),
  ];
}

const expectRoundTrip = (bytes: Uint8Array): void => {
  for (const [offset, back] of encoded(decodeFunction(bytes))) {
    expect(Buffer.from(back).toString('hex')).toBe(
      Buffer.from(bytes.subarray(offset, offset + back.length)).toString('hex'),
    );
  }
};

describe('decodeFunction', () => {
  it('returns for any bytes, whatever is asked of the result, and says where it stumbled', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        const fn = decodeFunction(bytes);
        readEverything(fn);
        for (const { offset, message, rule } of fn.findings) {
          expect(offset).toBeLessThanOrEqual(4096);
          expect(message).toMatch(/\.$/);
          expect(rule).toMatch(/§/);
        }
      }),
    );
  });

  it('returns for a true function with any bytes changed and any end cut off', () => {
    const changes = fc.array(fc.tuple(fc.nat(0x27f), fc.nat(255)), { maxLength: 12 });
    fc.assert(
      fc.property(randomFunction, changes, fc.nat(0x280), (whole, changed, length) => {
        const bytes = whole.slice(0, length);
        for (const [offset, value] of changed) if (offset < length) bytes[offset] = value;
        readEverything(decodeFunction(bytes));
        expectRoundTrip(bytes);
      }),
      { numRuns: 500 },
    );
  });

  it('gives back every bit of every register: encode(decode(bytes)) = bytes (R3.1)', () => {
    fc.assert(
      fc.property(randomFunction, (bytes) => {
        expect(encoded(decodeFunction(bytes)).map(([offset]) => offset)).toEqual([
          0, 0x80, 0x50, 0xd0, 0x100, 0x200, 0x180,
        ]);
        expectRoundTrip(bytes);
      }),
      { numRuns: 500 },
    );
  });

  it('gives back headers of every layout', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), expectRoundTrip), { numRuns: 500 });
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 64, maxLength: 64 }),
        fc.constantFrom(0, 1, 2, 0x80, 0x81),
        (bytes, type) => {
          bytes[0x0e] = type;
          expectRoundTrip(bytes);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('takes the address along, and a ConfigSpace instead of bytes', () => {
    const bdf = parseBdf('0000:01:00.0');
    expect(decodeFunction(new ConfigSpace(madeSpace(64, 0)), { bdf })).toMatchObject({
      bdf,
      findings: [],
      header: { vendorId: 0x1af4 },
    });
  });

  it('is not changed by later changes of the bytes', () => {
    const bytes = madeSpace(4096, 0x40, [
      [0x40, pcieHeader(0)],
      [0x100, extendedHeader(1)],
      [0x104, 0x4000],
    ]);
    const { aer, header } = decodeFunction(bytes);
    bytes.fill(0xff);
    expect(aer?.uncorrectable.map(({ short }) => short)).toEqual(['CmpltTO']);
    expect(header?.vendorId).toBe(0x1af4);
  });

  it('says that nobody answers when all reads ones (R1.6, R2.8)', () => {
    const fn = decodeFunction(new Uint8Array(4096).fill(0xff));
    expect(fn).toMatchObject({
      findings: [{ code: 'config_space_all_ones', offset: 0 }],
      capabilities: [],
      pcie: undefined,
    });
  });

  it('does not take a virtual function for dead, whose ids read all ones (PCIe r6.1 §9.3.4.1.1)', () => {
    const bytes = write(madeSpace(4096, 0x40, [[0x40, pcieHeader(0)]]), [[0, 0xffff_ffff]]);
    expect(decodeFunction(bytes)).toMatchObject({ findings: [], pcie: { portType: 'endpoint' } });
  });

  it('says what is missing when there are fewer than 64 bytes, and looks at no more than 4096', () => {
    expect(decodeFunction(new Uint8Array(63))).toMatchObject({
      header: undefined,
      findings: [{ code: 'config_space_truncated', offset: 63 }],
    });
    expect(decodeFunction(new Uint8Array(5000)).findings).toMatchObject([
      { code: 'config_space_oversized', offset: 4096 },
    ]);
  });

  it('decodes the first of two alike, and reports the second', () => {
    const bytes = madeSpace(256, 0x40, [
      [0x40, 0x0000_5011],
      [0x50, 0x8000_0011],
    ]);
    expect(decodeFunction(bytes)).toMatchObject({
      msix: { offset: 0x40, enabled: false },
      findings: [{ code: 'capability_duplicate', offset: 0x50 }],
    });
  });

  it.each([
    ['MSI', 0x05, 0xf8],
    ['MSI-X', 0x11, 0xf8],
    ['PCI Express', 0x10, 0xf8],
  ])('reports %s that is cut off by the end of the 256 bytes', (_, id, offset) => {
    const fn = decodeFunction(madeSpace(256, offset, [[offset, id]]));
    expect(fn.findings).toMatchObject([{ code: 'capability_truncated', offset }]);
    expect([fn.msi, fn.msix]).toEqual([undefined, undefined]);
  });

  it.each([
    ['AER', 0x01],
    ['DPC', 0x1d],
    ['SR-IOV', 0x10],
  ])('reports %s that is cut off by the end of the bytes', (_, id) => {
    const bytes = madeSpace(0x108, 0x40, [
      [0x40, pcieHeader(4)],
      [0x100, extendedHeader(id)],
    ]);
    const fn = decodeFunction(bytes);
    expect(fn.findings).toMatchObject([{ code: 'extended_capability_truncated', offset: 0x100 }]);
    expect([fn.aer, fn.dpc, fn.sriov]).toEqual([undefined, undefined, undefined]);
  });
});
