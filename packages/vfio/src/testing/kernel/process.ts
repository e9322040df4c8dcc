import {
  type Datagram,
  type IoctlArgument,
  type Mapping,
  type RawFd,
  type SyscallResult,
  type Syscalls,
} from '../../seam/syscalls.js';
import { checkArguments } from './arguments.js';
import { type CallName, type CallStart } from './call-log.js';
import { CallRunner } from './call-runner.js';
import { EventFd } from './eventfd.js';
import { FdTable } from './fd-table.js';
import { type HostKernel, type KernelProcess } from './host-kernel.js';
import { Mappings } from './mappings.js';
import { type KernelFile, type Received } from './open-file.js';
import { errno, type Outcome } from './outcome.js';
import { PidFd } from './pidfd.js';
import { requestName } from './request-names.js';
import { UnixSocket } from './socket.js';
import { UeventSocket } from './uevent-socket.js';
import { UserMemory } from './user-memory.js';
import { Watches } from './watches.js';

/** Longest path (PATH_MAX), its NUL included. */
const MOST_PATH = 4096;
/** Longest mapping, as of the native binding. */
const MOST_MAPPING = 2 ** 32;

/** What a process may be and do. */
export interface ProcessOptions {
  readonly pid: number;
  /** RLIMIT_NOFILE. Default 1024. */
  readonly descriptors?: number;
  /** Whether others may take its descriptors (pidfd_getfd). Default: yes. */
  readonly traceable?: boolean;
}

/** One process of a scripted machine: its descriptors, its memory, and all calls of the seam. */
export class ScriptedProcess implements Syscalls, KernelProcess {
  readonly pid: number;
  readonly traceable: boolean;
  readonly memory: UserMemory;
  readonly fds: FdTable;
  readonly #kernel: HostKernel;
  readonly #mappings: Mappings;
  readonly #watches: Watches;
  readonly #run: CallRunner;

  constructor(kernel: HostKernel, { pid, descriptors, traceable = true }: ProcessOptions) {
    this.#kernel = kernel;
    this.pid = pid;
    this.traceable = traceable;
    this.memory = new UserMemory(kernel.pageSize);
    this.fds = new FdTable(descriptors);
    this.#mappings = new Mappings(this.memory);
    this.#watches = new Watches(this.fds, kernel.schedule);
    this.#run = new CallRunner(kernel, this.#mappings);
  }

  /** Descriptors that are open now: empty, when the program closed all of its own. */
  get openDescriptors(): readonly { readonly fd: RawFd; readonly what: string }[] {
    return this.fds.open.map((fd) => ({ fd, what: this.fds.get(fd)!.file.name }));
  }

  /** Descriptors that are watched now. */
  get watched(): readonly RawFd[] {
    return this.#watches.watched;
  }

  /** Mappings that there are now. */
  get mappings(): number {
    return this.#mappings.count;
  }

  /** The process ends, as it does when it is killed: everything is closed. */
  exit(): void {
    for (const fd of this.fds.open) this.fds.close(fd);
    this.#mappings.clear();
  }

  open(path: string, flags: number): SyscallResult {
    checkArguments('open', [path, flags]);
    return this.#run.sync({ call: 'open', pid: this.pid, path }, undefined, () => {
      if (path.length >= MOST_PATH) return errno('ENAMETOOLONG');
      const file = this.#kernel.openPath(this, path, flags);
      return typeof file === 'number' ? file : this.fds.create(file);
    });
  }

  close(fd: RawFd): SyscallResult {
    checkArguments('close', [fd]);
    return this.#run.sync(this.#start('close', fd), undefined, () => this.fds.close(fd));
  }

  closeAsync(fd: RawFd): Promise<SyscallResult> {
    checkArguments('closeAsync', [fd]);
    return this.#run.async(this.#start('closeAsync', fd), undefined, () => this.fds.close(fd));
  }

  duplicate(fd: RawFd): SyscallResult {
    checkArguments('duplicate', [fd]);
    return this.#run.sync(this.#start('duplicate', fd), undefined, () => {
      const open = this.fds.get(fd);
      return open ? this.fds.install(open) : errno('EBADF');
    });
  }

  ioctl(fd: RawFd, request: number, argument: IoctlArgument): SyscallResult {
    checkArguments('ioctl', [fd, request, argument]);
    const bytes = this.memory.argument(argument);
    return this.#run.sync(this.#ioctlStart('ioctl', fd, request, argument), bytes, this.#ioctl(fd, request, argument));
  }

  ioctlAsync(fd: RawFd, request: number, argument: IoctlArgument): Promise<SyscallResult> {
    checkArguments('ioctlAsync', [fd, request, argument]);
    const start = this.#ioctlStart('ioctlAsync', fd, request, argument);
    return this.#run.async(start, this.memory.argument(argument), this.#ioctl(fd, request, argument));
  }

  pread(fd: RawFd, buffer: Uint8Array, offset: bigint): SyscallResult {
    checkArguments('pread', [fd, buffer, offset]);
    return this.#run.sync(this.#at('pread', fd, buffer, offset), buffer, this.#pread(fd, buffer, offset));
  }

  preadAsync(fd: RawFd, buffer: Uint8Array, offset: bigint): Promise<SyscallResult> {
    checkArguments('preadAsync', [fd, buffer, offset]);
    return this.#run.async(this.#at('preadAsync', fd, buffer, offset), buffer, this.#pread(fd, buffer, offset));
  }

  pwrite(fd: RawFd, buffer: Uint8Array, offset: bigint): SyscallResult {
    checkArguments('pwrite', [fd, buffer, offset]);
    return this.#run.sync(this.#at('pwrite', fd, buffer, offset), buffer, this.#pwrite(fd, buffer, offset));
  }

  pwriteAsync(fd: RawFd, buffer: Uint8Array, offset: bigint): Promise<SyscallResult> {
    checkArguments('pwriteAsync', [fd, buffer, offset]);
    return this.#run.async(this.#at('pwriteAsync', fd, buffer, offset), buffer, this.#pwrite(fd, buffer, offset));
  }

  read(fd: RawFd, buffer: Uint8Array): SyscallResult {
    checkArguments('read', [fd, buffer]);
    const work = this.#with(fd, (file) => file.read?.(buffer) ?? errno('EINVAL'));
    return this.#run.sync(this.#at('read', fd, buffer), buffer, work);
  }

  write(fd: RawFd, buffer: Uint8Array): SyscallResult {
    checkArguments('write', [fd, buffer]);
    const work = this.#with(fd, (file) => file.write?.(buffer) ?? errno('EINVAL'));
    return this.#run.sync(this.#at('write', fd, buffer), buffer, work);
  }

  mmap(fd: RawFd, length: number, protection: number, offset: bigint): Mapping | SyscallResult {
    checkArguments('mmap', [fd, length, protection, offset]);
    const start = { ...this.#start('mmap', fd), length, offset };
    return this.#run.now(
      start,
      () => this.#mmap(fd, length, offset),
      () => 0,
    );
  }

  munmap(memory: ArrayBuffer): SyscallResult {
    checkArguments('munmap', [memory]);
    return this.#run.sync(this.#start('munmap'), undefined, () => this.#mappings.remove(memory));
  }

  addressOf(memory: Uint8Array): bigint {
    checkArguments('addressOf', [memory]);
    return this.memory.addressOf(memory);
  }

  eventfd(initial: number): SyscallResult {
    checkArguments('eventfd', [initial]);
    return this.#run.sync(this.#start('eventfd'), undefined, () => this.fds.create(new EventFd(initial)));
  }

  takeEventfd(fd: RawFd): bigint {
    checkArguments('takeEventfd', [fd]);
    const take = (): bigint => {
      const file = this.fds.get(fd)?.file;
      if (file instanceof EventFd) return file.take();
      return BigInt(errno(file ? 'EINVAL' : 'EBADF'));
    };
    return BigInt(this.#run.now(this.#start('takeEventfd', fd), take, (count) => count));
  }

  watch(fd: RawFd, onReadable: () => void, onFailure: (errno: SyscallResult) => void): Disposable | SyscallResult {
    checkArguments('watch', [fd, onReadable, onFailure]);
    return this.#run.now(
      this.#start('watch', fd),
      () => this.#watches.start(fd, onReadable, onFailure),
      () => 0,
    );
  }

  ueventSocket(receiveBuffer: number): SyscallResult {
    checkArguments('ueventSocket', [receiveBuffer]);
    return this.#run.sync(this.#start('ueventSocket'), undefined, () => {
      if (receiveBuffer < 0) return errno('EINVAL');
      let unsubscribe = (): void => undefined;
      const socket = new UeventSocket(this.#kernel.nextInode(), receiveBuffer, () => unsubscribe());
      unsubscribe = this.#kernel.subscribe(socket);
      return this.fds.create(socket);
    });
  }

  socketPair(): readonly [RawFd, RawFd] | SyscallResult {
    return this.#run.now(
      this.#start('socketPair'),
      () => this.#socketPair(),
      () => 0,
    );
  }

  connectUnix(path: string, kind: 'stream' | 'seqpacket'): SyscallResult {
    checkArguments('connectUnix', [path, kind]);
    return this.#run.sync({ ...this.#start('connectUnix'), path }, undefined, () => {
      if (path.length >= 108) return errno('ENAMETOOLONG');
      const listener = this.#kernel.listeners.get(path);
      if (!listener) return errno('ENOENT');
      if (listener.kind !== kind) return errno('EPROTOTYPE');
      const [mine, theirs] = UnixSocket.pair(kind, this.#kernel.nextInode());
      const fd = this.fds.create(mine);
      if (fd >= 0) listener.connected(theirs);
      return fd;
    });
  }

  receive(fd: RawFd, buffer: Uint8Array): Datagram {
    checkArguments('receive', [fd, buffer]);
    const nothing = { truncated: false, sender: 0, fds: [] };
    const work = (): Datagram => {
      const file = this.fds.get(fd)?.file;
      if (!file?.receive) return { result: errno(file ? 'ENOTSOCK' : 'EBADF'), ...nothing };
      return this.#taken(file.receive(buffer));
    };
    const done = this.#run.now(this.#at('receive', fd, buffer), work, ({ result }) => result);
    return typeof done === 'number' ? { result: done, ...nothing } : done;
  }

  send(fd: RawFd, bytes: Uint8Array, fds: readonly RawFd[]): SyscallResult {
    checkArguments('send', [fd, bytes, fds]);
    const work = this.#with(fd, (file) => {
      if (!file.send) return errno('ENOTSOCK');
      const files = fds.map((each) => this.fds.get(each));
      return files.every((each) => each !== undefined) ? file.send({ bytes, files }) : errno('EBADF');
    });
    return this.#run.sync(this.#at('send', fd, bytes), undefined, work);
  }

  pidfdOpen(pid: number): SyscallResult {
    checkArguments('pidfdOpen', [pid]);
    return this.#run.sync(this.#start('pidfdOpen'), undefined, () => {
      if (pid <= 0) return errno('EINVAL');
      const other = this.#kernel.processOf(pid);
      return other ? this.fds.create(new PidFd(pid)) : errno('ESRCH');
    });
  }

  pidfdGetfd(pidfd: RawFd, fd: RawFd): SyscallResult {
    checkArguments('pidfdGetfd', [pidfd, fd]);
    return this.#run.sync(this.#start('pidfdGetfd', pidfd), undefined, () => {
      const file = this.fds.get(pidfd)?.file;
      if (!(file instanceof PidFd)) return errno('EBADF');
      const other = this.#kernel.processOf(file.pid);
      if (!other) return errno('ESRCH');
      if (!other.traceable && other !== this) return errno('EPERM');
      const open = other.fds.get(fd);
      return open ? this.fds.install(open) : errno('EBADF');
    });
  }

  #start(call: CallName, fd?: RawFd): CallStart {
    const file = fd === undefined ? undefined : this.fds.get(fd)?.file;
    return {
      call,
      pid: this.pid,
      ...(fd !== undefined && { fd }),
      ...(file && { kind: file.kind, file: file.name }),
    };
  }

  #at(call: CallName, fd: RawFd, { byteLength: length }: Uint8Array, offset?: bigint): CallStart {
    return { ...this.#start(call, fd), length, ...(offset !== undefined && { offset }) };
  }

  #ioctlStart(call: CallName, fd: RawFd, request: number, argument: IoctlArgument): CallStart {
    const start = this.#start(call, fd);
    const name = start.kind && requestName(start.kind, request, this.#kernel.numbers);
    return { ...start, request: name ?? `0x${request.toString(16)}`, requestNumber: request, argument };
  }

  /** Work on an open file; EBADF without one. Looked up when the call is made, as the kernel does. */
  #with(fd: RawFd, work: (file: KernelFile) => Outcome): () => Outcome {
    return () => {
      const open = this.fds.get(fd);
      return open ? work(open.file) : errno('EBADF');
    };
  }

  #ioctl(fd: RawFd, request: number, argument: IoctlArgument): () => Outcome {
    return this.#with(fd, (file) => file.ioctl?.(this, request, argument) ?? errno('ENOTTY'));
  }

  #pread(fd: RawFd, buffer: Uint8Array, offset: bigint): () => Outcome {
    return this.#with(fd, (file) =>
      offset < 0n ? errno('EINVAL') : (file.pread?.(buffer, offset) ?? errno('ESPIPE')),
    );
  }

  #pwrite(fd: RawFd, buffer: Uint8Array, offset: bigint): () => Outcome {
    return this.#with(fd, (file) =>
      offset < 0n ? errno('EINVAL') : (file.pwrite?.(buffer, offset) ?? errno('ESPIPE')),
    );
  }

  #mmap(fd: RawFd, length: number, offset: bigint): Mapping | SyscallResult {
    const page = this.#kernel.pageSize;
    if (length > MOST_MAPPING) return errno('EFBIG');
    if (length <= 0 || offset % BigInt(page) !== 0n) return errno('EINVAL');
    if (fd === -1) return this.#mappings.add(length, undefined);
    const file = this.fds.get(fd)?.file;
    if (!file) return errno('EBADF');
    const source = file.mmap?.(Math.ceil(length / page) * page, offset) ?? errno('ENODEV');
    return typeof source === 'number' ? source : this.#mappings.add(length, source);
  }

  #socketPair(): readonly [RawFd, RawFd] | SyscallResult {
    const [left, right] = UnixSocket.pair('seqpacket', this.#kernel.nextInode());
    const first = this.fds.create(left);
    if (first < 0) return first;
    const second = this.fds.create(right);
    if (second >= 0) return [first, second];
    this.fds.close(first);
    return second;
  }

  /** Gives the files of a message numbers of this process; those for which there is no room are lost (MSG_CTRUNC). */
  #taken({ files, truncated, ...rest }: Received): Datagram {
    const fds: RawFd[] = [];
    for (const open of files) {
      const fd = this.fds.install(open);
      if (fd >= 0) fds.push(fd);
      open.drop();
    }
    return { ...rest, truncated: truncated || fds.length < files.length, fds };
  }
}
