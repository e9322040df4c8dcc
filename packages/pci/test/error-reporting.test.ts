import fc from 'fast-check';
import { decodeFunction, encodeAer, PCIE_TYPE, type AerCapability } from '../src/index.js';
import { extendedHeader, madeSpace, pcieHeader, type Dwords } from './made-space.js';

/** AER at 0x100 of a function of that type; offsets count from the capability. */
function aerOf(dwords: Dwords, { type = 0, deviceCapabilities2 = 0 } = {}): AerCapability {
  const bytes = madeSpace(4096, 0x40, [
    [0x40, pcieHeader(type)],
    [0x64, deviceCapabilities2],
    [0x100, extendedHeader(1, 0, 2)],
    ...dwords.map(([offset, value]) => [0x100 + offset, value] as const),
  ]);
  return decodeFunction(bytes).aer!;
}

const short = (bits: readonly { short: string }[]): string[] => bits.map((bit) => bit.short);
const PREFIXES_2 = 0x0020_0000 | (2 << 22);

describe('AER (R3.1)', () => {
  it('sorts uncorrectable errors by mask and programmable severity', () => {
    const aer = aerOf([
      [0x04, 0x0004_5020],
      [0x08, 0x0000_1000],
      [0x0c, 0x0004_0020],
      [0x10, 0x0000_2041],
      [0x14, 0x0000_2000],
    ]);
    expect(short(aer.uncorrectable)).toEqual(['SDES', 'TLP', 'CmpltTO', 'MalfTLP']);
    expect(short(aer.fatal)).toEqual(['SDES', 'MalfTLP']);
    expect(short(aer.nonFatal)).toEqual(['CmpltTO']);
    expect(short(aer.correctable)).toEqual(['RxErr', 'BadTLP', 'AdvNonFatalErr']);
    expect(short(aer.correctableMasked)).toEqual(['AdvNonFatalErr']);
    expect(aer.version).toBe(2);
  });

  it('reports every unmasked error as either fatal or non-fatal', () => {
    const dword = fc.nat(0xffff_ffff);
    fc.assert(
      fc.property(dword, dword, dword, (status, mask, severity) => {
        const aer = aerOf([
          [0x04, status],
          [0x08, mask],
          [0x0c, severity],
        ]);
        const masked = new Set(short(aer.uncorrectableMasked));
        const reported = short(aer.uncorrectable).filter((name) => !masked.has(name));
        expect([...short(aer.fatal), ...short(aer.nonFatal)].sort()).toEqual(reported.sort());
      }),
    );
  });

  it('names the first error while its status is set, and only then', () => {
    const pointing = (status: number): string | undefined =>
      aerOf([
        [0x04, status],
        [0x18, 0x0e],
      ]).firstError?.short;
    expect(pointing(0x0000_5000)).toBe('CmpltTO');
    expect(pointing(0x0000_1000)).toBeUndefined();
    expect(pointing(0)).toBeUndefined();
  });

  it('names the error of bit 31 first as well', () => {
    const first = aerOf([
      [0x04, 0x8000_0000],
      [0x18, 31],
    ]).firstError;
    expect(first?.short).toBe('TLPXlatBlocked');
  });

  it.each([
    ['root port', PCIE_TYPE.ROOT_PORT, true],
    ['event collector', PCIE_TYPE.RCEC, true],
    ['endpoint', PCIE_TYPE.ENDPOINT, false],
    ['upstream port', PCIE_TYPE.UPSTREAM_PORT, false],
    ['downstream port', PCIE_TYPE.DOWNSTREAM_PORT, false],
    ['integrated endpoint', PCIE_TYPE.RCIEP, false],
  ])('looks for root registers in a %s: %s', (_, type, expected) => {
    const { root, length } = aerOf(
      [
        [0x2c, 7],
        [0x30, 0x1800_00ff],
        [0x34, 0x0200_0108],
      ],
      { type },
    );
    expect(length).toBe(expected ? 0x38 : 0x2c);
    expect(root).toEqual(
      expected
        ? {
            command: { correctableReportingEnable: true, nonFatalReportingEnable: true, fatalReportingEnable: true },
            status: {
              correctableReceived: true,
              multipleCorrectableReceived: true,
              uncorrectableReceived: true,
              multipleUncorrectableReceived: true,
              firstUncorrectableFatal: true,
              nonFatalReceived: true,
              fatalReceived: true,
              errCorSubclass: 1,
              interruptMessageNumber: 3,
            },
            correctableSource: 0x0108,
            uncorrectableSource: 0x0200,
          }
        : undefined,
    );
  });

  const LOG: Dwords = Array.from({ length: 17 }, (_, i) => [0x1c + 4 * i, 0x1000_0000 + i] as const);
  const logDword = (offset: number): number => 0x1000_0000 + (offset - 0x1c) / 4;

  it('logs a header of four dwords', () => {
    const { log } = aerOf(LOG);
    expect(log).toEqual({ flit: false, header: [0x1c, 0x20, 0x24, 0x28].map(logDword), prefixes: [] });
  });

  it('logs as many End-End prefixes as the function supports, when the log says that it holds some', () => {
    const present: Dwords = [...LOG, [0x18, 0x800]];
    expect(aerOf(present, { deviceCapabilities2: PREFIXES_2 }).log.prefixes).toEqual([0x38, 0x3c].map(logDword));
    expect(aerOf(present, { deviceCapabilities2: 0x0020_0000 }).log.prefixes).toEqual(
      [0x38, 0x3c, 0x40, 0x44].map(logDword),
    );
    expect(aerOf(LOG, { deviceCapabilities2: PREFIXES_2 }).log.prefixes).toEqual([]);
    expect(aerOf([...present, [0x3c, 0]], { deviceCapabilities2: PREFIXES_2 }).log.prefixes).toEqual([logDword(0x38)]);
  });

  it('logs up to fourteen dwords in Flit Mode, the fifth at 38h (Linux drivers/pci/pcie/tlp.c)', () => {
    const FLIT_TAIL: Dwords = [[0x5c, 0x1000_0010]];
    const flit = (size: number): AerCapability => aerOf([...LOG, ...FLIT_TAIL, [0x18, 0x4_0000 | (size << 19)]]);
    expect(flit(3).log).toEqual({ flit: true, header: [0x1c, 0x20, 0x24].map(logDword), prefixes: [] });
    expect(flit(6).log.header).toEqual([0x1c, 0x20, 0x24, 0x28, 0x38, 0x3c].map(logDword));
    expect(flit(6).length).toBe(0x40);
    expect(flit(14).log.header).toHaveLength(14);
    expect(flit(14).log.header.at(-1)).toBe(0x1000_0010);
    expect(flit(14).length).toBe(0x60);
  });
  it('reports a logged size that the log cannot hold, and decodes what it can', () => {
    const bytes = madeSpace(4096, 0x40, [
      [0x40, pcieHeader(0)],
      [0x100, extendedHeader(1)],
      [0x118, 0x4_0000 | (31 << 19)],
    ]);
    const fn = decodeFunction(bytes);
    expect(fn.findings).toMatchObject([{ code: 'aer_log_size_invalid', offset: 0x118 }]);
    expect(fn.aer?.log.header).toHaveLength(14);
  });

  it('decodes the first registers when only the prefix log is cut off', () => {
    const bytes = madeSpace(0x130, 0x40, [
      [0x40, pcieHeader(0)],
      [0x100, extendedHeader(1)],
      [0x104, 0x10],
      [0x118, 0x800],
    ]);
    const fn = decodeFunction(bytes);
    expect(fn.findings).toMatchObject([{ code: 'extended_capability_truncated', offset: 0x100 }]);
    expect(fn.aer).toMatchObject({ length: 0x2c, uncorrectable: [{ short: 'DLP' }], log: { prefixes: [] } });
    expect(encodeAer(fn.aer!)).toEqual(bytes.slice(0x100, 0x12c));
    const root = new Uint8Array(0x138);
    root.set(bytes);
    root[0x42] = 0x42;
    expect(decodeFunction(root).aer).toMatchObject({ length: 0x38, root: { correctableSource: 0 } });
  });
});
