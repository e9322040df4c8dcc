import { ScriptedKernel } from '../../src/testing/index.js';
import {
  type ByteOrder,
  dmaMap,
  dmaUnmap,
  EXTENSION,
  HOST_BYTE_ORDER,
  spaprRegisterMemory,
  tceCreate,
  tceRemove,
  type1Info,
} from '../../src/uapi/index.js';
import { BDF, ppc64, Program, x86 } from './programs.js';

const PAGE = 4096n;
const order: ByteOrder = HOST_BYTE_ORDER;

function container(kernel: ScriptedKernel, group: number, iommu: number) {
  const program = new Program(kernel);
  const fds = program.openDevice(BDF, group, iommu);
  const { address } = kernel.mmap(-1, 0x10_000, 3, 0n) as { address: bigint };
  const map = (iova: bigint, size = PAGE, from = address): string | number =>
    program.ioctl(
      fds.container,
      'VFIO_IOMMU_MAP_DMA',
      dmaMap.encodeRequest({ address: from, iova, size, read: true, write: true }),
    );
  const unmap = (iova: bigint, size = PAGE): string | number | bigint => {
    const request = dmaUnmap.encodeRequest({ iova, size });
    const result = program.ioctl(fds.container, 'VFIO_IOMMU_UNMAP_DMA', request);
    return result === 0 ? dmaUnmap.decodeReply(request, { iova, size }) : result;
  };
  return { kernel, program, address, map, unmap, ...fds };
}

describe('type1', () => {
  const opened = (dma = {}, iommu: number = EXTENSION.type1v2Iommu) =>
    container(new ScriptedKernel(x86({}, { dma })), 7, iommu);

  it('ends at the memlock limit: ENOMEM; and at its number of mappings: ENOSPC', () => {
    const locked = opened({ memlock: 8192 });
    expect([locked.map(0x10_0000n), locked.map(0x20_0000n), locked.map(0x30_0000n)]).toEqual([0, 0, 'ENOMEM']);
    expect(locked.unmap(0x10_0000n)).toBe(PAGE);
    expect(locked.map(0x30_0000n)).toBe(0);
    const few = opened({ mappings: 1 });
    expect([few.map(0x10_0000n), few.map(0x20_0000n)]).toEqual([0, 'ENOSPC']);
  });

  it('tells how many mappings are left, its page sizes and ranges', () => {
    const { program, container: fd, map } = opened();
    map(0x10_0000n);
    expect(program.ask(fd, type1Info.query())).toMatchObject({
      pageSizes: 0xffff_ffff_ffff_f000n,
      capabilities: [
        { kind: 'migration', pageSizes: PAGE },
        { kind: 'dma-available', available: 65_534 },
        { kind: 'iova-ranges', ranges: [{ start: 0n, end: 0xfedf_ffffn }, {}] },
      ],
    });
  });

  it('v2 unmaps whole mappings only; v1 takes those that begin in the range, and says how much it was', () => {
    const [one, two] = [opened({}, EXTENSION.type1Iommu), opened()];
    for (const { map } of [one, two]) map(0x10_0000n, 2n * PAGE);
    expect([one.unmap(0x10_1000n), two.unmap(0x10_1000n)]).toEqual([0n, 'EINVAL']);
    expect([two.unmap(0x10_0000n, 4n * PAGE), two.unmap(0x10_0000n, 4n * PAGE)]).toEqual([2n * PAGE, 0n]);
    const request = dmaUnmap.encodeRequest({ iova: 0x10_0000n, size: PAGE });
    expect(one.program.ioctl(one.container, 'VFIO_IOMMU_UNMAP_DMA', request)).toBe(0);
    expect(new DataView(request.buffer).getBigUint64(16, order === 'LE')).toBe(2n * PAGE);
  });
});

describe('SPAPR TCE windows', () => {
  const v1 = (dma = {}) => container(new ScriptedKernel(ppc64({ dma })), 1, EXTENSION.spaprTceIommu);
  const v2 = (dma = {}) => container(new ScriptedKernel(ppc64({ dma })), 1, EXTENSION.spaprTceV2Iommu);
  type Opened = ReturnType<typeof v2>;
  const memory = ({ program, container: fd }: Opened, register: boolean, address: bigint, size: bigint): unknown =>
    program.ioctl(
      fd,
      register ? 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY' : 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY',
      spaprRegisterMemory.encodeRequest({ address, size }),
    );

  it('version 1 maps and unmaps once it is enabled; a second map replaces the first', () => {
    const { program, container: fd, map, unmap } = v1();
    expect(map(0n)).toBe('EPERM');
    expect(program.ioctl(fd, 'VFIO_IOMMU_ENABLE')).toBe(0);
    expect([map(0n), map(0n), unmap(0n), unmap(0n)]).toEqual([0, 0, PAGE, PAGE]);
    expect([map(0x9000_0000n), unmap(0x9000_0000n)]).toEqual(['ENXIO', 'ENXIO']);
    expect([map(1n), map(0n, 100n), map(0n, PAGE, 0x1000n)]).toEqual(['EINVAL', 'EINVAL', 'EFAULT']);
    expect(program.ioctl(fd, 'VFIO_IOMMU_DISABLE')).toBe(0);
    expect([map(0n), unmap(0n)]).toEqual(['EPERM', 'EPERM']);
  });

  it('version 2 maps only memory that was registered, and keeps it while it is mapped', () => {
    const opened = v2();
    const { address, map, unmap } = opened;
    expect([memory(opened, false, address, PAGE), map(0n)]).toEqual(['EPERM', 'EPERM']);
    expect(memory(opened, true, address, 2n * PAGE)).toBe(0);
    expect(memory(opened, true, address, 2n * PAGE)).toBe('EBUSY');
    expect(memory(opened, true, address + PAGE, 2n * PAGE)).toBe('EINVAL');
    expect(memory(opened, true, address + 1n, PAGE)).toBe('EINVAL');
    expect(memory(opened, true, 0x1000n, PAGE)).toBe('EFAULT');
    expect(map(0n, PAGE, address + 2n * PAGE)).toBe('EINVAL');
    expect(map(0n)).toBe(0);
    expect(memory(opened, false, address, 2n * PAGE)).toBe('EBUSY');
    expect(unmap(0n)).toBe(PAGE);
    expect([1, 2].map(() => memory(opened, false, address, 2n * PAGE))).toEqual([0, 'ENOENT']);
    expect(opened.program.ioctl(opened.container, 'VFIO_IOMMU_ENABLE')).toBe('ENOTTY');
  });

  it('registered memory counts against memlock', () => {
    const opened = v2({ memlock: 4096 });
    expect(memory(opened, true, opened.address, 2n * PAGE)).toBe('ENOMEM');
  });

  it('two windows: the second lies at 2^59; each is removed by its address', () => {
    const { program, container: fd } = v2();
    const create = (pageShift: number, size: bigint): unknown => {
      const window = { pageShift, size, levels: 1 };
      const request = tceCreate.encodeRequest(window);
      const result = program.ioctl(fd, 'VFIO_IOMMU_SPAPR_TCE_CREATE', request);
      return result === 0 ? tceCreate.decodeReply(request, window) : result;
    };
    const remove = (start: bigint): unknown =>
      program.ioctl(fd, 'VFIO_IOMMU_SPAPR_TCE_REMOVE', tceRemove.encodeRequest(start));
    expect(create(13, 1n << 32n)).toBe('EINVAL');
    expect(create(16, 1n << 32n)).toBe(1n << 59n);
    expect(create(16, 1n << 32n)).toBe('ENOSPC');
    expect([remove(1n << 59n), remove(1n << 59n), remove(0n)]).toEqual([0, 'EINVAL', 0]);
    expect(create(12, 1n << 30n)).toBe(0n);
  });
});
