/**
 * A file descriptor as the kernel numbers it. Only {@link OwnedFd} may close one: everybody else borrows.
 */
export type RawFd = number;

/** What a call answers: its result (≥ 0), or a negative errno, as the kernel's own calls do. Names: `errnoName`. */
export type SyscallResult = number;

/** An argument of `ioctl`: nothing (0), a number that the kernel takes by value, or memory that it reads and writes. */
export type IoctlArgument = number | Uint8Array | undefined;

/** Memory that was mapped. It reads as zero length once it is unmapped. */
export interface Mapping {
  readonly memory: ArrayBuffer;
  /** Address in this process, for calls whose structures hold pointers. */
  readonly address: bigint;
}

/** One datagram. */
export interface Datagram {
  /** Bytes received (≥ 0), or a negative errno; EAGAIN when there is nothing to read. */
  readonly result: SyscallResult;
  /** It was longer than the buffer, or brought more descriptors than the process may open: the rest is lost. */
  readonly truncated: boolean;
  /** Sender's netlink port id: 0 is the kernel. 0 for other sockets. */
  readonly sender: number;
  /** Descriptors that came with it (SCM_RIGHTS), close-on-exec; the receiver owns them. */
  readonly fds: readonly RawFd[];
}

/**
 * The one seam to the kernel: every system call of this package goes through it, so that a scripted kernel can stand in
 * (`@pci-recovery/vfio/testing`). Calls never throw for what the kernel answers: a negative errno comes back. Wrong
 * types of arguments throw a TypeError. All descriptors are made close-on-exec. Memory that is passed must stay
 * untouched until the call returns, or its promise settles, and its buffer must not be transferred meanwhile: only the view
 * keeps it alive. Views below 64 bytes are as good as any.
 */
export interface Syscalls {
  /** open(2). O_CLOEXEC is added; a file that O_CREAT makes gets mode 0600. */
  open(path: string, flags: number): SyscallResult;
  /** close(2). EINTR counts as closed, as on Linux it is. */
  close(fd: RawFd): SyscallResult;
  /** close(2) in a thread: closing a VFIO device can reset it, which takes 100 ms and more. */
  closeAsync(fd: RawFd): Promise<SyscallResult>;
  /** fcntl(F_DUPFD_CLOEXEC). */
  duplicate(fd: RawFd): SyscallResult;
  /** ioctl(2) with the caller's memory. `request`: 32 bits, unsigned. */
  ioctl(fd: RawFd, request: number, argument: IoctlArgument): SyscallResult;
  /** The same in a thread, for calls that block: a reset holds its caller for 0.1 to 5 s. */
  ioctlAsync(fd: RawFd, request: number, argument: IoctlArgument): Promise<SyscallResult>;
  /** pread(2) at a 64-bit offset. */
  pread(fd: RawFd, buffer: Uint8Array, offset: bigint): SyscallResult;
  /** pread(2) in a thread: reads of configuration space block while the kernel resets the link. */
  preadAsync(fd: RawFd, buffer: Uint8Array, offset: bigint): Promise<SyscallResult>;
  /** pwrite(2) at a 64-bit offset. */
  pwrite(fd: RawFd, buffer: Uint8Array, offset: bigint): SyscallResult;
  pwriteAsync(fd: RawFd, buffer: Uint8Array, offset: bigint): Promise<SyscallResult>;
  /** read(2): eventfds, pipes, sysfs, trace_pipe, /dev/kmsg (one record a call). */
  read(fd: RawFd, buffer: Uint8Array): SyscallResult;
  /** write(2). */
  write(fd: RawFd, buffer: Uint8Array): SyscallResult;
  /**
   * mmap(2) of `fd` (−1: anonymous memory, MAP_PRIVATE|MAP_ANONYMOUS; else MAP_SHARED). Lengths in bytes; EFBIG above 4 GiB,
   * which no ArrayBuffer of node 20 holds. A mapping that is lost is unmapped when it is collected.
   */
  mmap(fd: RawFd, length: number, protection: number, offset: bigint): Mapping | SyscallResult;
  /**
   * munmap(2); detaches `memory`, so that no view can touch it any more. EINVAL when it is none of ours or gone; EBUSY while an
   * asynchronous call uses it.
   */
  munmap(memory: ArrayBuffer): SyscallResult;
  /** Address of memory, for structures that hold pointers. Valid as long as the view's buffer is alive and not detached; 0 of none. */
  addressOf(memory: Uint8Array): bigint;
  /** eventfd2(2), non-blocking. */
  eventfd(initial: number): SyscallResult;
  /** Takes the counter of an eventfd and sets it to 0: the count, or a negative errno (EAGAIN: nothing). */
  takeEventfd(fd: RawFd): bigint;
  /**
   * Calls `onReadable` in the event loop whenever `fd` can be read, until disposed (uv_poll: no thread). The callback must take what
   * is there. One watch per descriptor. Disposing is idempotent and must precede the close. `onFailure`: polling itself failed with an
   * errno (EBADF: it was closed meanwhile); the watch has ended then. An error that waits on the descriptor (POLLERR: a netlink socket
   * or the kernel log lost messages) is no such failure: the read that follows finds it. What a callback throws becomes an
   * uncaught exception, and the watch goes on. A watch makes the descriptor non-blocking and keeps the event loop alive.
   * @returns a negative errno when `fd` cannot be polled (EPERM: a regular file; EBADF; EEXIST: it is watched already).
   */
  watch(fd: RawFd, onReadable: () => void, onFailure: (errno: SyscallResult) => void): Disposable | SyscallResult;
  /**
   * A non-blocking NETLINK_KOBJECT_UEVENT socket bound to the kernel's group 1; `receiveBuffer` bytes (SO_RCVBUFFORCE with
   * CAP_NET_ADMIN, else SO_RCVBUF: at most net.core.rmem_max).
   */
  ueventSocket(receiveBuffer: number): SyscallResult;
  /** socketpair(AF_UNIX, SOCK_SEQPACKET), non-blocking. */
  socketPair(): readonly [RawFd, RawFd] | SyscallResult;
  /** Connects to a unix socket of a path (SOCK_STREAM or SOCK_SEQPACKET by `kind`); non-blocking. EAGAIN: its backlog is full. */
  connectUnix(path: string, kind: 'stream' | 'seqpacket'): SyscallResult;
  /** recvmsg(2), never waiting: one datagram with the descriptors that came along; ENOBUFS of a netlink socket: some were lost. */
  receive(fd: RawFd, buffer: Uint8Array): Datagram;
  /** sendmsg(2), never waiting, with descriptors (SCM_RIGHTS), at most 253. EPIPE instead of a signal. */
  send(fd: RawFd, bytes: Uint8Array, fds: readonly RawFd[]): SyscallResult;
  /** pidfd_open(2). */
  pidfdOpen(pid: number): SyscallResult;
  /** pidfd_getfd(2): a duplicate of another process's descriptor. */
  pidfdGetfd(pidfd: RawFd, fd: RawFd): SyscallResult;
}
