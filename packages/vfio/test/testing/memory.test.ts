import { ScriptedKernel } from '../../src/testing/index.js';
import { type Mapping } from '../../src/index.js';
import { BDF, named, Program, turns, x86 } from './programs.js';

const opened = (): { kernel: ScriptedKernel; program: Program; device: number; container: number } => {
  const kernel = new ScriptedKernel(x86());
  const program = new Program(kernel);
  return { kernel, program, ...program.openDevice() };
};
const map = (kernel: ScriptedKernel, fd: number, length: number, offset = 0n): Mapping => {
  const mapping = kernel.mmap(fd, length, 3, offset);
  if (typeof mapping === 'number') throw new Error(String(named(mapping)));
  return mapping;
};

describe('anonymous memory', () => {
  const kernel = new ScriptedKernel(x86());

  it('is mapped at a page, holds what is stored, and has no bytes after munmap', () => {
    const { memory, address } = map(kernel, -1, 8192);
    expect(address % 4096n).toBe(0n);
    expect(kernel.addressOf(new Uint8Array(memory, 100))).toBe(address + 100n);
    expect(kernel.munmap(memory)).toBe(0);
    expect(memory.byteLength).toBe(0);
    expect(named(kernel.munmap(memory))).toBe('EINVAL');
    expect(named(kernel.munmap(new ArrayBuffer(8)))).toBe('EINVAL');
  });

  it('has a length and an offset of whole pages', () => {
    expect(named(kernel.mmap(-1, 0, 3, 0n) as number)).toBe('EINVAL');
    expect(named(kernel.mmap(-1, 4096, 3, 100n) as number)).toBe('EINVAL');
    expect(named(kernel.mmap(-1, 2 ** 33, 3, 0n) as number)).toBe('EFBIG');
  });

  it('of the heap does not begin at a page: who maps it for DMA is refused, as on a real kernel', () => {
    const heap = new Uint8Array(8192);
    expect(kernel.addressOf(heap) % 4096n).not.toBe(0n);
    expect(kernel.addressOf(heap)).toBe(kernel.addressOf(heap));
    expect(kernel.addressOf(heap.subarray(5))).toBe(kernel.addressOf(heap) + 5n);
    expect(kernel.addressOf(new Uint8Array())).toBe(0n);
  });
});

describe('a mapped BAR', () => {
  it('is seen by every mapping and by pread, after the next call of anybody', () => {
    const { kernel, device } = opened();
    const [one, two] = [map(kernel, device, 4096), map(kernel, device, 8192)].map(
      ({ memory }) => new Uint8Array(memory),
    );
    one![5] = 0xab;
    kernel.eventfd(0);
    expect(two![5]).toBe(0xab);
    kernel.hardware(BDF).bars[0]!.bytes[6] = 0xcd;
    kernel.eventfd(0);
    expect([one![6], two![6]]).toEqual([0xcd, 0xcd]);
  });

  it('is refused beyond its end, and where there is no BAR', () => {
    const { kernel, device } = opened();
    const refused = [
      kernel.mmap(device, 0x8000, 3, 0n),
      kernel.mmap(device, 4096, 3, 0x4000n),
      kernel.mmap(device, 4096, 3, 1n << 40n),
      kernel.mmap(device, 4096, 3, 7n << 40n),
    ];
    expect(refused.map((each) => named(each as number))).toEqual(refused.map(() => 'EINVAL'));
  });

  it('reads all ones while the function does not answer, and stores are lost', () => {
    const { kernel, program, device } = opened();
    const view = new Uint8Array(map(kernel, device, 4096).memory);
    view[0] = 1;
    program.writeConfig(device, 4, 0, 0);
    expect(view[0]).toBe(0xff);
    view[0] = 2;
    program.writeConfig(device, 4, 2, 0);
    expect(view[0]).toBe(1);
  });

  it('is shown with the MSI-X table, which pread hides (R5.4)', () => {
    const { kernel, device } = opened();
    const view = new Uint8Array(map(kernel, device, 0x4000).memory);
    expect(view[0x2000 + 12]).toBe(1);
    const read = new Uint8Array(16);
    kernel.pread(device, read, 0x2000n);
    expect([...read]).toEqual(Array(16).fill(0xff));
    kernel.pwrite(device, new Uint8Array(16), 0x2000n);
    expect(view[0x2000 + 12]).toBe(1);
  });

  it('cannot be unmapped while a call in the background works on it: EBUSY', async () => {
    const { kernel } = opened();
    const { memory } = map(kernel, -1, 4096);
    const held = kernel.script({ call: 'pread', hold: true });
    const read = kernel.preadAsync(5, new Uint8Array(memory), 0n);
    expect(named(kernel.munmap(memory))).toBe('EBUSY');
    held.release();
    await read;
    await turns();
    expect(kernel.munmap(memory)).toBe(0);
  });

  it('answers EIO by pread while memory decoding is off', () => {
    const { kernel, program, device } = opened();
    program.writeConfig(device, 4, 0, 0);
    expect(named(kernel.pread(device, new Uint8Array(4), 0n))).toBe('EIO');
    expect(named(kernel.pwrite(device, new Uint8Array(4), 0n))).toBe('EIO');
  });
});

describe('pointers in structures', () => {
  it('lead to the memory that addressOf named, until it is detached', () => {
    const { kernel, program, container } = opened();
    const { memory, address } = map(kernel, -1, 4096);
    const argument = new Uint8Array(32);
    const view = new DataView(argument.buffer);
    const little = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
    [32, 3].forEach((word, at) => view.setUint32(4 * at, word, little));
    [address, 0x10_0000n, 4096n].forEach((word, at) => view.setBigUint64(8 + 8 * at, word, little));
    expect(program.ioctl(container, 'VFIO_IOMMU_MAP_DMA', Number(kernel.addressOf(argument)))).toBe(0);
    kernel.munmap(memory);
    view.setBigUint64(16, 0x20_0000n, little);
    expect(program.ioctl(container, 'VFIO_IOMMU_MAP_DMA', argument)).toBe('EFAULT');
    expect(program.ioctl(container, 'VFIO_IOMMU_MAP_DMA', 12345)).toBe('EFAULT');
    expect(program.ioctl(container, 'VFIO_IOMMU_MAP_DMA')).toBe('EFAULT');
  });
});
