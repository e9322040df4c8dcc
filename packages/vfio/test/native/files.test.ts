import {
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { thrown } from '../seam/thrown.js';
import { mkfifoSync } from './fifo.js';
import { bytes, closeOnExec, describeNative, named, nonBlocking, text } from './kernel.js';

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_DIRECTORY } = constants;

describeNative('open and close', (kernel) => {
  it('opens a file close-on-exec, whether asked to or not', () => {
    expect(closeOnExec(kernel.owned(kernel.open('/dev/null', O_RDWR)))).toBe(true);
  });

  it('makes files that are nobody else’s business', () => {
    const path = kernel.path('made');
    kernel.owned(kernel.open(path, O_RDWR | O_CREAT | O_EXCL));
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('takes paths of any characters', () => {
    const path = kernel.path('ünïcode 💾');
    writeFileSync(path, 'x');
    expect(readlinkSync(`/proc/self/fd/${kernel.owned(kernel.open(path, O_RDONLY))}`)).toBe(path);
  });

  it.each([
    ['ENOENT', '/there/is/no/such/file', O_RDONLY],
    ['EISDIR', '/', O_WRONLY],
    ['ENOTDIR', '/dev/null/x', O_RDONLY],
    ['ENOTDIR', '/dev/null', O_RDONLY | O_DIRECTORY],
    ['EEXIST', '/dev/null', O_RDWR | O_CREAT | O_EXCL],
    ['ENAMETOOLONG', `/${'x'.repeat(256)}`, O_RDONLY],
    ['ENAMETOOLONG', '/x'.repeat(2048), O_RDONLY],
    ['ENAMETOOLONG', '/ü'.repeat(100_000), O_RDONLY],
    ['ENOENT', '', O_RDONLY],
  ])('answers %s for what cannot be opened: %.40s', (errno, path, flags) => {
    expect(named(kernel.open(path, flags))).toBe(errno);
  });

  it('answers ELOOP for a link where none is wanted', () => {
    const path = kernel.path('link');
    symlinkSync('/dev/null', path);
    expect(named(kernel.open(path, O_RDONLY | O_NOFOLLOW))).toBe('ELOOP');
  });

  it('answers ENXIO for a FIFO without reader', () => {
    const path = kernel.path('fifo');
    mkfifoSync(path);
    expect(named(kernel.open(path, O_WRONLY | O_NONBLOCK))).toBe('ENXIO');
  });

  it('closes: the number means nothing any more', () => {
    const fd = kernel.open('/dev/null', O_RDONLY);
    expect(kernel.close(fd)).toBe(0);
    expect(existsSync(`/proc/self/fd/${fd}`)).toBe(false);
    expect(named(kernel.close(fd))).toBe('EBADF');
  });

  it.each([-1, -(2 ** 31), 2 ** 31 - 1])('answers EBADF for descriptor %i', (fd) => {
    expect(named(kernel.close(fd))).toBe('EBADF');
  });

  it('duplicates close-on-exec: both are the same file, each is closed for itself', () => {
    const event = kernel.event(5);
    const copy = kernel.owned(kernel.duplicate(event));
    expect(copy).not.toBe(event);
    expect(closeOnExec(copy)).toBe(true);
    expect(kernel.takeEventfd(copy)).toBe(5n);
    expect(named(kernel.duplicate(-1))).toBe('EBADF');
  });

  it('leaves no descriptor behind where it failed', () => {
    const before = readdirSync('/proc/self/fd').length;
    for (let n = 0; n < 100; n++) {
      kernel.open('/there/is/no/such/file', O_RDONLY);
      kernel.connectUnix('/there/is/no/such/socket', 'stream');
      kernel.ueventSocket(-1);
      kernel.mmap(-1, 0, 0, 0n);
    }
    expect(readdirSync('/proc/self/fd').length).toBe(before);
  });
});

describeNative('read and write', (kernel) => {
  it('writes into a pipe and reads from it; at its end it reads nothing', () => {
    const path = kernel.path('pipe');
    mkfifoSync(path);
    const reader = kernel.owned(kernel.open(path, O_RDONLY | O_NONBLOCK));
    const writer = kernel.open(path, O_WRONLY);
    const memory = new Uint8Array(16);
    expect(named(kernel.read(reader, memory))).toBe('EAGAIN');
    expect(kernel.write(writer, bytes('hello'))).toBe(5);
    expect(kernel.read(reader, memory)).toBe(5);
    expect(text(memory.subarray(0, 5))).toBe('hello');
    kernel.close(writer);
    expect(kernel.read(reader, memory)).toBe(0);
  });

  it('answers EPIPE when nobody reads any more, and the process lives on', () => {
    const path = kernel.path('broken');
    mkfifoSync(path);
    const reader = kernel.open(path, O_RDONLY | O_NONBLOCK);
    const writer = kernel.owned(kernel.open(path, O_WRONLY | O_NONBLOCK));
    kernel.close(reader);
    expect(named(kernel.write(writer, bytes('x')))).toBe('EPIPE');
  });

  it.each([
    ['EBADF', () => -1],
    ['EISDIR', () => kernel.owned(kernel.open('/', O_RDONLY))],
    ['EBADF', () => kernel.owned(kernel.open('/dev/null', O_WRONLY))],
  ])('answers %s where there is nothing to read', (errno, make) => {
    expect(named(kernel.read(make(), new Uint8Array(1)))).toBe(errno);
  });

  it('makes eventfds non-blocking', () => {
    const event = kernel.event();
    expect([nonBlocking(event), closeOnExec(event)]).toEqual([true, true]);
  });
});

describeNative('pread and pwrite', (kernel) => {
  const sparse = (): number => kernel.owned(kernel.open(kernel.path('sparse'), O_RDWR | O_CREAT));

  it.each([0n, 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 32n + 5n, 2n ** 40n, 7n * 2n ** 40n])(
    'writes and reads at offset %s, where VFIO has its regions',
    (offset) => {
      const file = sparse();
      const memory = new Uint8Array(8);
      expect(kernel.pwrite(file, bytes(`at ${offset % 97n}`.padEnd(8)), offset)).toBe(8);
      expect(kernel.pread(file, memory, offset)).toBe(8);
      expect(text(memory).trim()).toBe(`at ${offset % 97n}`);
    },
  );

  it('reads what is there of a longer request, and nothing beyond the end', () => {
    const path = kernel.path('short');
    writeFileSync(path, 'abc');
    const file = kernel.owned(kernel.open(path, O_RDONLY));
    const memory = new Uint8Array(10).fill(0xff);
    expect(kernel.pread(file, memory, 1n)).toBe(2);
    expect([...memory.subarray(0, 3)]).toEqual([98, 99, 0xff]);
    expect(kernel.pread(file, memory, 3n)).toBe(0);
    expect(kernel.pread(file, memory, 2n ** 62n)).toBe(0);
  });

  it('touches only the bytes of the view', () => {
    const whole = new Uint8Array(8).fill(7);
    const zero = kernel.owned(kernel.open('/dev/zero', O_RDONLY));
    expect(kernel.pread(zero, whole.subarray(2, 5), 0n)).toBe(3);
    expect([...whole]).toEqual([7, 7, 0, 0, 0, 7, 7, 7]);
  });

  it.each([
    ['EINVAL', -1n, () => kernel.owned(kernel.open('/dev/zero', O_RDONLY))],
    ['EINVAL', -(2n ** 63n), () => kernel.owned(kernel.open('/dev/zero', O_RDONLY))],
    ['EBADF', 0n, () => -1],
    ['ESPIPE', 0n, () => kernel.event()],
    ['EBADF', 0n, () => kernel.owned(kernel.open('/dev/null', O_WRONLY))],
  ])('answers %s for offset %s of what cannot be read there', (errno, offset, make) => {
    expect(named(kernel.pread(make(), new Uint8Array(1), offset))).toBe(errno);
  });

  it('answers ENOSPC and EBADF for writes that go nowhere', () => {
    expect(named(kernel.write(kernel.owned(kernel.open('/dev/full', O_WRONLY)), bytes('x')))).toBe('ENOSPC');
    expect(named(kernel.pwrite(kernel.owned(kernel.open('/dev/zero', O_RDONLY)), bytes('x'), 0n))).toBe('EBADF');
  });

  it('says what node’s own file system says of the same file', () => {
    const file = kernel.owned(kernel.open('/proc/version', O_RDONLY));
    const memory = new Uint8Array(4096);
    const length = kernel.read(file, memory);
    expect(text(memory.subarray(0, length))).toBe(readFileSync('/proc/version', 'utf8'));
  });
});

describeNative('memory that calls are given', (kernel) => {
  const views: readonly [string, () => Uint8Array][] = [
    ['a small Uint8Array, which V8 keeps on its heap', () => new Uint8Array(5)],
    ['a Buffer from node’s pool', () => Buffer.allocUnsafe(5)],
    ['a view of shared memory', () => new Uint8Array(new SharedArrayBuffer(5))],
    ['a view in the middle of a buffer', () => new Uint8Array(new ArrayBuffer(64), 13, 5)],
    ['a view of a resizable buffer', () => new Uint8Array(resizable(5, 4096))],
    ['a large Uint8Array', () => new Uint8Array(1 << 20).subarray(1, 6)],
  ];

  const resizable = (length: number, maxByteLength: number): ArrayBuffer =>
    new (ArrayBuffer as new (length: number, options: object) => ArrayBuffer)(length, { maxByteLength });

  it.each(views)('reads into %s', (_, make) => {
    const [left, right] = kernel.socketPair() as [number, number];
    kernel.write(kernel.owned(left), bytes('12345'));
    const memory = make();
    expect(kernel.read(kernel.owned(right), memory)).toBe(5);
    expect(text(Uint8Array.from(memory))).toBe('12345');
  });

  it('takes a view of length 0', () => {
    const zero = kernel.owned(kernel.open('/dev/zero', O_RDWR));
    expect(kernel.read(zero, new Uint8Array(0))).toBe(0);
    expect(kernel.write(zero, new Uint8Array(0))).toBe(0);
    expect(kernel.pread(zero, new Uint8Array(new SharedArrayBuffer(0)), 0n)).toBe(0);
    expect(kernel.pread(zero, new Uint8Array(new ArrayBuffer(8), 8), 0n)).toBe(0);
  });

  it('refuses memory that is detached', () => {
    const memory = new Uint8Array(8);
    structuredClone(memory.buffer, { transfer: [memory.buffer] });
    expect(thrown(() => kernel.read(0, memory))).toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' });
  });
});
