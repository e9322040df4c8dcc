import { PciRecoveryError, type PciErrorCode, type Plain } from '@pci-recovery/core';
import { errnoTable } from './errno-names.js';
import { place } from './place.js';
import { type SyscallResult } from './syscalls.js';

/**
 * The name of an errno (`EAGAIN`): of the number itself, or of a negative {@link SyscallResult}. One that has no name reads
 * `errno 4711`.
 */
export function errnoName(errno: number, arch: string = process.arch): string {
  const number = Math.abs(errno);
  return errnoTable(arch).names.get(number) ?? `errno ${number}`;
}

/** The number of an errno by its name, above 0; undefined for a name that this architecture does not have. */
export function errnoNumber(name: string, arch: string = process.arch): number | undefined {
  return errnoTable(arch).numbers.get(name);
}

/** Whether a call answered just this errno. */
export function failedWith(result: SyscallResult, name: string): boolean {
  return result < 0 && errnoNumber(name) === -result;
}

interface Meaning {
  readonly code: PciErrorCode;
  readonly temporary?: true;
  /** What is wrong and what to do, to stand after the call's name. */
  readonly advice: string;
}

const PERMISSION = 'ERR_PCI_PERMISSION';
const NOT_PRESENT = 'ERR_PCI_NOT_PRESENT';
const UNSUPPORTED = 'ERR_PCI_UNSUPPORTED';
const LIMIT = 'ERR_PCI_LIMIT';

const MEANINGS: Readonly<Record<string, Meaning>> = {
  EACCES: {
    code: PERMISSION,
    advice: 'this user may not: run as one that may, or change the rights of what is opened',
  },
  EPERM: {
    code: PERMISSION,
    advice: 'this process may not: it lacks a capability, or the kernel forbids it to everybody',
  },
  EBUSY: { code: 'ERR_PCI_BUSY', temporary: true, advice: 'somebody else has it: end that use, or try again later' },
  EAGAIN: { code: 'ERR_PCI_BUSY', temporary: true, advice: 'it cannot be done right now: try again later' },
  EINTR: { code: 'ERR_PCI_SYSCALL', temporary: true, advice: 'a signal interrupted it: try again' },
  ENOENT: { code: NOT_PRESENT, advice: 'there is no such thing: check the path and that its driver is loaded' },
  ENODEV: {
    code: NOT_PRESENT,
    advice: 'there is no such device, or it went away: check that it is bound to its driver',
  },
  ENXIO: {
    code: NOT_PRESENT,
    advice: 'there is nothing behind it: check that the device is there and bound to its driver',
  },
  ESRCH: { code: NOT_PRESENT, advice: 'there is no such process: it has ended' },
  ENOTTY: { code: UNSUPPORTED, advice: 'the kernel does not know this request for this file: check kernel and driver' },
  EOPNOTSUPP: { code: UNSUPPORTED, advice: 'the kernel or this device does not support it' },
  ENOTSUPP: { code: UNSUPPORTED, advice: 'the kernel or this device does not support it' },
  ENOSYS: { code: UNSUPPORTED, advice: 'this kernel lacks the call, or a sandbox hides it' },
  EMFILE: { code: LIMIT, advice: 'this process has too many open files: close some or raise RLIMIT_NOFILE' },
  ENFILE: { code: LIMIT, advice: 'the system has too many open files: close some or raise fs.file-max' },
  ENOMEM: { code: LIMIT, advice: 'memory or the limit of locked memory is used up: raise RLIMIT_MEMLOCK (ulimit -l)' },
  EBADF: { code: 'ERR_PCI_BAD_DESCRIPTOR', advice: 'the descriptor is not open, or not open for this' },
  EFAULT: { code: 'ERR_PCI_SYSCALL', advice: 'the kernel cannot reach the memory: it is too short or gone' },
  EINVAL: {
    code: 'ERR_PCI_SYSCALL',
    advice: 'the kernel takes none of these arguments: check them against its documentation',
  },
  ENOSPC: { code: 'ERR_PCI_SYSCALL', advice: 'there is no room: offer a larger buffer or free some' },
  EIO: { code: 'ERR_PCI_SYSCALL', advice: 'the device failed: read its error state' },
};

const OTHER: Meaning = { code: 'ERR_PCI_SYSCALL', advice: 'the errno tells why' };

/**
 * The error for what a system call answered. `context` gets `call` and `errno` (its name) added.
 *
 * Codes: `ERR_PCI_PERMISSION` (EACCES, EPERM), `ERR_PCI_BUSY` (EBUSY, EAGAIN: temporary), `ERR_PCI_NOT_PRESENT` (ENOENT,
 * ENODEV, ENXIO, ESRCH), `ERR_PCI_UNSUPPORTED` (ENOTTY, EOPNOTSUPP, ENOTSUPP, ENOSYS), `ERR_PCI_LIMIT` (EMFILE, ENFILE,
 * ENOMEM), `ERR_PCI_BAD_DESCRIPTOR` (EBADF), and `ERR_PCI_SYSCALL` (all others; EINTR is temporary).
 * @param call what was tried: `open`, `VFIO_DEVICE_RESET`
 * @param result the negative errno that came back
 */
export function syscallError(
  call: string,
  result: SyscallResult,
  context: Readonly<Record<string, Plain>> = {},
): PciRecoveryError {
  const errno = errnoName(result);
  const { code, advice, temporary } = MEANINGS[errno] ?? OTHER;
  return new PciRecoveryError(code, `${call}${place(context)} failed with ${errno}: ${advice}.`, {
    context: { ...context, call, errno },
    permanence: temporary ? 'temporary' : 'permanent',
  });
}

/**
 * A call's result when it is one, else its error.
 * @throws PciRecoveryError see {@link syscallError}
 */
export function succeeded(
  call: string,
  result: SyscallResult,
  context: Readonly<Record<string, Plain>> = {},
): SyscallResult {
  if (result < 0) throw syscallError(call, result, context);
  return result;
}
