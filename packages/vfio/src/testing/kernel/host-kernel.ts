import { type Clock } from '@pci-recovery/core';
import { type ByteOrder } from '../../uapi/byte-order.js';
import { type RequestNumbers } from '../../uapi/requests.js';
import { type CallLog } from './call-log.js';
import { type Caller, type KernelFile } from './open-file.js';
import { type Scripts } from './scripts.js';
import { type UeventSocket } from './uevent-socket.js';
import { type Scheduler } from './watches.js';

/** What the calls of a process need of the kernel below. */
export interface HostKernel {
  readonly numbers: RequestNumbers;
  readonly order: ByteOrder;
  readonly pageSize: number;
  readonly schedule: Scheduler;
  readonly clock: Clock | undefined;
  readonly log: CallLog;
  readonly scripts: Scripts;
  /** open(2): a file, or a negative errno. */
  openPath(caller: Caller, path: string, flags: number): KernelFile | number;
  /** A number that no other file has. */
  nextInode(): number;
  subscribe(socket: UeventSocket): () => void;
  processOf(pid: number): KernelProcess | undefined;
  /** Where sockets are listened on. */
  readonly listeners: Map<string, SocketListener>;
}

/** A process of the machine, as others see it. */
export interface KernelProcess extends Caller {
  /** Whether another process may take its descriptors (ptrace rights). */
  readonly traceable: boolean;
}

/** A listening unix socket. */
export interface SocketListener {
  readonly kind: 'stream' | 'seqpacket';
  connected(end: KernelFile): void;
}
