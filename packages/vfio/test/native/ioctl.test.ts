import { endianness } from 'node:os';
import { constants as files } from 'node:fs';
import { bytes, describeNative, named } from './kernel.js';

/** Numbers of asm-generic/ioctls.h; powerpc has its own. */
const FIONREAD = process.arch === 'ppc64' ? 0x4004_667f : 0x541b;
const FIONBIO = process.arch === 'ppc64' ? 0x8004_667e : 0x5421;
const TCGETS = process.arch === 'ppc64' ? 0x402c_7413 : 0x5401;
/** _IOR('T', 0x30, int): has bit 31 set, so that it is negative as a C int. */
const TIOCGPTN = process.arch === 'ppc64' ? 0x4004_5430 : 0x8004_5430;
/** Takes a number by value. */
const TCSBRK = process.arch === 'ppc64' ? 0x2000_741d : 0x5409;

const int = (memory: Uint8Array): number => {
  const view = new DataView(memory.buffer, memory.byteOffset);
  return view.getInt32(0, endianness() === 'LE');
};

describeNative('ioctl', (kernel) => {
  const pair = (): readonly [number, number] => {
    const [left, right] = kernel.socketPair() as [number, number];
    return [kernel.owned(left), kernel.owned(right)];
  };

  it('has the kernel write into the caller’s memory, also of a view too small for a buffer of its own', () => {
    const [left, right] = pair();
    kernel.write(left, bytes('seven b'));
    const memory = new Uint8Array(4);
    expect(kernel.ioctl(right, FIONREAD, memory)).toBe(0);
    expect(int(memory)).toBe(7);
  });

  it('has the kernel read from the caller’s memory', () => {
    const path = kernel.path('plain');
    const file = kernel.owned(kernel.open(path, files.O_RDWR | files.O_CREAT));
    expect(kernel.ioctl(file, FIONBIO, new Uint8Array([1, 0, 0, 1]))).toBe(0);
  });

  it('writes only where the view is', () => {
    const [left, right] = pair();
    kernel.write(left, bytes('x'));
    const whole = new Uint8Array(12).fill(9);
    expect(kernel.ioctl(right, FIONREAD, whole.subarray(4, 8))).toBe(0);
    expect(int(whole.subarray(4, 8))).toBe(1);
    expect([...whole.subarray(0, 4), ...whole.subarray(8)]).toEqual(Array(8).fill(9));
  });

  it('takes request numbers up to 32 bits, unsigned', () => {
    const terminal = kernel.open('/dev/ptmx', files.O_RDWR | files.O_NOCTTY);
    expect(named(kernel.ioctl(kernel.event(), TIOCGPTN, new Uint8Array(4)))).toBe('ENOTTY');
    if (terminal < 0) return;
    const memory = new Uint8Array(4).fill(0xff);
    expect(kernel.ioctl(kernel.owned(terminal), TIOCGPTN, memory)).toBe(0);
    expect(int(memory)).toBeGreaterThanOrEqual(0);
  });

  it('answers ENOTTY for a request that the file does not know', () => {
    const file = kernel.owned(kernel.open('/dev/null', files.O_RDWR));
    expect(named(kernel.ioctl(file, TCGETS, new Uint8Array(64)))).toBe('ENOTTY');
    expect(named(kernel.ioctl(file, TCSBRK, 1))).toBe('ENOTTY');
  });

  it.each([0, 1, -1, 8, 2 ** 32, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])(
    'passes a number by value: %d is no address that the kernel could write to',
    (value) => {
      const [left] = pair();
      expect(named(kernel.ioctl(left, FIONREAD, value))).toBe('EFAULT');
    },
  );

  it('passes no argument as 0, and empty memory so that nothing is ever touched', () => {
    const [left] = pair();
    expect(named(kernel.ioctl(left, FIONREAD, undefined))).toBe('EFAULT');
    expect(named((kernel.ioctl as (fd: number, request: number) => number)(left, FIONREAD))).toBe('EFAULT');
    expect(named(kernel.ioctl(left, FIONREAD, new Uint8Array(new ArrayBuffer(8), 4, 0)))).toBe('EFAULT');
  });

  it('does the same in a thread', async () => {
    const [left, right] = pair();
    kernel.write(left, bytes('four'));
    const memory = new Uint8Array(4);
    expect(await kernel.ioctlAsync(right, FIONREAD, memory)).toBe(0);
    expect(int(memory)).toBe(4);
    expect(named(await kernel.ioctlAsync(right, FIONREAD, 8))).toBe('EFAULT');
    expect(named(await kernel.ioctlAsync(-1, FIONREAD, undefined))).toBe('EBADF');
  });
});
