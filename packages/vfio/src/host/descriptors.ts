import { PciRecoveryError, type Clock, type Stoppable } from '@pci-recovery/core';
import { failedWith } from '../seam/errno.js';
import { OwnedFd } from '../seam/owned-fd.js';
import { type Datagram, type Syscalls } from '../seam/syscalls.js';
import { accepted, type Meanings, refusedCall } from '../seam/refused-call.js';

/** How to receive a descriptor. */
export interface ReceiveOptions extends Partial<Stoppable> {
  readonly clock: Clock;
  /** Milliseconds. Default 5000. */
  readonly within?: number;
  /** Most bytes of the message that comes along; a longer one is refused. Default 4096. */
  readonly longest?: number;
}

/** A descriptor that somebody sent, and what was said about it. */
export interface ReceivedDescriptor {
  readonly fd: OwnedFd;
  readonly message: Uint8Array;
}

/** Waits once until a descriptor can be read; the watch is gone afterwards. */
function readable(syscalls: Syscalls, socket: OwnedFd, options: ReceiveOptions, wait: number): Promise<void> {
  const { clock, signal } = options;
  return new Promise<void>((resolve, reject) => {
    const settle = (done: () => void): void => {
      watch[Symbol.dispose]();
      timer[Symbol.dispose]();
      signal?.removeEventListener('abort', aborted);
      done();
    };
    const refuse = (errno: number): PciRecoveryError => refusedCall('watch', errno, { what: socket.what });
    const aborted = (): void => settle(() => reject(abortedError(signal)));
    const failed = (errno: number): void => settle(() => reject(refuse(errno)));
    const timer = clock.after(wait, () => settle(() => reject(late(socket))));
    signal?.addEventListener('abort', aborted, { once: true });
    const watching = syscalls.watch(socket.raw, () => settle(resolve), failed);
    const watch = typeof watching === 'number' ? { [Symbol.dispose]: () => undefined } : watching;
    if (typeof watching === 'number') failed(watching);
  });
}

const abortedError = (signal: AbortSignal | undefined): PciRecoveryError =>
  new PciRecoveryError('ERR_PCI_ABORTED', 'Waiting for a descriptor was aborted.', {
    cause: signal?.reason,
    permanence: 'temporary',
  });

const late = ({ what }: OwnedFd): PciRecoveryError =>
  new PciRecoveryError('ERR_PCI_DEADLINE', `No descriptor came over ${what} in time.`, {
    context: { what },
    permanence: 'temporary',
  });

/** Takes over all descriptors of a message, so that none is lost whatever is wrong with it. */
async function takeOne(syscalls: Syscalls, datagram: Datagram, message: Uint8Array): Promise<ReceivedDescriptor> {
  const fds = datagram.fds.map((fd) => new OwnedFd(syscalls, fd, `descriptor ${fd} that was received`));
  const [fd] = fds;
  if (fd !== undefined && fds.length === 1 && !datagram.truncated) return { fd, message };
  await Promise.all(fds.map((each) => each.close()));
  const text =
    datagram.result === 0 && fds.length === 0
      ? 'The other side closed the socket before it sent a descriptor.'
      : `The message has ${fds.length} descriptors${datagram.truncated ? ' and is too long' : ''}: one was expected, all were closed.`;
  throw new PciRecoveryError('ERR_PCI_BAD_MESSAGE', text, { context: { descriptors: fds.length } });
}

/**
 * Receives one descriptor over a unix socket (SCM_RIGHTS), close-on-exec. The socket stays the caller's, and is watched
 * only while this waits.
 * @throws PciRecoveryError `ERR_PCI_DEADLINE`, `ERR_PCI_ABORTED`; `ERR_PCI_BAD_MESSAGE` when the message has no
 * descriptor, or several (which are closed), or is too long; what the kernel refused.
 */
export async function receiveDescriptor(
  syscalls: Syscalls,
  socket: OwnedFd,
  options: ReceiveOptions,
): Promise<ReceivedDescriptor> {
  const { clock, signal, within = 5000, longest = 4096 } = options;
  const buffer = new Uint8Array(longest);
  const until = clock.monotonic() + within * 1e6;
  for (;;) {
    if (signal?.aborted) throw abortedError(signal);
    const datagram = syscalls.receive(socket.raw, buffer);
    const { result } = datagram;
    if (result >= 0) return takeOne(syscalls, datagram, buffer.slice(0, result));
    if (failedWith(result, 'EAGAIN')) {
      const left = (until - clock.monotonic()) / 1e6;
      if (left <= 0) throw late(socket);
      await readable(syscalls, socket, options, left);
    } else if (!failedWith(result, 'EINTR')) {
      throw refusedCall('recvmsg', result, { what: socket.what });
    }
  }
}

/**
 * Sends a duplicate of a descriptor over a unix socket (SCM_RIGHTS); the original stays the caller's.
 * @param message at least one byte: without any a stream carries no descriptor
 * @throws PciRecoveryError `ERR_PCI_BAD_MESSAGE` for an empty message; `ERR_PCI_BUSY` when the socket is full; what the
 * kernel refused.
 */
export function sendDescriptor(syscalls: Syscalls, socket: OwnedFd, fd: OwnedFd, message = new Uint8Array(1)): void {
  if (message.length === 0) {
    throw new PciRecoveryError('ERR_PCI_BAD_MESSAGE', 'A descriptor travels with at least one byte; there is none.');
  }
  const context = { what: socket.what, descriptor: fd.what };
  const result = accepted('sendmsg', syscalls.send(socket.raw, message, [fd.raw]), context);
  if (result === message.length) return;
  const text = `Only ${result} of ${message.length} bytes were sent, with the descriptor: the socket is of no use any more.`;
  throw new PciRecoveryError('ERR_PCI_BAD_MESSAGE', text, { context });
}

const MEANINGS: Meanings = {
  EPERM: {
    advice:
      'taking descriptors of a process takes the right to trace it: the same user, or CAP_SYS_PTRACE; ' +
      'kernel.yama.ptrace_scope above 0 wants CAP_SYS_PTRACE, 3 forbids it.',
  },
  ESRCH: { advice: 'there is no such process.' },
  EBADF: { advice: 'the process has no such descriptor (any more).' },
  ENOSYS: { advice: 'pidfd_getfd needs Linux 5.6.' },
};

/**
 * A duplicate of a descriptor of another process (pidfd_open, pidfd_getfd). It shares everything with the original: a
 * VFIO device that is duplicated so is **one** device with two holders. Registering an eventfd for ERR through the
 * duplicate **takes the signal from the process that had it**: it is not told of errors any more, until it registers
 * again. The device, its group and its container stay in use until all duplicates are closed: a VMM that removes the
 * device and adds it again gets EBUSY before.
 * @throws PciRecoveryError `ERR_PCI_PERMISSION`, `ERR_PCI_NOT_PRESENT`, `ERR_PCI_BAD_DESCRIPTOR`, `ERR_PCI_UNSUPPORTED`.
 */
export async function duplicateOf(syscalls: Syscalls, pid: number, fd: number): Promise<OwnedFd> {
  const context = { pid, fd };
  const opened = accepted('pidfd_open', syscalls.pidfdOpen(pid), context, MEANINGS);
  await using process = new OwnedFd(syscalls, opened, `process ${pid}`);
  const duplicate = accepted('pidfd_getfd', syscalls.pidfdGetfd(process.raw, fd), context, MEANINGS);
  return new OwnedFd(syscalls, duplicate, `duplicate of descriptor ${fd} of process ${pid}`);
}
