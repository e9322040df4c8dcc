import { type Stoppable } from '@pci-recovery/core';
import { type DeviceUevent, type ErrorUevent, type PciUevent, type UeventPort } from '@pci-recovery/core/linux';
import { type Syscalls } from '../../seam/syscalls.js';
import { failedWith } from '../../seam/errno.js';
import { OwnedFd } from '../../seam/owned-fd.js';
import { refusedCall } from '../../seam/refused-call.js';
import { Broadcast, type Sink } from '../stream/broadcast.js';
import { checkLimit, DEFAULT_QUEUE_LIMIT } from '../stream/bounded-stream.js';
import { parseUevent, pciUevent } from './parse.js';

/** Settings of a {@link UeventMonitor}. */
export interface UeventMonitorOptions {
  /** Most uevents that wait for one slow subscriber. Default 1024. */
  readonly queueLimit?: number;
  /** SO_RCVBUF in bytes; the kernel gives at most `net.core.rmem_max`. Default 1 MiB. */
  readonly receiveBuffer?: number;
}

/** Datagrams that were not believed, counted since the monitor was made. */
export interface UeventRejections {
  /** Sent by a process, not by the kernel. */
  foreign: number;
  /** Made by udev. */
  udev: number;
  /** From the kernel, but not made as the kernel makes them. */
  malformed: number;
  /** Longer than any uevent. */
  truncated: number;
}

/** The header has at most a path, the variables at most 2048 bytes (UEVENT_BUFFER_SIZE). */
const LONGEST_DATAGRAM = 8192;

/** Datagrams that are taken in one turn, so that a storm leaves others their turn too. */
const MOST_AT_ONCE = 256;

type Told = ErrorUevent | DeviceUevent;

/**
 * The kernel's uevents about PCI functions: one netlink socket for all subscribers, opened for the first and closed with
 * the last. Only datagrams that the kernel itself sent count (port id 0); any process may send such datagrams. Needs no
 * privilege, but a network namespace of its own hears nothing.
 */
export class UeventMonitor implements UeventPort, AsyncDisposable {
  readonly #broadcast: Broadcast<Told>;
  readonly #rejected: UeventRejections = { foreign: 0, udev: 0, malformed: 0, truncated: 0 };

  /** @throws PciRecoveryError `ERR_PCI_BAD_LIMIT` for a limit that is none. */
  constructor(syscalls: Syscalls, options: UeventMonitorOptions = {}) {
    const limit = checkLimit(options.queueLimit ?? DEFAULT_QUEUE_LIMIT);
    const receiveBuffer = checkLimit(options.receiveBuffer ?? 1 << 20);
    this.#broadcast = new Broadcast(limit, (sink) => openSocket(syscalls, receiveBuffer, sink, this.#rejected));
  }

  /** Datagrams that were not believed. */
  get rejected(): Readonly<UeventRejections> {
    return { ...this.#rejected };
  }

  /**
   * From the call on, until `signal` aborts. `Lost` without a count: the kernel's buffer overflowed (ENOBUFS).
   * @throws PciRecoveryError what the kernel refused when the socket is opened; later failures end the iteration with it.
   */
  events({ signal }: Stoppable): AsyncIterableIterator<PciUevent> {
    return this.#broadcast.subscribe(signal);
  }

  /** Ends all subscriptions and closes the socket. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#broadcast[Symbol.asyncDispose]();
  }
}

function openSocket(
  syscalls: Syscalls,
  receiveBuffer: number,
  sink: Sink<Told>,
  rejected: UeventRejections,
): AsyncDisposable {
  const what = 'socket for uevents';
  const fd = OwnedFd.of(syscalls, 'socket', syscalls.ueventSocket(receiveBuffer), { what });
  const buffer = new Uint8Array(LONGEST_DATAGRAM);
  const broken = (result: number): void => sink.fail(refusedCall('recvmsg', result, { what }));
  const watch = syscalls.watch(fd.raw, () => drain(syscalls, fd.raw, buffer, sink, rejected, broken), broken);
  if (typeof watch === 'number') {
    void fd.close().catch(() => undefined);
    throw refusedCall('watch', watch, { what });
  }
  return {
    [Symbol.asyncDispose]: () => {
      watch[Symbol.dispose]();
      return fd.close();
    },
  };
}

/** Takes what is there, up to a bound; what is left makes the socket readable again. */
function drain(
  syscalls: Syscalls,
  fd: number,
  buffer: Uint8Array,
  sink: Sink<Told>,
  rejected: UeventRejections,
  broken: (result: number) => void,
): void {
  for (let count = 0; count < MOST_AT_ONCE; count++) {
    const { result, truncated, sender } = syscalls.receive(fd, buffer);
    if (failedWith(result, 'EAGAIN')) return;
    if (failedWith(result, 'ENOBUFS')) sink.lose(undefined);
    else if (failedWith(result, 'EINTR')) continue;
    else if (result < 0) return broken(result);
    else if (sender !== 0) rejected.foreign++;
    else if (truncated) {
      rejected.truncated++;
      sink.lose(1);
    } else take(buffer.subarray(0, result), sink, rejected);
  }
}

function take(datagram: Uint8Array, sink: Sink<Told>, rejected: UeventRejections): void {
  const uevent = parseUevent(datagram);
  if (uevent === 'udev') rejected.udev++;
  else if (uevent === 'malformed') {
    rejected.malformed++;
    // It may have been one of a PCI function: nobody can tell any more.
    sink.lose(1);
  } else {
    const told = pciUevent(uevent);
    if (told) sink.push(told);
  }
}
