import { type AerErrorDescription } from './host/aer-recovery.js';
import { type EehErrorDescription } from './host/eeh-recovery.js';
import { type HostRecovery } from './host/recovery-steps.js';
import { type SysfsView } from './host/sysfs-view.js';
import { type ErrorEventName, type Uevents } from './host/uevents.js';
import { type ZpciErrorDescription } from './host/zpci-recovery.js';
import { type CallLog } from './kernel/call-log.js';
import { type KernelFile } from './kernel/open-file.js';
import { errno } from './kernel/outcome.js';
import { KernelCore, type KernelOptions } from './kernel/kernel-core.js';
import { ScriptedProcess, type ProcessOptions } from './kernel/process.js';
import { type Script, type Scripted } from './kernel/scripts.js';
import { type StreamKind } from './kernel/plain-files.js';
import { type MachineDescription } from './machine/description.js';
import { type PciFunction } from './machine/pci-function.js';
import { type Zpci } from './machine/zpci.js';
import { type Pe } from './machine/pe.js';

/** How a scripted kernel and its first process are set up. */
export interface ScriptedKernelOptions extends KernelOptions, Partial<ProcessOptions> {}

/** Somebody who listens on a unix socket. */
export interface Listening extends Disposable {
  /** A descriptor of the next connection; EAGAIN when there is none. */
  accept(): number;
}

const FIRST_PID = 1000;

/**
 * A kernel behind the seam of this package, on a machine that a description makes up: programs that work through
 * `Syscalls` can be tested without hardware. It answers by the documented rules of Linux 7.3, errno for errno, and keeps a
 * log of every call. It is one process; {@link spawn} makes others on the same machine.
 *
 * What it is asked that it does not play is refused with `ERR_PCI_NOT_PLAYED`; a call that would stop the program's
 * event loop with `ERR_PCI_WOULD_BLOCK`.
 */
export class ScriptedKernel extends ScriptedProcess {
  readonly #core: KernelCore;
  #pids: number;

  /** @throws PciRecoveryError `ERR_PCI_BAD_MACHINE`, `ERR_PCI_BAD_BDF`, `ERR_PCI_UNKNOWN_ARCHITECTURE` */
  constructor(machine: MachineDescription, options: ScriptedKernelOptions = {}) {
    const core = new KernelCore(machine, options);
    const pid = options.pid ?? FIRST_PID;
    super(core, { ...options, pid });
    this.#core = core;
    this.#pids = pid;
    core.processes.set(pid, this);
  }

  /** Every call of every process, as the kernel saw it. */
  get log(): CallLog {
    return this.#core.log;
  }

  /** Files below `/sys/bus/pci/devices`, as they are now. */
  get sysfs(): SysfsView {
    return this.#core.sysfs;
  }

  /** Sends uevents. */
  get uevents(): Uevents {
    return this.#core.uevents;
  }

  /** Lets calls fail, answer something else, or wait. In force until it is disposed of. */
  script(script: Script): Scripted {
    return this.#core.scripts.add(script);
  }

  /**
   * An error of a function or a port. The result plays what the host does about it; nothing happens before it is told to.
   * AER errors have a severity; on s390 a record; on ppc64 what is frozen.
   * @throws PciRecoveryError `ERR_PCI_NOT_PRESENT`, `ERR_PCI_BAD_SCRIPT`
   */
  error(bdf: string, error: AerErrorDescription | ZpciErrorDescription | EehErrorDescription): HostRecovery {
    return this.#core.recovery(bdf, error);
  }

  /** The hardware of a function: its registers and memory, to be looked at and changed. */
  hardware(bdf: string): PciFunction {
    return this.#core.machine.functionAt(bdf);
  }

  /** What s390 firmware and kernel know of a function; undefined on other machines. */
  zpci(bdf: string): Zpci | undefined {
    return this.#core.machine.zpciOf(this.hardware(bdf));
  }

  /** The PE of a function; undefined where there is none. */
  pe(bdf: string): Pe | undefined {
    return this.#core.machine.groupOf(this.hardware(bdf)).pe;
  }

  /** The device sends an interrupt. */
  interrupt(bdf: string, vector = 0): void {
    this.#core.vfio.deviceOf(this.hardware(bdf)).interrupts.fire(vector);
  }

  /** A reset that the kernel knows nothing of (BIST, firmware): registers, memory and the MSI-X table are lost (R5.1). */
  backdoorReset(bdf: string): void {
    this.hardware(bdf).reset();
  }

  /** Removes a function: its holder is asked to let it go; settles when it has. */
  remove(bdf: string): Promise<void> {
    return this.#core.hotPlug.remove(this.hardware(bdf));
  }

  /** Pulls a function out, held or not. */
  pull(bdf: string): void {
    this.#core.hotPlug.pull(this.hardware(bdf));
  }

  /** Puts a function back. */
  add(bdf: string): void {
    this.#core.hotPlug.add(this.hardware(bdf));
  }

  /** Sends an error uevent of a function, besides those that {@link error} plays. */
  errorUevent(bdf: string, event: ErrorEventName): void {
    this.#core.uevents.error(this.hardware(bdf), event);
  }

  /** A line in `/dev/kmsg`. */
  kernelLog(text: string, level?: number): void {
    this.#core.streams.log(text, level);
  }

  /** Puts a file with fixed bytes at a path. */
  file(path: string, content: Uint8Array | string): void {
    this.#core.files.set(path, typeof content === 'string' ? new TextEncoder().encode(content) : content.slice());
  }

  /** Puts a stream at a path; the result feeds everybody who has it open. */
  stream(path: string, kind: StreamKind = 'bytes'): (content: Uint8Array | string) => void {
    this.#core.streams.add(path, kind);
    return (content) =>
      this.#core.streams.feed(path, typeof content === 'string' ? new TextEncoder().encode(content) : content);
  }

  /** Another process on the same machine. */
  spawn(options: Partial<ProcessOptions> = {}): ScriptedProcess {
    const pid = options.pid ?? ++this.#pids;
    const process = new ScriptedProcess(this.#core, { ...options, pid });
    this.#core.processes.set(pid, process);
    return process;
  }

  /** A process ends: all that it held is let go, and it cannot be found any more. */
  kill(process: ScriptedProcess): void {
    process.exit();
    this.#core.processes.delete(process.pid);
  }

  /** Listens on a unix socket; connections are taken as descriptors of `process`. */
  listen(path: string, kind: 'stream' | 'seqpacket', process: ScriptedProcess = this): Listening {
    const waiting: KernelFile[] = [];
    const { listeners } = this.#core;
    listeners.set(path, { kind, connected: (end) => void waiting.push(end) });
    return {
      accept() {
        const next = waiting.shift();
        return next ? process.fds.create(next) : errno('EAGAIN');
      },
      [Symbol.dispose]: () => void listeners.delete(path),
    };
  }
}
