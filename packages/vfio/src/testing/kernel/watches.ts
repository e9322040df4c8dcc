import { type RawFd } from '../../seam/syscalls.js';
import { type FdTable } from './fd-table.js';
import { errno } from './outcome.js';
import { type Wakeup } from './wakeup.js';

/** Runs a task in a later turn of the event loop, in the order in which they were given. */
export type Scheduler = (task: () => void) => void;

interface Watch {
  readonly fd: RawFd;
  readonly onReadable: () => void;
  readonly onFailure: (errno: number) => void;
  readonly end: () => void;
  /** The kernel polls it: closing the descriptor under it makes it lie still. */
  polled: boolean;
  alive: boolean;
  queued: boolean;
}

/** The watches of one process: a callback in each turn, as long as there is something to read (level-triggered, as poll(2)). */
export class Watches {
  readonly #fds: FdTable;
  readonly #schedule: Scheduler;
  readonly #watches = new Map<RawFd, Watch>();

  constructor(fds: FdTable, schedule: Scheduler) {
    this.#fds = fds;
    this.#schedule = schedule;
  }

  /** Descriptors that are watched. */
  get watched(): readonly RawFd[] {
    return [...this.#watches.keys()];
  }

  /** EBADF: no descriptor; EPERM: a file that cannot be polled; EEXIST: it is watched already. */
  start(fd: RawFd, onReadable: () => void, onFailure: (errno: number) => void): Disposable | number {
    const open = this.#fds.get(fd);
    if (!open) return errno('EBADF');
    if (this.#watches.has(fd)) return errno('EEXIST');
    const { wakeup } = open.file;
    if (!wakeup) return errno('EPERM');
    const watch: Watch = {
      fd,
      onReadable,
      onFailure,
      end: wakeup.listen(() => this.#queue(watch, wakeup)),
      polled: false,
      alive: true,
      queued: false,
    };
    this.#watches.set(fd, watch);
    this.#queue(watch, wakeup);
    return { [Symbol.dispose]: () => this.#end(watch) };
  }

  #end(watch: Watch): void {
    if (!watch.alive) return;
    watch.alive = false;
    watch.end();
    this.#watches.delete(watch.fd);
  }

  #queue(watch: Watch, wakeup: Wakeup): void {
    if (watch.queued || !watch.alive) return;
    watch.queued = true;
    this.#schedule(() => {
      watch.queued = false;
      if (!watch.alive) return;
      if (!watch.polled && !this.#begin(watch)) return;
      this.#deliver(watch, wakeup);
    });
  }

  /** The first poll finds out that the descriptor is gone. */
  #begin(watch: Watch): boolean {
    const open = this.#fds.get(watch.fd);
    watch.polled = true;
    if (open?.file.wakeup) return true;
    this.#end(watch);
    watch.onFailure(errno(open ? 'EPERM' : 'EBADF'));
    return false;
  }

  #deliver(watch: Watch, wakeup: Wakeup): void {
    if (!wakeup.readable() || this.#fds.get(watch.fd)?.file.wakeup !== wakeup) return;
    try {
      watch.onReadable();
    } finally {
      // What a callback throws is an uncaught exception; the watch goes on.
      if (watch.alive && wakeup.readable()) this.#queue(watch, wakeup);
    }
  }
}
