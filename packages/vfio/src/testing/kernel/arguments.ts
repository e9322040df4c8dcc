import { type CallName } from './call-log.js';

/** What an argument must be. */
export type ArgumentKind =
  'path' | 'int32' | 'uint32' | 'integer' | 'memory' | 'offset' | 'ioctl' | 'buffer' | 'function' | 'kind' | 'fds';

/** Arguments of every call. */
export const PARAMETERS: Readonly<Record<CallName, readonly ArgumentKind[]>> = {
  open: ['path', 'int32'],
  close: ['int32'],
  closeAsync: ['int32'],
  duplicate: ['int32'],
  ioctl: ['int32', 'uint32', 'ioctl'],
  ioctlAsync: ['int32', 'uint32', 'ioctl'],
  pread: ['int32', 'memory', 'offset'],
  preadAsync: ['int32', 'memory', 'offset'],
  pwrite: ['int32', 'memory', 'offset'],
  pwriteAsync: ['int32', 'memory', 'offset'],
  read: ['int32', 'memory'],
  write: ['int32', 'memory'],
  mmap: ['int32', 'integer', 'int32', 'offset'],
  munmap: ['buffer'],
  addressOf: ['memory'],
  eventfd: ['uint32'],
  takeEventfd: ['int32'],
  watch: ['int32', 'function', 'function'],
  ueventSocket: ['int32'],
  socketPair: [],
  connectUnix: ['path', 'kind'],
  receive: ['int32', 'memory'],
  send: ['int32', 'memory', 'fds'],
  pidfdOpen: ['int32'],
  pidfdGetfd: ['int32', 'int32'],
};

const within = (value: unknown, least: number, most: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;

const tagOf = (value: unknown): string => Object.prototype.toString.call(value);

const isDetached = (buffer: ArrayBufferLike): boolean => (buffer as { detached?: boolean }).detached === true;

function isMemory(value: unknown): boolean {
  if (!ArrayBuffer.isView(value) || tagOf(value) !== '[object Uint8Array]') return false;
  return !isDetached(value.buffer);
}

const isIoctl = (value: unknown): boolean =>
  value === undefined || within(value, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) || isMemory(value);

const KINDS: Readonly<Record<ArgumentKind, readonly [expected: string, holds: (value: unknown) => boolean]>> = {
  path: ['a string without NUL', (value) => typeof value === 'string' && !value.includes('\0')],
  int32: ['an integer of 32 bits', (value) => within(value, -(2 ** 31), 2 ** 31 - 1)],
  uint32: ['an unsigned integer of 32 bits', (value) => within(value, 0, 2 ** 32 - 1)],
  integer: ['a safe integer', (value) => within(value, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)],
  memory: ['a Uint8Array', isMemory],
  offset: ['a bigint', (value) => typeof value === 'bigint'],
  ioctl: ['a Uint8Array, a safe integer or undefined', isIoctl],
  buffer: ['an ArrayBuffer', (value) => tagOf(value) === '[object ArrayBuffer]'],
  function: ['a function', (value) => typeof value === 'function'],
  kind: ["'stream' or 'seqpacket'", (value) => value === 'stream' || value === 'seqpacket'],
  fds: [
    'an array of descriptors',
    (value) => Array.isArray(value) && value.every((fd) => within(fd, -(2 ** 31), 2 ** 31 - 1)),
  ],
};

const error = <E extends Error>(made: E, code: string): E => Object.assign(made, { code });

/**
 * Refuses what the native binding refuses, by the same rules: a value that would be rounded, cut or taken for another.
 * @throws TypeError `ERR_INVALID_ARG_TYPE`, RangeError `ERR_OUT_OF_RANGE` (offsets beyond 64 bits, more than 253 descriptors)
 */
export function checkArguments(call: CallName, values: readonly unknown[]): void {
  PARAMETERS[call].forEach((kind, at) => {
    const [expected, holds] = KINDS[kind];
    const value = values[at];
    if (!holds(value)) {
      throw error(new TypeError(`Argument ${at} of "${call}" must be ${expected}.`), 'ERR_INVALID_ARG_TYPE');
    }
    const far = kind === 'offset' && BigInt.asIntN(64, value as bigint) !== value;
    const many = kind === 'fds' && (value as readonly unknown[]).length > 253;
    if (far || many) {
      const most = far ? 'a bigint of 64 bits, signed' : 'an array of at most 253 descriptors';
      throw error(new RangeError(`Argument ${at} of "${call}" must be ${most}.`), 'ERR_OUT_OF_RANGE');
    }
  });
}
