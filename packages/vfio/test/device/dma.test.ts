import {
  type KernelFile,
  DmaMemory,
  IoasSpace,
  openDescriptors,
  SpaprSpace,
  Type1Space,
  type DmaSpace,
} from '../../src/index.js';
import { type RequestName } from '../../src/uapi/requests.js';
import { HOST_BYTE_ORDER } from '../../src/uapi/byte-order.js';
import { decodeStruct } from '../../src/uapi/struct/decode.js';
import { failure } from '../uapi/failure.js';
import { errno, CannedKernel } from './canned-kernel.js';

const MEMORY = { address: 0x7f00_0000_0000n, size: 0x2000n };

const files: KernelFile[] = [];
afterEach(async () => {
  for (const file of files.splice(0)) await file.close();
  expect(openDescriptors()).toEqual([]);
});

const SPACES = {
  type1: { make: (file: KernelFile) => new Type1Space(file), map: 'VFIO_IOMMU_MAP_DMA' },
  'spapr 1': { make: (file: KernelFile) => new SpaprSpace(file, 1), map: 'VFIO_IOMMU_MAP_DMA' },
  'spapr 2': { make: (file: KernelFile) => new SpaprSpace(file, 2), map: 'VFIO_IOMMU_MAP_DMA' },
  iommufd: { make: (file: KernelFile) => new IoasSpace(file, 3), map: 'IOMMU_IOAS_MAP' },
} as const satisfies Record<string, { make(file: KernelFile): DmaSpace; map: RequestName }>;

/** A space on a file that the test gives back. */
function space(name: keyof typeof SPACES) {
  const kernel = new CannedKernel();
  kernel.container = true;
  const { make, map } = SPACES[name];
  const file = kernel.file();
  files.push(file);
  const dma: DmaSpace = make(file);
  return { kernel, dma, map };
}

const requests = ({ seen }: CannedKernel): string[] => seen.map(({ request }) => request);

describe.each(Object.keys(SPACES) as (keyof typeof SPACES)[])('a mapping of %s', (name) => {
  it.each([
    ['ENOMEM', 'ERR_PCI_LIMIT', /RLIMIT_MEMLOCK is too small/],
    ['EPERM', 'ERR_PCI_PERMISSION', /not enabled for DMA/],
    ['EEXIST', 'ERR_PCI_BUSY', /already|is mapped at this DMA address/],
    ['ENOSPC', 'ERR_PCI_LIMIT', /too many mappings/],
    ['EINVAL', 'ERR_PCI_BAD_DMA', /multiples of the page size/],
    ['EIO', 'ERR_PCI_SYSCALL', /error state/],
    ['ENXIO', 'ERR_PCI_BAD_DMA', /no DMA window/],
    ['EFAULT', 'ERR_PCI_SYSCALL', /cannot reach the memory/],
  ])('that the kernel refuses with %s throws %s', async (refusal, code, message) => {
    const { kernel, dma, map } = space(name);
    kernel.answers[map] = [errno(refusal)];
    const mapping = dma.map({ ...MEMORY, iova: 0x1000n });
    await expect(mapping).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
      context: { errno: refusal, address: '0x7f0000000000', size: '8192', iova: '0x1000' },
    });
  });

  it('that is no mapping is refused before the kernel is asked', async () => {
    const { kernel, dma } = space(name);
    await expect(dma.map({ ...MEMORY, iova: 0n, size: 0n })).rejects.toMatchObject({ code: 'ERR_PCI_BAD_UAPI_FIELD' });
    await expect(dma.map({ ...MEMORY, iova: 0n, read: false, write: false })).rejects.toMatchObject({
      code: 'ERR_PCI_BAD_UAPI_FIELD',
    });
    expect(requests(kernel).filter((request) => request.includes('MAP'))).toEqual([]);
  });

  it('may be read and written by the device, unless it is said otherwise', async () => {
    const { kernel, dma, map } = space(name);
    const flags = async (how: object) => {
      await dma.map({ ...MEMORY, iova: 0x1000n, ...how }).catch(() => undefined);
      const { bytes } = kernel.seen.filter(({ request }) => request === map).at(-1)!;
      const struct = map === 'IOMMU_IOAS_MAP' ? 'iommu_ioas_map' : 'vfio_iommu_type1_dma_map';
      return decodeStruct(struct, bytes, HOST_BYTE_ORDER).flags;
    };
    const [both, reading, writing] = [await flags({}), await flags({ write: false }), await flags({ read: false })];
    expect(both).toBe(reading | writing);
    expect(new Set([both, reading, writing]).size).toBe(3);
  });
});

describe('a DMA address', () => {
  it.each(['type1', 'spapr 1', 'spapr 2'] as const)('has to be given to %s', async (name) => {
    const { kernel, dma } = space(name);
    await expect(dma.map(MEMORY)).rejects.toMatchObject({ code: 'ERR_PCI_BAD_DMA' });
    expect(requests(kernel)).toEqual([]);
  });

  it('is chosen by iommufd where it is left out', async () => {
    const { kernel, dma } = space('iommufd');
    kernel.answers.IOMMU_IOAS_MAP = [
      (argument) => {
        const bytes = argument as Uint8Array;
        new DataView(bytes.buffer).setBigUint64(32, 0xf000n, HOST_BYTE_ORDER === 'LE');
        return 0;
      },
    ];
    expect(await dma.map(MEMORY)).toBe(0xf000n);
  });
});

describe('SPAPR TCE, version 1', () => {
  it('is enabled once, before the first mapping', async () => {
    const { kernel, dma } = space('spapr 1');
    await dma.map({ ...MEMORY, iova: 0x1000n });
    await dma.map({ ...MEMORY, iova: 0x8000n });
    expect(requests(kernel)).toEqual(['VFIO_IOMMU_ENABLE', 'VFIO_IOMMU_MAP_DMA', 'VFIO_IOMMU_MAP_DMA']);
  });

  it.each([
    ['ENOMEM', 'ERR_PCI_LIMIT', /whole DMA window counts as locked memory/],
    ['EPERM', 'ERR_PCI_PERMISSION', /use version 2/],
  ])('says why it cannot be enabled: %s', async (refusal, code, message) => {
    const { kernel, dma } = space('spapr 1');
    kernel.answers.VFIO_IOMMU_ENABLE = [errno(refusal)];
    await expect(dma.map({ ...MEMORY, iova: 0x1000n })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
    expect(requests(kernel)).toEqual(['VFIO_IOMMU_ENABLE']);
  });
});

describe('SPAPR TCE, version 2', () => {
  const [REGISTER, UNREGISTER] = ['VFIO_IOMMU_SPAPR_REGISTER_MEMORY', 'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY'] as const;

  it('registers memory before it is mapped and gives it back after it is unmapped', async () => {
    const { kernel, dma } = space('spapr 2');
    await dma.map({ ...MEMORY, iova: 0x1000n });
    await dma.unmap(0x1000n, MEMORY.size);
    expect(requests(kernel)).toEqual([REGISTER, 'VFIO_IOMMU_MAP_DMA', 'VFIO_IOMMU_UNMAP_DMA', UNREGISTER]);
  });

  it('registers memory once, however often it is mapped: the kernel answers EBUSY to the second time', async () => {
    const { kernel, dma } = space('spapr 2');
    await dma.map({ ...MEMORY, iova: 0x1000n });
    await dma.map({ ...MEMORY, iova: 0x8000n });
    await dma.unmap(0x1000n, MEMORY.size);
    expect(requests(kernel).filter((request) => request.includes('REGISTER'))).toEqual([REGISTER]);
    await dma.unmap(0x8000n, MEMORY.size);
    expect(requests(kernel).filter((request) => request.includes('REGISTER'))).toEqual([REGISTER, UNREGISTER]);
  });

  it('gives memory back that could not be mapped', async () => {
    const { kernel, dma } = space('spapr 2');
    kernel.answers.VFIO_IOMMU_MAP_DMA = [errno('ENXIO')];
    await expect(dma.map({ ...MEMORY, iova: 0x1000n })).rejects.toMatchObject({ code: 'ERR_PCI_BAD_DMA' });
    expect(requests(kernel)).toEqual([REGISTER, 'VFIO_IOMMU_MAP_DMA', UNREGISTER]);
  });

  it('maps nothing that could not be registered, and forgets it', async () => {
    const { kernel, dma } = space('spapr 2');
    kernel.answers[REGISTER] = [errno('ENOMEM'), 0];
    await expect(dma.map({ ...MEMORY, iova: 0x1000n })).rejects.toMatchObject({
      code: 'ERR_PCI_LIMIT',
      context: { limit: 'RLIMIT_MEMLOCK' },
    });
    await dma.map({ ...MEMORY, iova: 0x1000n });
    expect(requests(kernel)).toEqual([REGISTER, REGISTER, 'VFIO_IOMMU_MAP_DMA']);
  });
});

describe('DMA memory', () => {
  /** A kernel that maps, and notes lengths and what was unmapped. */
  function mapping(result?: number) {
    const { syscalls } = new CannedKernel();
    const lengths: number[] = [];
    const unmapped: ArrayBuffer[] = [];
    syscalls.mmap = (fd, length) => {
      expect(fd).toBe(-1);
      lengths.push(length);
      return result ?? { memory: new ArrayBuffer(length), address: 0x7000n };
    };
    syscalls.munmap = (memory) => {
      unmapped.push(memory);
      return 0;
    };
    return { syscalls, lengths, unmapped };
  }

  it.each([
    ['x64', 1, 4096],
    ['s390x', 4097, 8192],
    ['ppc64', 1, 65_536],
    ['arm64', 65_537, 131_072],
  ])('of %s has whole pages: %d bytes take %d', (arch, bytes, length) => {
    const { syscalls, lengths } = mapping();
    using memory = DmaMemory.allocate(syscalls, bytes, arch);
    expect([lengths, memory.size, memory.bytes.length, memory.address]).toEqual([
      [length],
      BigInt(length),
      length,
      0x7000n,
    ]);
  });

  it('is let go of once', () => {
    const { syscalls, unmapped } = mapping();
    const memory = DmaMemory.allocate(syscalls, 1);
    memory[Symbol.dispose]();
    memory[Symbol.dispose]();
    expect(unmapped).toEqual([memory.memory]);
  });

  it('stays, and says so, while a call in a thread uses it', () => {
    const { syscalls, unmapped } = mapping();
    const memory = DmaMemory.allocate(syscalls, 1);
    syscalls.munmap = () => errno('EBUSY');
    expect(failure(() => memory[Symbol.dispose]())).toMatchObject({
      code: 'ERR_PCI_BUSY',
      context: { call: 'munmap' },
    });
    syscalls.munmap = (each) => unmapped.push(each);
    memory[Symbol.dispose]();
    expect(unmapped).toHaveLength(1);
  });

  it.each([0, -1, 0.5, NaN, Infinity])('has at least one byte, not %p', (bytes) => {
    expect(failure(() => DmaMemory.allocate(mapping().syscalls, bytes)).code).toBe('ERR_PCI_BAD_DMA');
  });

  it('may not be had', () => {
    expect(failure(() => DmaMemory.allocate(mapping(errno('ENOMEM')).syscalls, 1)).code).toBe('ERR_PCI_LIMIT');
  });
});
