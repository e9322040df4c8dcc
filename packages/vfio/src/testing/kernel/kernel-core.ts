import { parseBdf, PciRecoveryError, type Clock } from '@pci-recovery/core';
import { type ByteOrder, HOST_BYTE_ORDER } from '../../uapi/byte-order.js';
import { requests, type RequestNumbers } from '../../uapi/requests.js';
import { AerCounters } from '../host/aer-counters.js';
import { aerRecovery, type AerErrorDescription } from '../host/aer-recovery.js';
import { pathOfDevice } from '../host/device-path.js';
import { eehRecovery, type EehErrorDescription } from '../host/eeh-recovery.js';
import { type Host } from '../host/host.js';
import { HotPlug } from '../host/hot-plug.js';
import { HostRecovery } from '../host/recovery-steps.js';
import { HostStreams } from '../host/streams.js';
import { SysfsView } from '../host/sysfs-view.js';
import { Uevents } from '../host/uevents.js';
import { zpciRecovery, type ZpciErrorDescription } from '../host/zpci-recovery.js';
import { type MachineDescription } from '../machine/description.js';
import { Machine } from '../machine/machine.js';
import { type PciFunction } from '../machine/pci-function.js';
import { VfioContext } from '../driver/context.js';
import { resetFunction } from '../driver/reset-function.js';
import { CallLog } from './call-log.js';
import { type HostKernel, type KernelProcess, type SocketListener } from './host-kernel.js';
import { type Caller, type KernelFile } from './open-file.js';
import { errno } from './outcome.js';
import { openNode } from './paths.js';
import { Scripts } from './scripts.js';
import { type UeventSocket } from './uevent-socket.js';
import { type Scheduler } from './watches.js';

/** An error of any platform: which one it is follows from the machine. */
export type HostErrorDescription = AerErrorDescription | ZpciErrorDescription | EehErrorDescription;

/** How a scripted kernel is set up. */
export interface KernelOptions {
  /** For calls that take time; without one they take none. */
  readonly clock?: Clock;
  /** Default: `setImmediate`, which runs one turn of the event loop later. */
  readonly schedule?: Scheduler;
  /**
   * Request numbers and byte order that programs speak. Default: those of this process, whatever machine is described, as codecs use
   * them.
   */
  readonly architecture?: string;
  readonly order?: ByteOrder;
  /** Calls that the log keeps. */
  readonly logLimit?: number;
}

/** What all processes of a machine share. */
export class KernelCore implements HostKernel, Host {
  readonly numbers: RequestNumbers;
  readonly order: ByteOrder;
  readonly pageSize: number;
  readonly schedule: Scheduler;
  readonly clock: Clock | undefined;
  readonly log: CallLog;
  readonly scripts: Scripts;
  readonly listeners = new Map<string, SocketListener>();
  readonly machine: Machine;
  readonly vfio: VfioContext;
  readonly uevents: Uevents;
  readonly counters = new AerCounters();
  readonly streams = new HostStreams();
  readonly sysfs: SysfsView;
  readonly hotPlug: HotPlug;
  /** Files with fixed bytes. */
  readonly files = new Map<string, Uint8Array>();
  readonly processes = new Map<number, KernelProcess>();
  #inode = 10_000;

  constructor(description: MachineDescription, options: KernelOptions) {
    this.numbers = requests(options.architecture ?? process.arch);
    this.order = options.order ?? HOST_BYTE_ORDER;
    this.pageSize = description.pageSize ?? 4096;
    this.schedule = options.schedule ?? setImmediate;
    this.clock = options.clock;
    this.log = new CallLog(options.logLimit);
    this.scripts = new Scripts(this.numbers);
    this.machine = new Machine(description);
    this.vfio = new VfioContext(this, this.machine);
    this.uevents = new Uevents((subject) => pathOfDevice(this.machine, subject));
    this.hotPlug = new HotPlug(this);
    this.sysfs = new SysfsView(this, {
      reset: (subject) => this.#sysfsReset(subject),
      remove: (subject) => this.hotPlug.remove(subject),
      rescan: () => this.hotPlug.rescan(),
    });
  }

  openPath(_caller: Caller, path: string, _flags: number): KernelFile | number {
    return openNode(this, path);
  }

  nextInode(): number {
    return (this.#inode += 2);
  }

  subscribe(socket: UeventSocket): () => void {
    return this.uevents.subscribe(socket);
  }

  processOf(pid: number): KernelProcess | undefined {
    return this.processes.get(pid);
  }

  /** What the host does about an error, to be played. */
  recovery(bdf: string, error: HostErrorDescription): HostRecovery {
    const subject = this.machine.find(parseBdf(bdf));
    if ('severity' in error) {
      if (!subject && !this.#isPort(bdf)) this.machine.functionAt(bdf);
      return new HostRecovery(aerRecovery(this, { bdf: parseBdf(bdf), subject }, error));
    }
    const there = subject ?? this.machine.functionAt(bdf);
    const zpci = this.machine.zpciOf(there);
    if (zpci) return new HostRecovery(zpciRecovery(this, zpci, error as ZpciErrorDescription));
    const { pe } = this.machine.groupOf(there);
    if (pe) return new HostRecovery(eehRecovery(this, pe, error as EehErrorDescription));
    const message = `${bdf} has neither a PE nor a zPCI function: give the severity of an AER error.`;
    throw new PciRecoveryError('ERR_PCI_BAD_SCRIPT', message, { context: { bdf } });
  }

  #isPort(bdf: string): boolean {
    return (this.machine.description.ports ?? []).some((port) => parseBdf(port.bdf) === parseBdf(bdf));
  }

  #sysfsReset(subject: PciFunction): number {
    if (subject.resetMethods.length === 0) return errno('ENOENT');
    return subject.deviceLock.closed ? errno('EAGAIN') : resetFunction(this.machine, subject);
  }
}
