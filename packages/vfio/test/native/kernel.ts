import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nativeAvailability, nativeSyscalls } from '../../src/native/load.js';
import { errnoName } from '../../src/seam/errno.js';
import { type RawFd, type SyscallResult, type Syscalls } from '../../src/seam/syscalls.js';

/** What tests of the addon are given: the kernel, and what is cleared away after each test. */
export interface Kernel extends Syscalls {
  /** The result as a descriptor, closed after the test. Fails when it is an errno. */
  owned(result: SyscallResult): RawFd;
  /** An eventfd, closed after the test. */
  event(initial?: number): RawFd;
  /** Watches until the test is over. Fails when it cannot. */
  watching(fd: RawFd, onReadable: () => void, onFailure?: (errno: SyscallResult) => void): Disposable;
  /** A path in a folder that goes away after the test. */
  path(name: string): string;
}

/** A callback that must not be called. */
export const never = (): never => {
  throw new Error('This must not be called.');
};

function makeKernel(syscalls: Syscalls): Kernel {
  const fds: RawFd[] = [];
  const watches: Disposable[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'vfio-native-'));
  afterEach(() => {
    for (const watch of watches.splice(0)) watch[Symbol.dispose]();
    for (const fd of fds.splice(0)) syscalls.close(fd);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const owned = (result: SyscallResult): RawFd => {
    if (result < 0) throw new Error(`The call failed with ${errnoName(result)}.`);
    fds.push(result);
    return result;
  };
  return {
    ...syscalls,
    owned,
    event: (initial = 0) => owned(syscalls.eventfd(initial)),
    watching(fd, onReadable, onFailure = never) {
      const made = syscalls.watch(fd, onReadable, onFailure);
      if (typeof made === 'number') throw new Error(`watch failed with ${errnoName(made)}.`);
      watches.push(made);
      return made;
    },
    path: (name) => join(folder, name),
  };
}

/** Tests of the addon. Where it is not built, one skipped test says so and why. */
export function describeNative(title: string, body: (kernel: Kernel) => void): void {
  const availability = nativeAvailability();
  describe(title, () => {
    if (availability === true) body(makeKernel(nativeSyscalls()));
    else it.skip(`not built: ${availability.absent}`, () => undefined);
  });
}

/** A result as a reader wants to see it: the number, or the errno's name. */
export const named = (result: SyscallResult): number | string => (result < 0 ? errnoName(result) : result);

/** The errno's name of something that is either a result or an object. */
export const namedOr = <T extends object>(result: T | SyscallResult): T | number | string =>
  typeof result === 'number' ? named(result) : result;

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (memory: Uint8Array): string => new TextDecoder().decode(memory);

/** The counter's bytes as an eventfd wants them. */
export const count = (value: bigint): Uint8Array => new Uint8Array(BigUint64Array.of(value).buffer);

/** O_CLOEXEC as /proc shows it: the same everywhere in asm-generic. */
const O_CLOEXEC = 0o2000000;
export function closeOnExec(fd: RawFd): boolean {
  const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
  return (parseInt(flags, 8) & O_CLOEXEC) !== 0;
}

/** O_NONBLOCK as /proc shows it. */
export function nonBlocking(fd: RawFd): boolean {
  const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
  return (parseInt(flags, 8) & 0o4000) !== 0;
}

/** The code of what a call throws. Errors of the addon are of another realm than jest's: no `instanceof`. */
export function thrownBy(call: () => unknown): string {
  try {
    call();
  } catch (thrown) {
    return String((thrown as { code?: unknown }).code);
  }
  return 'nothing';
}

/** The errno's name of what `takeEventfd` answered. */
export const errnoOfBig = (result: bigint): string => (result < 0n ? errnoName(Number(result)) : `${result}`);
