import { decodeFunction, type DpcCapability, type Finding, PCIE_TYPE, portTypeOf } from '../src/index.js';
import { extendedHeader, madeSpace, pcieHeader, type Dwords } from './made-space.js';

describe('PCI Express', () => {
  const pcieOf = (type: number, { version = 2, slot = false }, dwords: Dwords = []) =>
    decodeFunction(madeSpace(256, 0x40, [[0x40, pcieHeader(type, { version, slot })], ...dwords])).pcie!;

  it.each(Object.entries(PCIE_TYPE))('knows what type %s is', (name, code) => {
    expect(portTypeOf(code)).toBe(name.toLowerCase());
    expect(pcieOf(code, {}).portType).toBe(name.toLowerCase());
  });

  it('does not guess at reserved types', () =>
    expect([2, 3, 11, 15].map(portTypeOf)).toEqual(Array(4).fill(undefined)));

  it.each([
    ['endpoint', PCIE_TYPE.ENDPOINT, { version: 1 }, 0x14, [true, false, false, false]],
    ['integrated endpoint', PCIE_TYPE.RCIEP, { version: 1 }, 0x0c, [false, false, false, false]],
    [
      'downstream port with a slot',
      PCIE_TYPE.DOWNSTREAM_PORT,
      { version: 1, slot: true },
      0x1c,
      [true, true, false, false],
    ],
    ['endpoint that claims a slot', PCIE_TYPE.ENDPOINT, { version: 1, slot: true }, 0x14, [true, false, false, false]],
    ['root port', PCIE_TYPE.ROOT_PORT, { version: 1 }, 0x24, [true, false, true, false]],
    ['event collector', PCIE_TYPE.RCEC, { version: 2 }, 0x3c, [false, false, true, true]],
    ['root port with a slot', PCIE_TYPE.ROOT_PORT, { version: 2, slot: true }, 0x3c, [true, true, true, true]],
  ])('has the registers of version and type: %s', (_, type, form, length, [link, slot, root, second]) => {
    expect(pcieOf(type, form)).toMatchObject({ length, link, slot, root, second });
  });

  it('supports four End-End prefixes when the count says 0, none without support', () => {
    expect(
      [0x0020_0000, 0x0060_0000, 0x00c0_0000].map((value) => pcieOf(0, {}, [[0x64, value]]).maxEndEndPrefixes),
    ).toEqual([4, 1, 0]);
  });
});

describe('MSI', () => {
  const msiOf = (control: number, dwords: Dwords = []) =>
    decodeFunction(madeSpace(256, 0x40, [[0x40, 0x05 | (control << 16)], ...dwords])).msi!;

  it.each([
    ['32 bits', 0x0000, 0x0a],
    ['64 bits', 0x0080, 0x0e],
    ['32 bits, masking', 0x0100, 0x14],
    ['64 bits, masking', 0x0180, 0x18],
    ['32 bits, extended data', 0x0200, 0x0c],
    ['64 bits, extended data', 0x0280, 0x10],
  ])('is as long as its form: %s', (_, control, length) => expect(msiOf(control).length).toBe(length));

  it('has address, data and counts where the form puts them', () => {
    const msi = msiOf(0x01a7, [
      [0x44, 0xfee0_0000],
      [0x48, 0x1],
      [0x4c, 0xffff_4021],
      [0x50, 0x2],
      [0x54, 0x4],
    ]);
    expect(msi).toMatchObject({
      enabled: true,
      vectorsRequested: 8,
      vectorsAllocated: 4,
      address: 0x1_fee0_0000n,
      data: 0x4021,
      masking: { mask: 2, pending: 4 },
    });
  });

  it('sends 32 bits of data when Extended Message Data is enabled (PCIe r6.1 §7.7.1.6)', () => {
    expect(msiOf(0x0600, [[0x48, 0x1234_5678]]).data).toBe(0x1234_5678);
    expect(msiOf(0x0200, [[0x48, 0x1234_5678]]).data).toBe(0x5678);
  });
});

describe('MSI-X', () => {
  it('says where its table and pending bits lie (R5.1)', () => {
    const { msix } = decodeFunction(
      madeSpace(256, 0x40, [
        [0x40, 0xc7ff_0011],
        [0x44, 0x2003],
        [0x48, 0xffff_fffc],
      ]),
    );
    expect(msix).toMatchObject({
      enabled: true,
      functionMasked: true,
      tableSize: 2048,
      table: { bar: 3, offset: 0x2000 },
      pendingBitArray: { bar: 4, offset: 0xffff_fff8 },
    });
  });
});

describe('DPC', () => {
  const decoded = (dwords: Dwords): { dpc: DpcCapability; findings: readonly Finding[] } => {
    const bytes = madeSpace(4096, 0x40, [
      [0x40, pcieHeader(PCIE_TYPE.ROOT_PORT)],
      [0x100, extendedHeader(0x1d)],
      ...dwords.map(([offset, value]) => [0x100 + offset, value] as const),
    ]);
    const { dpc, findings } = decodeFunction(bytes);
    return { dpc: dpc!, findings };
  };

  it.each([
    [0x0000, undefined],
    [0x0001, 'unmasked_uncorrectable'],
    [0x0003, 'err_nonfatal'],
    [0x0005, 'err_fatal'],
    [0x0007, 'rp_pio'],
    [0x0027, 'software'],
    [0x0047, 'reserved'],
    [0x0006, undefined],
  ])('says why the port is contained: status %s', (status, trigger) => {
    expect(decoded([[0x08, status]]).dpc.trigger).toBe(trigger);
  });

  it('has no RP PIO registers without Root Port Extensions', () => {
    const { dpc } = decoded([[0x04, 0x0900]]);
    expect([dpc.length, dpc.rpPio]).toEqual([0x0c, undefined]);
  });

  it('has a log of header, implementation-specific dword and prefixes, by its size', () => {
    const log: Dwords = Array.from({ length: 7 }, (_, i) => [0x20 + 4 * i, i + 1] as const);
    const of = (size: number): unknown =>
      decoded([[0x04, 0x20 | ((size & 15) << 8)], [0x0c, 0x0004_0101], ...log]).dpc.rpPio;
    const status = [{ short: 'CfgUR' }, { short: 'IoUR' }, { short: 'MemCTO' }];
    expect(of(0)).toMatchObject({ status, header: undefined, implementationSpecific: undefined, prefixes: [] });
    expect(of(4)).toMatchObject({ header: [1, 2, 3, 4], implementationSpecific: undefined });
    expect(of(7)).toMatchObject({ header: [1, 2, 3, 4], implementationSpecific: 5, prefixes: [6, 7] });
  });

  it('takes bit 13 as bit 4 of the log size, and reports sizes that no log has (Linux dpc.c)', () => {
    const large = decoded([[0x04, 0x2020]]);
    expect(large.dpc.rpPioLogSize).toBe(16);
    for (const size of [0x2020, 0x0120, 0x0320]) {
      const { dpc, findings } = decoded([[0x04, size]]);
      expect(findings).toMatchObject([{ code: 'dpc_log_size_invalid', offset: 0x104 }]);
      expect(dpc.length).toBe(0x20);
    }
  });
});

describe('SR-IOV', () => {
  const sriov = decodeFunction(
    madeSpace(4096, 0x40, [
      [0x40, pcieHeader(0)],
      [0x100, extendedHeader(0x10)],
      [0x10c, 0x0040_0040],
      [0x110, 0x0000_0008],
      [0x114, 0x0002_0080],
      [0x118, 0x10ed_0000],
      [0x124, 0xf000_000c],
      [0x128, 0x0000_0010],
      [0x130, 0xe000_0000],
    ]),
  ).sriov!;

  it('counts virtual functions and says how they are told apart (PCIe r6.1 §9.3.3.10)', () => {
    expect(sriov.registers).toMatchObject({ initialVfs: 64, totalVfs: 64, numVfs: 8, vfDeviceId: 0x10ed });
    expect([0, 1, 63].map((index) => sriov.virtualFunction(0x0300, index))).toEqual([0x0380, 0x0382, 0x03fe]);
    expect(sriov.virtualFunction(0xff80, 1)).toBe(0x0002);
  });

  it('has base addresses of its own', () => {
    expect(sriov.vfBaseAddresses).toEqual([
      { index: 0, space: 'memory', bits: 64, prefetchable: true, address: 0x10_f000_0000n },
      { index: 3, space: 'memory', bits: 32, prefetchable: false, address: 0xe000_0000n },
    ]);
  });
});
