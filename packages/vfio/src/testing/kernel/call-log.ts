import { type IoctlArgument, type RawFd, type Syscalls } from '../../seam/syscalls.js';
import { type RequestName } from '../../uapi/requests.js';
import { type FileKind } from './open-file.js';

/** Name of a call of the seam. */
export type CallName = keyof Syscalls;

/** What is known of a call when it begins. */
export interface CallStart {
  readonly call: CallName;
  readonly pid: number;
  readonly fd?: RawFd;
  /** Path of `open` and `connectUnix`. */
  readonly path?: string;
  /** What the descriptor is of, when it is open. */
  readonly kind?: FileKind;
  readonly file?: string;
  /** Name of an ioctl's request, as files of this kind know it; `0x…` for one that they do not. */
  readonly request?: RequestName | `0x${string}`;
  readonly requestNumber?: number;
  readonly argument?: IoctlArgument;
  /** Offset of `pread`, `pwrite`, `mmap`, in bytes. */
  readonly offset?: bigint;
  /** Bytes of the buffer or the mapping. */
  readonly length?: number;
}

/** One call as the kernel saw it: a witness that no program can talk into anything. */
export interface LoggedCall extends Omit<CallStart, 'argument'> {
  /** From 0 on, in the order in which calls began. */
  readonly sequence: number;
  /** The argument's bytes as they were passed, or its number. */
  readonly argument: Uint8Array | number | undefined;
  /** Undefined: it has not ended. */
  readonly result: number | bigint | undefined;
  /** How many calls had ended before this one did: it orders ends among each other. */
  readonly endedAs: number | undefined;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** The witness of all calls of a machine. Bounded: the oldest go first. */
export class CallLog {
  readonly #most: number;
  #calls: Writable<LoggedCall>[] = [];
  #begun = 0;
  #ended = 0;

  constructor(most = 100_000) {
    this.#most = most;
  }

  get calls(): readonly LoggedCall[] {
    return this.#calls;
  }

  begin(start: CallStart): (result: number | bigint) => void {
    const { argument, ...rest } = start;
    const call: Writable<LoggedCall> = {
      sequence: this.#begun++,
      ...rest,
      argument: typeof argument === 'object' ? argument.slice() : argument,
      result: undefined,
      endedAs: undefined,
    };
    this.#calls.push(call);
    if (this.#calls.length > this.#most) this.#calls = this.#calls.slice(-Math.ceil(this.#most / 2));
    return (result) => {
      call.result = result;
      call.endedAs = this.#ended++;
    };
  }

  /** Forgets what was. */
  clear(): void {
    this.#calls = [];
  }
}
