import { type Syscalls } from '../../src/seam/syscalls.js';
import { describeNative, thrownBy } from './kernel.js';

/** Every call with arguments of the right types, and what each argument is. None of them does harm. */
const CALLS: Readonly<Record<keyof Syscalls, readonly (readonly [kind: Kind, good: unknown])[]>> = {
  open: [
    ['path', '/none'],
    ['int32', 0],
  ],
  close: [['int32', -1]],
  closeAsync: [['int32', -1]],
  duplicate: [['int32', -1]],
  ioctl: [
    ['int32', -1],
    ['uint32', 0],
    ['ioctl', undefined],
  ],
  ioctlAsync: [
    ['int32', -1],
    ['uint32', 0],
    ['ioctl', undefined],
  ],
  pread: [
    ['int32', -1],
    ['memory', new Uint8Array(1)],
    ['offset', 0n],
  ],
  preadAsync: [
    ['int32', -1],
    ['memory', new Uint8Array(1)],
    ['offset', 0n],
  ],
  pwrite: [
    ['int32', -1],
    ['memory', new Uint8Array(1)],
    ['offset', 0n],
  ],
  pwriteAsync: [
    ['int32', -1],
    ['memory', new Uint8Array(1)],
    ['offset', 0n],
  ],
  read: [
    ['int32', -1],
    ['memory', new Uint8Array(1)],
  ],
  write: [
    ['int32', -1],
    ['memory', new Uint8Array(1)],
  ],
  mmap: [
    ['int32', -1],
    ['integer', 0],
    ['int32', 0],
    ['offset', 0n],
  ],
  munmap: [['buffer', new ArrayBuffer(0)]],
  addressOf: [['memory', new Uint8Array(1)]],
  eventfd: [['uint32', 0xffff_ffff]],
  takeEventfd: [['int32', -1]],
  watch: [
    ['int32', -1],
    ['function', () => undefined],
    ['function', () => undefined],
  ],
  ueventSocket: [['int32', -1]],
  socketPair: [],
  connectUnix: [
    ['path', '/none'],
    ['kind', 'stream'],
  ],
  receive: [
    ['int32', -1],
    ['memory', new Uint8Array(1)],
  ],
  send: [
    ['int32', -1],
    ['memory', new Uint8Array(1)],
    ['fds', []],
  ],
  pidfdOpen: [['int32', -1]],
  pidfdGetfd: [
    ['int32', -1],
    ['int32', -1],
  ],
};

type Kind =
  'path' | 'int32' | 'uint32' | 'integer' | 'memory' | 'offset' | 'ioctl' | 'buffer' | 'function' | 'kind' | 'fds';

const NO_NUMBERS: readonly unknown[] = [undefined, null, '1', 1n, {}, [], true, new Uint8Array(4), Symbol('1')];
const NO_INTEGERS: readonly unknown[] = [...NO_NUMBERS, NaN, Infinity, -Infinity, 0.5, -1.5];
const NO_MEMORY: readonly unknown[] = [
  undefined,
  null,
  1,
  'bytes',
  {},
  [1, 2],
  new ArrayBuffer(8),
  new SharedArrayBuffer(8),
  new DataView(new ArrayBuffer(8)),
  new Int8Array(8),
  new Uint8ClampedArray(8),
  new Uint16Array(8),
  new BigUint64Array(8),
  new Float64Array(8),
];

/** What each kind of argument is not: values that would be rounded, cut or taken for another descriptor. */
const WRONG: Readonly<Record<Kind, readonly unknown[]>> = {
  int32: [...NO_INTEGERS, 2 ** 31, -(2 ** 31) - 1, 2 ** 32, 2 ** 32 + 3, Number.MAX_VALUE],
  uint32: [...NO_INTEGERS, -1, 2 ** 32, 2 ** 53],
  integer: [...NO_INTEGERS, 2 ** 53, -(2 ** 53), Number.MAX_VALUE],
  ioctl: [
    ...NO_INTEGERS.filter((value) => value !== undefined && !(value instanceof Uint8Array)),
    2 ** 53,
    new DataView(new ArrayBuffer(8)),
    new ArrayBuffer(8),
    new Uint32Array(1),
    () => undefined,
  ],
  offset: [undefined, null, 0, 1, '0', {}, new Uint8Array(8)],
  memory: NO_MEMORY,
  buffer: [undefined, null, 0, {}, new Uint8Array(8), new SharedArrayBuffer(8)],
  function: [undefined, null, 0, {}, 'f'],
  path: [undefined, null, 0, {}, new Uint8Array(8), '/dev/null\0', '\0'],
  kind: [undefined, null, 0, 'dgram', '', 'streams', 'stream\0', 'seqpacketseqpacket'],
  fds: [undefined, null, 0, {}, new Uint8Array(2), [undefined], ['1'], [0.5], [0, 2 ** 31]],
};

describeNative('arguments', (kernel) => {
  const call = (name: keyof Syscalls, values: readonly unknown[]): unknown =>
    (kernel[name] as (...values: unknown[]) => unknown)(...values);

  for (const [key, parameters] of Object.entries(CALLS)) {
    const name = key as keyof Syscalls;
    const good = parameters.map(([, value]) => value);

    it(`${name} takes arguments of the right types`, async () => {
      const result = await Promise.resolve(call(name, good));
      if (Array.isArray(result)) for (const fd of result as number[]) kernel.close(fd);
      expect(['number', 'bigint', 'object']).toContain(typeof result);
    });

    parameters.forEach(([kind], index) => {
      it(`${name} refuses what is no ${kind} as argument ${index}: a TypeError, before anything is done`, () => {
        for (const wrong of WRONG[kind]) {
          const code = thrownBy(() => call(name, good.with(index, wrong)));
          expect([String(wrong), code]).toEqual([String(wrong), 'ERR_INVALID_ARG_TYPE']);
        }
      });
    });
  }

  it.each([2n ** 63n, -(2n ** 63n) - 1n, 2n ** 64n, 2n ** 1000n])('refuses an offset beyond 64 bits: %s', (offset) => {
    for (const name of ['pread', 'pwrite', 'preadAsync', 'pwriteAsync'] as const) {
      expect(thrownBy(() => call(name, [-1, new Uint8Array(1), offset]))).toBe('ERR_OUT_OF_RANGE');
    }
    expect(thrownBy(() => call('mmap', [-1, 4096, 0, offset]))).toBe('ERR_OUT_OF_RANGE');
  });

  it('says which argument is wrong and what it must be', () => {
    expect(() => kernel.close(1.5)).toThrow('The argument "fd" must be an integer of 32 bits.');
  });

  it('passes on what an array of descriptors throws', () => {
    const fds = Object.defineProperty([0], 0, {
      get: () => {
        throw new RangeError('from a getter');
      },
    });
    expect(() => kernel.send(-1, new Uint8Array(0), fds)).toThrow('from a getter');
  });
});
