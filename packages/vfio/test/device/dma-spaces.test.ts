import { DmaMemory, type SpaprSpace, type VfioDevice } from '../../src/index.js';
import { type MachineDescription } from '../../src/testing/index.js';
import { A, Lab, ONE } from './lab.js';

const RANGES = [
  { start: 0n, end: 0xfedf_ffffn },
  { start: 0xfef0_0000n, end: 0x7f_ffff_ffffn },
];

/** More ranges than are asked for at first. */
const MANY = Array.from({ length: 20 }, (_, at) => ({
  start: BigInt(at) << 32n,
  end: (BigInt(at) << 32n) + 0xffff_ffn,
}));

const POWER: MachineDescription = {
  ...ONE,
  arch: 'ppc64',
  dma: { window: { start: 0, size: 0x4000_0000 } },
};

async function on(machine: MachineDescription, work: (device: VfioDevice, lab: Lab) => Promise<void>, options = {}) {
  const lab = new Lab(machine);
  const device = await lab.open(A, options);
  await work(device, lab);
  await device.close();
  expect(lab.left).toEqual([]);
}

describe('where DMA addresses may lie', () => {
  it.each([
    ['type1', { ...ONE, dma: { ranges: RANGES } }, RANGES],
    ['type1, with many ranges', { ...ONE, dma: { ranges: MANY } }, MANY],
    ['iommufd', { ...ONE, cdev: true, dma: { ranges: RANGES } }, RANGES],
    ['iommufd, with more ranges than fit at first', { ...ONE, cdev: true, dma: { ranges: MANY } }, MANY],
    ['SPAPR TCE', POWER, [{ start: 0n, end: 0x3fff_ffffn }]],
  ])('is told by %s', async (_, machine, ranges) => {
    await on(machine, async (device) => {
      expect(device.dma.ranges()).toEqual(ranges.map(({ start, end }) => ({ start, last: end })));
    });
  });
});

describe('memory that is mapped', () => {
  it.each([
    ['type1', ONE, {}],
    ['iommufd', { ...ONE, cdev: true }, {}],
    ['SPAPR TCE version 1', POWER, { iommu: 'spaprTceIommu' as const }],
    ['SPAPR TCE version 2', POWER, { iommu: 'spaprTceV2Iommu' as const }],
  ])('can be mapped again after it was unmapped: %s', async (_, machine, options) => {
    await on(
      machine,
      async (device, lab) => {
        using memory = DmaMemory.allocate(lab.kernel, 8192, 'ppc64');
        const { address, size } = memory;
        for (const iova of [0x10_0000n, 0x10_0000n, 0x20_0000n]) {
          expect(await device.mapDma({ address, size, iova })).toBe(iova);
          await device.unmapDma(iova);
        }
      },
      options,
    );
  });

  it('is chosen a DMA address for by iommufd', async () => {
    await on({ ...ONE, cdev: true }, async (device, lab) => {
      using memory = DmaMemory.allocate(lab.kernel, 4096);
      const iova = await device.mapDma({ address: memory.address, size: memory.size });
      expect(device.dma.ranges().some(({ start, last }) => iova >= start && iova <= last)).toBe(true);
      await device.unmapDma(iova);
    });
  });

  it.each([
    ['type1', { ...ONE, dma: { memlock: 4096 } }],
    ['iommufd', { ...ONE, cdev: true, dma: { memlock: 4096 } }],
  ])('is limited by RLIMIT_MEMLOCK: %s', async (_, machine) => {
    await on(machine, async (device, lab) => {
      using memory = DmaMemory.allocate(lab.kernel, 8192);
      const mapping = device.mapDma({ address: memory.address, size: memory.size, iova: 0x10_0000n });
      await expect(mapping).rejects.toMatchObject({
        code: 'ERR_PCI_LIMIT',
        message: expect.stringContaining('RLIMIT_MEMLOCK') as string,
        context: { errno: 'ENOMEM', limit: 'RLIMIT_MEMLOCK', size: '8192' },
      });
    });
  });

  it('may not lie where no DMA address may lie', async () => {
    await on({ ...ONE, dma: { ranges: RANGES } }, async (device, lab) => {
      using memory = DmaMemory.allocate(lab.kernel, 4096);
      const mapping = device.mapDma({ address: memory.address, size: memory.size, iova: 0xfee0_0000n });
      await expect(mapping).rejects.toMatchObject({ code: 'ERR_PCI_BAD_DMA', context: { errno: 'EINVAL' } });
    });
  });

  it('is unmapped at the close also by a device whose group others still use', async () => {
    const { ports, groups } = ONE;
    const second = '0000:01:00.1';
    const [first] = groups[0]!.functions;
    const lab = new Lab({
      ...ONE,
      ports: ports!,
      groups: [{ number: 7, functions: [first!, { ...first!, bdf: second }] }],
    });
    const [a, b] = [await lab.open(A), await lab.open(second)];
    using memory = DmaMemory.allocate(lab.kernel, 4096);
    const mapping = { address: memory.address, size: memory.size, iova: 0x10_0000n };
    await a.mapDma(mapping);
    await expect(b.unmapDma(0x10_0000n)).rejects.toMatchObject({ code: 'ERR_PCI_BAD_DMA' });
    await a.close();
    expect(await b.mapDma(mapping)).toBe(0x10_0000n);
    await b.close();
  });

  it('is mapped to its end while the device is closed, and then unmapped', async () => {
    const lab = new Lab(ONE);
    const device = await lab.open(A);
    using memory = DmaMemory.allocate(lab.kernel, 4096);
    const held = lab.kernel.script({ call: 'ioctl', request: 'VFIO_IOMMU_MAP_DMA', hold: true });
    const mapping = device.mapDma({ address: memory.address, size: memory.size, iova: 0x10_0000n });
    const closing = device.close();
    await lab.turn();
    held.release();
    expect(await mapping).toBe(0x10_0000n);
    await closing;
    expect(lab.count('VFIO_IOMMU_UNMAP_DMA')).toBe(1);
  });
});

describe('SPAPR TCE version 2', () => {
  const V2 = { iommu: 'spaprTceV2Iommu' as const };

  it('maps a piece of memory twice at the same time: the second waits until it is registered', async () => {
    await on(
      POWER,
      async (device, lab) => {
        using memory = DmaMemory.allocate(lab.kernel, 8192, 'ppc64');
        const { address, size } = memory;
        const held = lab.kernel.script({ call: 'ioctl', request: 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY', hold: true });
        const mappings = [0x10_0000n, 0x20_0000n].map((iova) => device.mapDma({ address, size, iova }));
        await lab.turn();
        expect(lab.count('VFIO_IOMMU_MAP_DMA')).toBe(0);
        held.release();
        expect(await Promise.all(mappings)).toEqual([0x10_0000n, 0x20_0000n]);
        expect(lab.count('VFIO_IOMMU_SPAPR_REGISTER_MEMORY')).toBe(1);
        for (const iova of [0x10_0000n, 0x20_0000n]) await device.unmapDma(iova);
        expect(lab.count('VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY')).toBe(1);
      },
      V2,
    );
  });

  it('maps memory again while it is being given back: it waits for that', async () => {
    await on(
      POWER,
      async (device, lab) => {
        using memory = DmaMemory.allocate(lab.kernel, 8192, 'ppc64');
        const { address, size } = memory;
        await device.mapDma({ address, size, iova: 0x10_0000n });
        const held = lab.kernel.script({ call: 'ioctl', request: 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY', hold: true });
        const unmapping = device.unmapDma(0x10_0000n);
        await lab.turn();
        const mapping = device.mapDma({ address, size, iova: 0x20_0000n });
        await lab.turn();
        held.release();
        await unmapping;
        expect(await mapping).toBe(0x20_0000n);
        await device.unmapDma(0x20_0000n);
      },
      V2,
    );
  });

  it('goes on after a mapping that was refused', async () => {
    await on(
      POWER,
      async (device, lab) => {
        using memory = DmaMemory.allocate(lab.kernel, 8192, 'ppc64');
        const { address, size } = memory;
        lab.kernel.script({ call: 'ioctl', request: 'VFIO_IOMMU_MAP_DMA', times: 1, result: 'EIO' });
        const [first, second] = [0x10_0000n, 0x20_0000n].map((iova) => device.mapDma({ address, size, iova }));
        await expect(first).rejects.toMatchObject({ context: { errno: 'EIO' } });
        expect(await second).toBe(0x20_0000n);
      },
      V2,
    );
  });

  it('has further DMA windows', async () => {
    await on(
      POWER,
      async (device) => {
        const dma = device.dma as SpaprSpace;
        const windows = dma.info().dynamicWindows!;
        expect(windows.mostWindows).toBeGreaterThan(0);
        const start = dma.createWindow({ pageShift: 16, size: 1n << 30n, levels: 1 });
        dma.removeWindow(start);
      },
      { iommu: 'spaprTceV2Iommu' },
    );
  });
});
