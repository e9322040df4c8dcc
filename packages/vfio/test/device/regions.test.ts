import { MsixCapability } from '@pci-recovery/pci';
import { msixPages } from '../../src/device/regions/msix-table.js';
import { VfioRegion } from '../../src/index.js';
import { type RegionInfo, type RegionCapability } from '../../src/uapi/index.js';
import { failure } from '../uapi/failure.js';
import { A, Lab, ONE } from './lab.js';
import { CannedKernel, errno } from './canned-kernel.js';

const PAGE = 4096n;

/** A region of 64 KiB with these capabilities, and the mappings that were made of it. */
function region(capabilities: readonly RegionCapability[], flags: RegionInfo['flags'] = new Set(['read', 'mmap'])) {
  const kernel = new CannedKernel();
  const mapped: (readonly [length: number, protection: number, offset: bigint])[] = [];
  const unmapped: ArrayBuffer[] = [];
  kernel.syscalls.mmap = (_, length, protection, offset) => {
    mapped.push([length, protection, offset]);
    return { memory: new ArrayBuffer(length), address: 0x1000n };
  };
  kernel.syscalls.munmap = (memory) => {
    unmapped.push(memory);
    return 0;
  };
  const file = kernel.file();
  const mappings = new Set<Disposable>();
  const info = { index: 2, size: 0x1_0000n, offset: 2n << 40n, flags, unknownFlags: 0, capabilities };
  return { kernel, region: new VfioRegion(file, info, mappings), file, mapped, unmapped, mappings };
}

const sparse = (...areas: (readonly [bigint, bigint])[]): RegionCapability => ({
  kind: 'sparse-mmap',
  areas: areas.map(([offset, size]) => ({ offset, size })),
});

describe('what of a region can be mapped', () => {
  it.each([
    ['all of it', [], new Set(['mmap'] as const), [[0n, 0x1_0000n]]],
    ['nothing', [], new Set(['read'] as const), []],
    ['nothing, whatever areas there are', [sparse([0n, PAGE])], new Set(['read'] as const), []],
    [
      'only some areas',
      [sparse([0n, PAGE], [0x8000n, PAGE])],
      new Set(['mmap'] as const),
      [
        [0n, PAGE],
        [0x8000n, PAGE],
      ],
    ],
    ['no area', [sparse()], new Set(['mmap'] as const), []],
  ] as const)('is %s', async (_, capabilities, flags, areas) => {
    const { region: bar, file } = region(capabilities, flags);
    expect(bar.areas.map(({ offset, size }) => [offset, size])).toEqual(areas);
    await file.close();
  });

  it('is a part that lies within one area', async () => {
    const { region: bar, file } = region([sparse([0x1000n, 0x2000n], [0x3000n, PAGE])]);
    const can = (offset: number, length: number) => bar.mappable(offset, length) === true;
    expect([can(0x1000, 0x2000), can(0x2000, 0x1000), can(0x3000, 0x1000)]).toEqual([true, true, true]);
    expect([can(0, 0x1000), can(0x2000, 0x2000), can(0x4000, 0x1000), can(0x0fff, 0x1000)]).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(failure(() => bar.map({ offset: 0, length: 0x1000 })).code).toBe('ERR_PCI_UNSUPPORTED');
    await file.close();
  });

  it('says whether the pages of the MSI-X table are among it', async () => {
    for (const [capabilities, expected] of [
      [[{ kind: 'msix-mappable' }], true],
      [[], false],
    ] as const) {
      const { region: bar, file } = region(capabilities);
      expect(bar.msixMappable).toBe(expected);
      await file.close();
    }
  });
});

describe('a mapping', () => {
  it('is of the whole region, to be read and written, unless it is said otherwise', async () => {
    const { region: bar, file, mapped } = region([]);
    bar.map();
    bar.map({ offset: 0x4000 });
    bar.map({ offset: 0x4000, length: 0x1000, write: false });
    expect(mapped).toEqual([
      [0x1_0000, 3, 2n << 40n],
      [0xc000, 3, (2n << 40n) + 0x4000n],
      [0x1000, 1, (2n << 40n) + 0x4000n],
    ]);
    await file.close();
  });

  it('is undone once, by whoever is first: its holder, or the device’s close', async () => {
    const { region: bar, file, unmapped, mappings } = region([]);
    const area = bar.map();
    expect(mappings.size).toBe(1);
    area[Symbol.dispose]();
    area[Symbol.dispose]();
    expect([mappings.size, unmapped]).toEqual([0, [area.memory]]);
    await file.close();
  });

  it('stays, and says so, while a call in a thread uses its memory: it can be undone later', async () => {
    const { kernel, region: bar, file, mappings } = region([]);
    const area = bar.map();
    kernel.syscalls.munmap = () => errno('EBUSY');
    expect(failure(() => area[Symbol.dispose]())).toMatchObject({
      code: 'ERR_PCI_BUSY',
      context: { call: 'munmap', region: 2 },
    });
    expect(mappings.size).toBe(1);
    kernel.syscalls.munmap = () => 0;
    area[Symbol.dispose]();
    expect(mappings.size).toBe(0);
    await file.close();
  });

  it.each([
    { offset: 0.5 },
    { offset: NaN },
    { offset: -4096 },
    { offset: 4096, length: 0 },
    { offset: 8192, length: -4096 },
    { length: Infinity },
  ])('is of whole bytes within the region, not %p', async (options) => {
    const { region: bar, file, mapped } = region([]);
    expect(failure(() => bar.map(options)).code).toBe('ERR_PCI_UNSUPPORTED');
    expect(mapped).toEqual([]);
    await file.close();
  });

  it('cannot be made after the close', async () => {
    const { region: bar, file } = region([]);
    await file.close();
    expect(failure(() => bar.map()).code).toBe('ERR_PCI_CLOSED');
  });
});

describe('the pages of the MSI-X table', () => {
  /** A capability with that many vectors at an offset of BAR 2. */
  const at = (offset: number, vectors: number): MsixCapability =>
    new MsixCapability(0x40, 12, { header: 0x11, control: vectors - 1, table: offset | 2, pendingBitArray: 2 });

  it.each([
    [0x2000, 4, { offset: 0, length: 0x1_0000, start: 0x2000 }],
    [0, 1, { offset: 0, length: 0x1_0000, start: 0 }],
    [0xfff0, 1, { offset: 0, length: 0x1_0000, start: 0xfff0 }],
  ])('at %p with %d vectors begin and end with whole pages, within the region', async (offset, vectors, expected) => {
    const { region: bar, file } = region([]);
    expect(msixPages(at(offset, vectors), bar)).toEqual({ region: bar, vectors, ...expected });
    await file.close();
  });
});

describe('a device without MSI-X', () => {
  it('has no table to be seen', async () => {
    const lab = new Lab({
      ...ONE,
      groups: [{ number: 7, functions: [{ bdf: A, config: { msix: undefined } }] }],
    });
    const device = await lab.open(A);
    expect(await device.msixTable()).toEqual({ absent: `${A} has no MSI-X` });
    await expect(device.mapMsixTable()).rejects.toMatchObject({ code: 'ERR_PCI_UNSUPPORTED', context: { bdf: A } });
    await device.close();
  });
});
