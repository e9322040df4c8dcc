import { type RawFd } from '../../seam/syscalls.js';
import { OpenFile, type KernelFile } from './open-file.js';
import { errno } from './outcome.js';

/** 0, 1 and 2 are somebody else's. */
const FIRST = 3;

/** The descriptors of one process. Numbers are given lowest first, as POSIX wants it, so a closed one comes back at once. */
export class FdTable {
  readonly #files = new Map<RawFd, OpenFile>();

  /** @param limit RLIMIT_NOFILE */
  constructor(readonly limit = 1024) {}

  /** Descriptors that are open, in order. */
  get open(): readonly RawFd[] {
    return [...this.#files.keys()].sort((a, b) => a - b);
  }

  get(fd: RawFd): OpenFile | undefined {
    return this.#files.get(fd);
  }

  /** A descriptor for a file that is open; EMFILE when there are too many. */
  install(open: OpenFile): number {
    const fd = this.#free();
    if (fd < 0) return fd;
    this.#files.set(fd, open.hold());
    return fd;
  }

  /** A descriptor for a new file. Where there is no room, the file is released again. */
  create(file: KernelFile): number {
    const open = new OpenFile(file).hold();
    const fd = this.install(open);
    open.drop();
    return fd;
  }

  /** 0, or EBADF: also for one that is closed already. */
  close(fd: RawFd): number {
    const open = this.#files.get(fd);
    if (!open) return errno('EBADF');
    this.#files.delete(fd);
    open.drop();
    return 0;
  }

  #free(): number {
    for (let fd = FIRST; fd < this.limit; fd++) if (!this.#files.has(fd)) return fd;
    return errno('EMFILE');
  }
}
