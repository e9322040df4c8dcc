import { PciRecoveryError, type Bdf, type RecoveryPlatform } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { type VfioDevicePort } from '@pci-recovery/core/linux';
import { AerOwnerPlatform } from '@pci-recovery/aer/linux';
import {
  aerOwnerProfile,
  type Harness,
  type Lets,
  type Subject,
  type SubjectOptions,
  type WitnessFact,
} from '@pci-recovery/conformance';
import { PCI_HEADER } from '@pci-recovery/pci';
import { AerTrace, openVfioDevice, UeventMonitor, VfioOwnership, type VfioDevice } from '@pci-recovery/vfio';
import { ScriptedKernel } from '@pci-recovery/vfio/testing';
import { AerOwnerHost } from './aer-owner-host.js';
import { ownerMachine, vfioHostOf, type HostPort, type OwnerMachine } from './aer-owner-machine.js';
import { AerOwnerWitness } from './aer-owner-witness.js';
import { type Wiring } from './wiring.js';

/** `port`: what the platform gets for a device that it holds. */
export type AerOwnerWiring = Wiring<VfioDevicePort, AerOwnerPlatform>;

const refuse = (message: string): PciRecoveryError => new PciRecoveryError('ERR_PCI_NOT_OFFERED', message);

const TRACING = '/sys/kernel/tracing';
/** Memory, bus mastering, SERR#: as a driver sets a function up. */
const COMMAND = 0x0106;
const MEMORY = 0x2;
const BUS_MASTER = 0x4;

/** tracefs of the scripted kernel: every trace pipe is there. */
const TRACEFS = {
  makeDirectory: () => undefined,
  names: () => [],
  exists: () => true,
  write: () => undefined,
  removeInstance: () => Promise.resolve(),
};

/** A kernel in its own time. Calls end before any time passes, unless they take some. */
const kernelOf = ({ description }: OwnerMachine, clock: VirtualClock): ScriptedKernel =>
  new ScriptedKernel(description, { clock, schedule: queueMicrotask, logLimit: 100 });

/** A machine of the suite: devices that are held through VFIO, and the platform that recovers them beside the host. */
class AerOwnerSubject implements Subject {
  readonly clock: VirtualClock;
  readonly functions: Readonly<Record<string, Bdf>>;
  readonly platform: RecoveryPlatform;
  readonly #kernel: ScriptedKernel;
  readonly #machine: OwnerMachine;
  readonly #witness: AerOwnerWitness;
  readonly #host: AerOwnerHost;
  readonly #open: readonly AsyncDisposable[];

  private constructor(parts: {
    readonly clock: VirtualClock;
    readonly kernel: ScriptedKernel;
    readonly machine: OwnerMachine;
    readonly witness: AerOwnerWitness;
    readonly platform: RecoveryPlatform;
    readonly open: readonly AsyncDisposable[];
  }) {
    const { clock, kernel, machine, witness, platform, open } = parts;
    this.clock = clock;
    this.functions = machine.functions;
    this.platform = platform;
    this.#kernel = kernel;
    this.#machine = machine;
    this.#witness = witness;
    this.#host = new AerOwnerHost(kernel, clock, witness);
    this.#open = open;
  }

  static async make(machine: OwnerMachine, { port, platform }: AerOwnerWiring): Promise<AerOwnerSubject> {
    const clock = new VirtualClock();
    const kernel = kernelOf(machine, clock);
    const bdfs = Object.values(machine.functions);
    for (const { orphan } of machine.ports) kernel.pull(orphan);
    const witness = new AerOwnerWitness(kernel, clock, bdfs);
    const devices = new Map<number, Bdf>();
    const syscalls = witness.watching(kernel, (fd, request) => {
      const bdf = devices.get(fd)!;
      return request === 'VFIO_DEVICE_RESET' ? [bdf] : machine.ports.find(({ held }) => held.includes(bdf))!.held;
    });
    const ownership = new VfioOwnership();
    const opened: VfioDevice[] = [];
    for (const bdf of bdfs) {
      const device = await openVfioDevice(bdf, { syscalls, ownership, host: vfioHostOf(kernel), clock, way: 'group' });
      devices.set(device.file.raw, bdf);
      await device.writeConfig(PCI_HEADER.COMMAND, Uint8Array.of(COMMAND & 0xff, COMMAND >> 8));
      opened.push(device);
    }
    const trace = new AerTrace(kernel, { root: TRACING, files: TRACEFS, isAlive: () => true, clock });
    const uevents = new UeventMonitor(kernel);
    const owner = new AerOwnerPlatform({ sysfs: kernel.sysfs, uevents, trace }, clock);
    for (const device of opened) {
      const hold = await owner.hold(port?.(device) ?? device);
      // A holder gives back what the host wants back.
      device.onRequest(() => {
        hold[Symbol.dispose]();
        void device.close();
      });
    }
    // What was set up until now is no part of what the suite looks at.
    const past = witness.facts().length;
    const parts = { clock, kernel, machine, witness, platform: platform?.(owner) ?? owner };
    const subject = new AerOwnerSubject({ ...parts, open: [...opened, trace, uevents] });
    subject.#past = past;
    return subject;
  }

  #past = 0;

  inject(incident: string, at: string): void {
    const { bdf, port } = this.#at(incident, at);
    this.#host.error(incident, bdf, port);
  }

  injectUnreported(incident: string, at: string): void {
    this.#host.unreported(incident, this.#at(incident, at).bdf);
  }

  witness(): readonly WitnessFact[] {
    return this.#witness.facts().slice(this.#past);
  }

  breakNext(act: string, times: number): void {
    if (act === 'host') this.#host.failing = times;
    else if (act === 'hot_reset')
      this.#kernel.script({ call: 'ioctl', request: 'VFIO_DEVICE_PCI_HOT_RESET', result: 'EIO', times });
    else if (act === 'restore_config') this.#kernel.script({ call: 'pwrite', result: 'EIO', times });
    else throw refuse(`"${act}" cannot be let fail.`);
  }

  unplug(at: string): void {
    this.#kernel.pull(this.functions[at]!);
  }

  garble(seed: number): void {
    const bytes = Uint8Array.from({ length: seed % 60 }, (_, index) => (seed * 31 + index * 17) % 256);
    this.#kernel.uevents.deliver(bytes);
    this.#kernel.stream(`${TRACING}/trace_pipe`)(`aer_event: ${Buffer.from(bytes).toString('latin1')}\n`);
  }

  lets(at: string): Lets {
    const { command, silence } = this.#kernel.hardware(this.functions[at]!);
    const reachable = silence === undefined;
    return { access: reachable && (command & MEMORY) !== 0, dma: reachable && (command & BUS_MASTER) !== 0 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.platform[Symbol.asyncDispose]();
    for (const one of this.#open) await one[Symbol.asyncDispose]();
  }

  #at(incident: string, at: string): { bdf: Bdf; port: HostPort } {
    const bdf = this.functions[at];
    const port = this.#machine.ports.find(({ held }) => bdf && held.includes(bdf));
    if (!bdf || !port || !AerOwnerHost.plays(incident)) throw refuse(`There is no incident "${incident}" at "${at}".`);
    return { bdf, port };
  }
}

/** The AER backend, owner mode, on a scripted kernel, with something in between. */
export const aerOwnerHarnessWith = (wiring: AerOwnerWiring): Harness => ({
  name: 'aer-owner',
  profile: aerOwnerProfile,
  sees: ['reset', 'dma_enabled', 'status_cleared'],
  breaks: ['host', 'hot_reset', 'restore_config'],
  lacks: ['hot_reset'],
  abilities: ['unplug', 'unreported', 'probe', 'garble'],
  async create({ layout, lacking = [] }: SubjectOptions): Promise<Subject> {
    const machine = ownerMachine(layout, lacking.includes('hot_reset'));
    if (!machine) throw refuse(`There is no layout "${layout}".`);
    const unknown = lacking.find((capability) => capability !== 'hot_reset');
    if (unknown !== undefined) throw refuse(`A machine without "${unknown}" cannot be made.`);
    return AerOwnerSubject.make(machine, wiring);
  },
});

/** The AER backend, owner mode, as it is. */
export const aerOwnerHarness: Harness = aerOwnerHarnessWith({});
