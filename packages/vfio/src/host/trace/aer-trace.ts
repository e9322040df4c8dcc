import { PciRecoveryError, systemClock, type Clock, type Stoppable } from '@pci-recovery/core';
import { type AerTraceEvent, type AerTracePort, type Lost } from '@pci-recovery/core/linux';
import { constants, existsSync } from 'node:fs';
import { failedWith } from '../../seam/errno.js';
import { OwnedFd } from '../../seam/owned-fd.js';
import { type Syscalls } from '../../seam/syscalls.js';
import { refusedCall } from '../../seam/refused-call.js';
import { Broadcast, type Sink } from '../stream/broadcast.js';
import { checkLimit, DEFAULT_QUEUE_LIMIT } from '../stream/bounded-stream.js';
import { LineAssembler } from '../stream/lines.js';
import { createInstance, removeStaleInstances, tracefs, type InstancePlace, type TraceFiles } from './instance.js';
import { LONGEST_TRACE_LINE, parseTraceLine } from './parse.js';

/** Settings of an {@link AerTrace}. */
export interface AerTraceOptions {
  /** Where tracefs is mounted. Default `/sys/kernel/tracing`. */
  readonly root?: string;
  /** Most events that wait for one slow subscriber. Default 1024. */
  readonly queueLimit?: number;
  /** The kernel's ring buffer for each processor, KiB. Default 64: about 400 events. */
  readonly bufferKib?: number;
  /** How often the pipe is read where it cannot be watched, milliseconds. Default 100. */
  readonly pollEvery?: number;
  /** For {@link pollEvery}. Default: the machine's. */
  readonly clock?: Clock;
  /** Default: the real ones. */
  readonly files?: TraceFiles;
  /** Whether a process runs. Default: `/proc` has it. */
  readonly isAlive?: (pid: number) => boolean;
  /** Another event with the same text, for tests. Default `ras/aer_event`. */
  readonly event?: string;
}

/** Reads in one turn, so that a storm leaves others their turn too. */
const MOST_AT_ONCE = 64;

/**
 * The kernel's `ras:aer_event`, from a tracing instance of its own (`instances/pci-recovery-<pid>-…`): made for the first
 * subscriber, removed with the last, and when this process dies first, by the next one that makes its own. Making it takes
 * some milliseconds, for which the event loop stands still: so nothing is missed from the call of {@link events} on.
 */
export class AerTrace implements AerTracePort, AsyncDisposable {
  readonly #broadcast: Broadcast<AerTraceEvent>;
  /** Lines that should be events and cannot be read. */
  #unreadable = 0;

  /** @throws PciRecoveryError `ERR_PCI_BAD_LIMIT` for a limit that is none. */
  constructor(syscalls: Syscalls, options: AerTraceOptions = {}) {
    const { root = '/sys/kernel/tracing', files = tracefs, event = 'ras/aer_event', clock = systemClock } = options;
    const isAlive = options.isAlive ?? ((pid: number) => existsSync(`/proc/${pid}`));
    const bufferKib = checkLimit(options.bufferKib ?? 64);
    const pollEvery = checkLimit(options.pollEvery ?? 100);
    const place: InstancePlace = { root, files, pid: process.pid, isAlive, bufferKib, event };
    this.#broadcast = new Broadcast(checkLimit(options.queueLimit ?? DEFAULT_QUEUE_LIMIT), (sink) => {
      const instance = createInstance(place);
      const cleaned = removeStaleInstances(place).catch(() => undefined);
      try {
        const pipe = new TracePipe(
          syscalls,
          `${instance.path}/trace_pipe`,
          { clock, pollEvery },
          this.#lines(sink),
          sink,
        );
        return {
          [Symbol.asyncDispose]: async () => {
            await pipe.close();
            await cleaned;
            await instance.remove();
          },
        };
      } catch (error) {
        void instance.remove().catch(() => undefined);
        throw error;
      }
    });
  }

  /** Lines that should have been events and could not be read; each is reported as lost too. */
  get unreadable(): number {
    return this.#unreadable;
  }

  /**
   * From the call on, until `signal` aborts.
   * @throws PciRecoveryError `ERR_PCI_TRACE_EVENT_MISSING`, `ERR_PCI_NOT_PRESENT` (no tracefs) or `ERR_PCI_PERMISSION`
   * with what to do about it; later failures end the iteration with the error.
   */
  events({ signal }: Stoppable): AsyncIterableIterator<AerTraceEvent | Lost> {
    return this.#broadcast.subscribe(signal);
  }

  /** Ends all subscriptions and removes the instance. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#broadcast[Symbol.asyncDispose]();
  }

  #lines(sink: Sink<AerTraceEvent>): LineAssembler {
    const unreadable = (): void => {
      this.#unreadable++;
      sink.lose(1);
    };
    const take = (line: string): void => {
      const told = parseTraceLine(line);
      if (told === 'unreadable') unreadable();
      else if (told === 'other') return;
      else if (told.kind === 'lost') sink.lose(told.count);
      else sink.push(told);
    };
    return new LineAssembler(LONGEST_TRACE_LINE, take, unreadable);
  }
}

/** Reads a trace pipe as it fills: watched, or polled where that is not possible. */
class TracePipe {
  readonly #syscalls: Syscalls;
  readonly #lines: LineAssembler;
  readonly #sink: Sink<AerTraceEvent>;
  readonly #polling: { readonly clock: Clock; readonly pollEvery: number };
  readonly #buffer = new Uint8Array(16_384);
  readonly #fd: OwnedFd;
  #wake: Disposable | undefined;

  constructor(
    syscalls: Syscalls,
    path: string,
    polling: { clock: Clock; pollEvery: number },
    lines: LineAssembler,
    sink: Sink<AerTraceEvent>,
  ) {
    this.#syscalls = syscalls;
    this.#lines = lines;
    this.#sink = sink;
    this.#polling = polling;
    this.#fd = OwnedFd.open(syscalls, path, constants.O_RDONLY | constants.O_NONBLOCK);
    const watch = syscalls.watch(
      this.#fd.raw,
      () => this.#drain(),
      (errno) => this.#broken(errno),
    );
    if (typeof watch === 'number') this.#poll();
    else this.#wake = watch;
  }

  close(): Promise<void> {
    this.#wake?.[Symbol.dispose]();
    return this.#fd.close();
  }

  #poll(): void {
    const { clock, pollEvery } = this.#polling;
    this.#wake?.[Symbol.dispose]();
    this.#wake = clock.after(pollEvery, () => {
      if (this.#drain()) this.#poll();
    });
  }

  /** Takes what is there, up to a bound. False: the pipe is of no use any more, or is polled from now on. */
  #drain(): boolean {
    for (let count = 0; count < MOST_AT_ONCE; count++) {
      const length = this.#syscalls.read(this.#fd.raw, this.#buffer);
      if (failedWith(length, 'EAGAIN')) return true;
      if (failedWith(length, 'EINTR')) continue;
      if (length < 0) return this.#broken(length);
      if (length === 0) return this.#ended();
      this.#lines.feed(this.#buffer.subarray(0, length));
    }
    return true;
  }

  /** The pipe says that it ended: tracing was switched off in our instance by somebody else. */
  #ended(): false {
    const message = 'Tracing was switched off in the tracing instance: events are not seen any more.';
    this.#sink.fail(new PciRecoveryError('ERR_PCI_TRACE_STOPPED', message));
    return false;
  }

  #broken(errno: number): false {
    this.#sink.fail(refusedCall('read', errno, { path: this.#fd.what }));
    return false;
  }
}
