import { type Syscalls } from '../../src/index.js';
import { ScriptedKernel } from '../../src/testing/index.js';
import { x86 } from './programs.js';

type Call = keyof Syscalls;

/** Every call with arguments of the right types; the same table holds for the native binding. */
const GOOD: Readonly<Record<Call, readonly unknown[]>> = {
  open: ['/none', 0],
  close: [-1],
  closeAsync: [-1],
  duplicate: [-1],
  ioctl: [-1, 0, undefined],
  ioctlAsync: [-1, 0, undefined],
  pread: [-1, new Uint8Array(1), 0n],
  preadAsync: [-1, new Uint8Array(1), 0n],
  pwrite: [-1, new Uint8Array(1), 0n],
  pwriteAsync: [-1, new Uint8Array(1), 0n],
  read: [-1, new Uint8Array(1)],
  write: [-1, new Uint8Array(1)],
  mmap: [-1, 0, 0, 0n],
  munmap: [new ArrayBuffer(0)],
  addressOf: [new Uint8Array(1)],
  eventfd: [0xffff_ffff],
  takeEventfd: [-1],
  watch: [-1, () => undefined, () => undefined],
  ueventSocket: [-1],
  socketPair: [],
  connectUnix: ['/none', 'stream'],
  receive: [-1, new Uint8Array(1)],
  send: [-1, new Uint8Array(1), []],
  pidfdOpen: [-1],
  pidfdGetfd: [-1, -1],
};

/** Values that are wrong wherever they stand, for an argument of that type. */
const WRONG: Readonly<Record<string, readonly unknown[]>> = {
  number: [undefined, null, '1', 1n, {}, [], true, NaN, Infinity, 0.5, Symbol('1')],
  object: [
    null,
    'bytes',
    {},
    new SharedArrayBuffer(8),
    new DataView(new ArrayBuffer(8)),
    new Uint16Array(8),
    Symbol('1'),
  ],
  bigint: [undefined, null, 0, 1, '0', {}],
  string: [undefined, null, 0, {}, new Uint8Array(8), '/dev/null\0'],
  function: [undefined, null, 0, {}, 'f'],
  undefined: [null, 'x', 1n, 0.5, {}, new ArrayBuffer(8), new Uint32Array(1), () => undefined],
};

const thrown = (work: () => unknown): unknown => {
  try {
    return `no error, but ${String(work())}`;
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
};

describe('arguments of the scripted kernel', () => {
  const kernel = new ScriptedKernel(x86());
  const call = (name: Call, values: readonly unknown[]): unknown =>
    (kernel[name] as (...values: unknown[]) => unknown).apply(kernel, [...values]);

  for (const name of Object.keys(GOOD) as Call[]) {
    it(`${name} takes arguments of the right types, and answers without throwing`, async () => {
      expect(['number', 'bigint', 'object']).toContain(typeof (await Promise.resolve(call(name, GOOD[name]))));
    });

    GOOD[name].forEach((good, at) => {
      it(`${name} refuses what is wrong as argument ${at}: a TypeError, before anything is done`, () => {
        const before = kernel.log.calls.length;
        for (const wrong of WRONG[typeof good]!) {
          const code = thrown(() => call(name, GOOD[name].with(at, wrong)));
          expect([name, at, String(wrong), code]).toEqual([name, at, String(wrong), 'ERR_INVALID_ARG_TYPE']);
        }
        expect(kernel.log.calls).toHaveLength(before);
      });
    });
  }

  it.each([2n ** 63n, -(2n ** 63n) - 1n, 2n ** 64n])('refuses an offset beyond 64 bits: %s', (offset) => {
    for (const name of ['pread', 'pwrite', 'preadAsync', 'pwriteAsync'] as const) {
      expect(thrown(() => call(name, [-1, new Uint8Array(1), offset]))).toBe('ERR_OUT_OF_RANGE');
    }
    expect(thrown(() => call('mmap', [-1, 4096, 0, offset]))).toBe('ERR_OUT_OF_RANGE');
  });

  it('refuses more than 253 descriptors in a message', () => {
    const fds = Array<number>(254).fill(0);
    expect(thrown(() => call('send', [-1, new Uint8Array(1), fds]))).toBe('ERR_OUT_OF_RANGE');
  });
});
