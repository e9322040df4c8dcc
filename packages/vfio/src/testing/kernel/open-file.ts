import { type Datagram, type IoctlArgument } from '../../seam/syscalls.js';
import { type FdTable } from './fd-table.js';
import { type Outcome } from './outcome.js';
import { type UserMemory } from './user-memory.js';
import { type Wakeup } from './wakeup.js';

/** What a descriptor can be of. */
export type FileKind =
  'container' | 'group' | 'device' | 'iommufd' | 'eventfd' | 'socket' | 'uevents' | 'file' | 'stream' | 'pidfd';

/** The process that calls: its memory and its descriptors. */
export interface Caller {
  readonly pid: number;
  readonly memory: UserMemory;
  readonly fds: FdTable;
}

/** A message between sockets: the files travel with it. */
export interface Passed {
  readonly bytes: Uint8Array;
  readonly files: readonly OpenFile[];
}

/** A datagram as it leaves the kernel: its files have no numbers yet. */
export interface Received extends Omit<Datagram, 'fds'> {
  readonly files: readonly OpenFile[];
}

/** Memory of a file that can be mapped: what is stored in `bytes` is in the file, and the other way round. */
export interface Mappable {
  readonly length: number;
  /** Copies what the file holds now into `bytes`. */
  load(bytes: Uint8Array): void;
  /** Takes over what was stored at an offset. */
  store(offset: number, bytes: Uint8Array): void;
}

/**
 * An open file (the kernel's `struct file`), which one or several descriptors name. What it cannot do is not there: the
 * kernel's answer for that is given by the caller (ENOTTY, ESPIPE, EINVAL, ENODEV).
 */
export interface KernelFile {
  readonly kind: FileKind;
  /** As the links in `/proc/<pid>/fd` show it. */
  readonly name: string;
  /** Where it can be polled. */
  readonly wakeup?: Wakeup;
  ioctl?(caller: Caller, request: number, argument: IoctlArgument): Outcome;
  pread?(buffer: Uint8Array, offset: bigint): Outcome;
  pwrite?(buffer: Uint8Array, offset: bigint): Outcome;
  read?(buffer: Uint8Array): Outcome;
  write?(buffer: Uint8Array): Outcome;
  receive?(buffer: Uint8Array): Received;
  send?(message: Passed): number;
  mmap?(length: number, offset: bigint): Mappable | number;
  /** The last descriptor of it is gone. */
  release(): void;
}

/** A file with the count of who refers to it; it is released with the last one. */
export class OpenFile {
  #references = 0;

  constructor(readonly file: KernelFile) {}

  hold(): this {
    this.#references++;
    return this;
  }

  drop(): void {
    if (--this.#references === 0) this.file.release();
  }
}
