import { PciRecoveryError } from '@pci-recovery/core';
import { type RequestName, type RequestNumbers } from '../../uapi/requests.js';
import { type CallName, type CallStart } from './call-log.js';
import { Gate } from './gate.js';
import { Blocked, errno } from './outcome.js';
import { kindOfRequest } from './request-names.js';

/** Which calls a script is about: all that are given must fit. */
export interface ScriptedCalls {
  /** `ioctl`, `pread`, `pwrite` and `close` are the calls in threads too. */
  readonly call: CallName;
  /** Only this request of `ioctl`. */
  readonly request?: RequestName;
  /** Only files whose path, or whose link in `/proc/<pid>/fd`, is this or fits. */
  readonly file?: string | RegExp;
  /** Only calls of this process. */
  readonly pid?: number;
}

/** What is to happen with them. */
export interface Script extends ScriptedCalls {
  /** Only the nth that fits, from 1 on; default: each. */
  readonly nth?: number;
  /** At most this many; default: no limit, with {@link nth} 1. */
  readonly times?: number;
  /** The answer, an errno's name or a result ≥ 0, **instead of** what the kernel would do: nothing is done. */
  readonly result?: string | number;
  /**
   * Alters the answer **after** the kernel has done its work: the bytes of the argument or buffer as they will reach the
   * caller, and the result; what is returned is the result instead.
   */
  readonly reply?: (bytes: Uint8Array, result: number) => number | void;
  /** Calls in threads do not begin before {@link Scripted.release} is called. */
  readonly hold?: boolean;
}

/** A script that is in force until it is disposed of. */
export interface Scripted extends Disposable {
  /** Calls that it was applied to. */
  readonly hits: number;
  /** Lets calls that are held go on, and holds no more. */
  release(): void;
}

interface Entry {
  readonly script: Script;
  readonly gate: Gate;
  readonly open: () => void;
  fitting: number;
  hits: number;
}

const SYNCHRONOUS: Partial<Record<CallName, CallName>> = {
  ioctlAsync: 'ioctl',
  preadAsync: 'pread',
  pwriteAsync: 'pwrite',
  closeAsync: 'close',
};

const sameCall = (scripted: CallName, made: CallName): boolean => scripted === made || scripted === SYNCHRONOUS[made];

/** Some numbers have two names (VFIO_IOMMU_GET_INFO of type1 and of SPAPR containers). */
const sameRequest = (name: RequestName, made: CallStart, numbers: RequestNumbers): boolean =>
  made.kind === kindOfRequest(name) && made.requestNumber === numbers[name];

function fits({ call, request, file, pid }: ScriptedCalls, made: CallStart, numbers: RequestNumbers): boolean {
  if (!sameCall(call, made.call)) return false;
  if (request !== undefined && !sameRequest(request, made, numbers)) return false;
  if (pid !== undefined && pid !== made.pid) return false;
  if (file === undefined) return true;
  const names = [made.path, made.file].filter((name) => name !== undefined);
  return names.some((name) => (typeof file === 'string' ? name === file : file.test(name)));
}

function check(script: Script): void {
  const bad = (rule: string): PciRecoveryError =>
    new PciRecoveryError('ERR_PCI_BAD_SCRIPT', `The script does nothing: ${rule}.`);
  if (script.result === undefined && !script.reply && !script.hold) throw bad('give result, reply or hold');
  if (script.nth !== undefined && !(Number.isInteger(script.nth) && script.nth >= 1)) throw bad('nth counts from 1 on');
  if (typeof script.result === 'string') errno(script.result);
}

/** What a script makes of one call. */
export interface Application {
  /** To be waited for before anything else. */
  readonly hold?: Blocked;
  /** The result instead of the kernel's own work. */
  readonly instead?: number;
  readonly reply?: NonNullable<Script['reply']>;
}

/** The scripts of a machine. Of several that fit, the one that was given last is applied. */
export class Scripts {
  readonly #numbers: RequestNumbers;
  #entries: Entry[] = [];

  constructor(numbers: RequestNumbers) {
    this.#numbers = numbers;
  }

  /** @throws PciRecoveryError `ERR_PCI_BAD_SCRIPT`, `ERR_PCI_UNKNOWN_ERRNO` */
  add(script: Script): Scripted {
    check(script);
    const gate = new Gate();
    const entry: Entry = { script, gate, open: script.hold ? gate.close() : () => undefined, fitting: 0, hits: 0 };
    this.#entries.unshift(entry);
    return {
      get hits() {
        return entry.hits;
      },
      release: entry.open,
      [Symbol.dispose]: () => {
        entry.open();
        this.#entries = this.#entries.filter((other) => other !== entry);
      },
    };
  }

  /** To be asked once for each call, as it begins. */
  apply(made: CallStart): Application {
    let chosen: Entry | undefined;
    for (const entry of this.#entries) if (fits(entry.script, made, this.#numbers) && due(entry)) chosen ??= entry;
    if (!chosen) return {};
    chosen.hits++;
    const { result, reply, hold } = chosen.script;
    return {
      ...(hold && chosen.gate.closed && { hold: new Blocked(chosen.gate, 'the script that holds it') }),
      ...(result !== undefined && { instead: typeof result === 'string' ? errno(result) : result }),
      ...(reply && { reply }),
    };
  }
}

function due(entry: Entry): boolean {
  const { nth, times = Infinity } = entry.script;
  entry.fitting++;
  return nth === undefined ? entry.hits < times : entry.fitting === nth;
}
