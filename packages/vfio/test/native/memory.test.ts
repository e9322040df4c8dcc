import { constants, ftruncateSync } from 'node:fs';
import { endianness } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Mapping } from '../../src/seam/syscalls.js';
import { bytes, describeNative, named, namedOr, text } from './kernel.js';

const { O_RDWR, O_RDONLY, O_CREAT } = constants;
const PROT_READ = 1;
const PROT_READ_WRITE = 3;
const PAGE = 4096;

/** The memory of a buffer goes into another one (ES2024; node 20 has it behind a flag), which nobody holds. */
function moveAndLose(buffer: ArrayBuffer): void {
  if (!('transfer' in ArrayBuffer.prototype)) setFlagsFromString('--harmony-rab-gsab-transfer');
  (runInNewContext('ArrayBuffer.prototype.transfer') as () => ArrayBuffer).call(buffer);
}

describeNative('mmap and munmap', (kernel) => {
  const shared = (length: number): number => {
    const fd = kernel.owned(kernel.open(`/dev/shm/vfio-native-${process.pid}`, O_RDWR | O_CREAT));
    ftruncateSync(fd, length);
    return fd;
  };
  const mapped = (fd: number, length: number, protection = PROT_READ_WRITE, offset = 0n): Mapping => {
    const mapping = kernel.mmap(fd, length, protection, offset);
    if (typeof mapping === 'number') throw new Error(`mmap failed with ${named(mapping)}`);
    return mapping;
  };

  afterAll(async () => (await import('node:fs')).rmSync(`/dev/shm/vfio-native-${process.pid}`, { force: true }));

  it('maps a file shared: what is stored is in the file, and the other way round', () => {
    const fd = shared(PAGE);
    const view = new Uint8Array(mapped(fd, PAGE).memory);
    view.set(bytes('stored'), 10);
    const read = new Uint8Array(6);
    kernel.pread(fd, read, 10n);
    expect(text(read)).toBe('stored');
    kernel.pwrite(fd, bytes('written'), 100n);
    expect(text(view.slice(100, 107))).toBe('written');
    expect(kernel.munmap(view.buffer)).toBe(0);
  });

  it('maps at 64-bit offsets', () => {
    const offset = 2n ** 33n;
    const fd = shared(Number(offset) + PAGE);
    kernel.pwrite(fd, bytes('far'), offset);
    const { memory } = mapped(fd, PAGE, PROT_READ, offset);
    expect(text(new Uint8Array(memory, 0, 3).slice())).toBe('far');
    kernel.munmap(memory);
  });

  it('maps anonymous memory, zeroed', () => {
    const { memory } = mapped(-1, 2 * PAGE);
    expect(memory.byteLength).toBe(2 * PAGE);
    expect(new Uint8Array(memory).every((byte) => byte === 0)).toBe(true);
    kernel.munmap(memory);
  });

  it('tells the address that structures for the kernel hold', () => {
    const { memory, address } = mapped(-1, PAGE);
    expect(address % BigInt(PAGE)).toBe(0n);
    expect(kernel.addressOf(new Uint8Array(memory))).toBe(address);
    expect(kernel.addressOf(new Uint8Array(memory, 17))).toBe(address + 17n);
    kernel.munmap(memory);
  });

  it('gives calls mapped memory like any other', async () => {
    const { memory } = mapped(-1, PAGE);
    const fd = shared(PAGE);
    kernel.pwrite(fd, bytes('into the mapping'), 0n);
    expect(kernel.pread(fd, new Uint8Array(memory, 8, 16), 0n)).toBe(16);
    expect(text(new Uint8Array(memory, 8, 16).slice())).toBe('into the mapping');
    expect(await kernel.pwriteAsync(fd, new Uint8Array(memory), 0n)).toBe(PAGE);
    kernel.munmap(memory);
  });

  it('detaches what it unmaps: no view touches it any more', () => {
    const { memory } = mapped(-1, PAGE);
    const view = new Uint8Array(memory);
    expect(kernel.munmap(memory)).toBe(0);
    expect([memory.byteLength, view.length, view[0]]).toEqual([0, 0, undefined]);
    expect(() => kernel.read(0, view)).toThrow('detached');
  });

  it('answers EINVAL for what is unmapped already or is no mapping', () => {
    const { memory } = mapped(-1, PAGE);
    kernel.munmap(memory);
    expect(named(kernel.munmap(memory))).toBe('EINVAL');
    expect(named(kernel.munmap(new ArrayBuffer(PAGE)))).toBe('EINVAL');
    expect(named(kernel.munmap(new ArrayBuffer(0)))).toBe('EINVAL');
    expect(named(kernel.munmap(Buffer.alloc(10).buffer))).toBe('EINVAL');
  });

  it('does not unmap memory that a call in a thread still uses: EBUSY', async () => {
    const { memory } = mapped(-1, PAGE);
    const running = kernel.preadAsync(kernel.owned(kernel.open('/dev/zero', O_RDONLY)), new Uint8Array(memory), 0n);
    expect(named(kernel.munmap(memory))).toBe('EBUSY');
    expect(await running).toBe(PAGE);
    expect(kernel.munmap(memory)).toBe(0);
  });

  it('does not unmap it either when the memory was moved out of its buffer and lost meanwhile', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const { memory } = mapped(-1, PAGE);
    const random = kernel.owned(kernel.open('/dev/urandom', O_RDONLY));
    const zero = kernel.owned(kernel.open('/dev/zero', O_RDONLY));
    // Every thread of the pool has something to do first.
    const busy = Array.from({ length: 16 }, () => kernel.preadAsync(random, new Uint8Array(1 << 24), 0n));
    const running = kernel.preadAsync(zero, new Uint8Array(memory), 0n);
    moveAndLose(memory);
    for (let turn = 0; turn < 5; turn++) {
      collect();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(named(await running)).toBe(PAGE);
    expect(named(kernel.munmap(memory))).toBe('EINVAL');
    await Promise.all(busy);
  });

  it('unmaps what was lost, when it is collected', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const maps = async (): Promise<number> => {
      const all = (await import('node:fs')).readFileSync('/proc/self/maps', 'utf8');
      return all.split('\n').filter((line) => line.includes(`vfio-native-${process.pid}`)).length;
    };
    const fd = shared(PAGE);
    for (let n = 0; n < 50; n++) mapped(fd, PAGE);
    expect(await maps()).toBe(50);
    for (let turn = 0; turn < 100 && (await maps()) > 0; turn++) {
      collect();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await maps()).toBe(0);
  });

  it.each([
    ['EINVAL', -1, 0, PROT_READ, 0n],
    ['EINVAL', -1, -PAGE, PROT_READ, 0n],
    ['EFBIG', -1, 2 ** 32 + 1, PROT_READ, 0n],
    ['EFBIG', -1, Number.MAX_SAFE_INTEGER, PROT_READ, 0n],
    ['EBADF', 2 ** 31 - 1, PAGE, PROT_READ, 0n],
    ['EBADF', -2, PAGE, PROT_READ, 0n],
  ])('answers %s for descriptor %d, length %d, protection %d, offset %d', (errno, fd, length, protection, offset) => {
    expect(namedOr(kernel.mmap(fd, length, protection, offset))).toBe(errno);
  });

  it('answers what the kernel says of files that cannot be mapped so', () => {
    const plain = kernel.owned(kernel.open('/proc/self/exe', O_RDONLY));
    expect(namedOr(kernel.mmap(plain, PAGE, PROT_READ_WRITE, 0n))).toBe('EACCES');
    expect(namedOr(kernel.mmap(plain, PAGE, PROT_READ, 1n))).toBe('EINVAL');
    expect(namedOr(kernel.mmap(plain, PAGE, PROT_READ, -4096n))).toMatch(/^(EINVAL|EOVERFLOW)$/);
    expect(namedOr(kernel.mmap(kernel.event(), PAGE, PROT_READ, 0n))).toBe('ENODEV');
  });
});

describeNative('addressOf', (kernel) => {
  it('is where the kernel finds the bytes: a structure that holds a pointer works', () => {
    // struct iovec of process_vm_readv would do; the address as a number argument of an ioctl is the plainest.
    const FIONREAD = process.arch === 'ppc64' ? 0x4004_667f : 0x541b;
    const [left, right] = kernel.socketPair() as [number, number];
    kernel.write(kernel.owned(left), bytes('123'));
    const memory = new Uint8Array(4);
    expect(kernel.ioctl(kernel.owned(right), FIONREAD, Number(kernel.addressOf(memory)))).toBe(0);
    expect(new DataView(memory.buffer).getInt32(0, endianness() === 'LE')).toBe(3);
  });

  it('is stable for small arrays too, whatever the collector does', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as (options?: object) => void;
    const memories = Array.from({ length: 200 }, (_, n) => new Uint8Array((n % 64) + 1));
    const before = memories.map((memory) => kernel.addressOf(memory));
    for (let n = 0; n < 3; n++) collect();
    expect(memories.map((memory) => kernel.addressOf(memory))).toEqual(before);
    expect(new Set(before).size).toBe(memories.length);
  });

  it('counts the view’s offset', () => {
    const whole = new Uint8Array(32);
    expect(kernel.addressOf(whole.subarray(7)) - kernel.addressOf(whole)).toBe(7n);
  });

  it('is 0 of memory of length 0', () => {
    expect(kernel.addressOf(new Uint8Array(0))).toBe(0n);
  });
});
