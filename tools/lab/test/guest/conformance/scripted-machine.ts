import { parseBdf, type Bdf } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { openVfioDevice, UeventMonitor, VfioOwnership, type Syscalls, type VfioDevice } from '@pci-recovery/vfio';
import { ScriptedKernel, type AerSeverity } from '@pci-recovery/vfio/testing';
import { requests } from '@pci-recovery/vfio/uapi';
import { type LiveDriver, type LiveMachine } from '../../../src/guest/conformance/live-machine.js';

const PORTS = ['0000:00:01.0', '0000:00:02.0'] as const;
const SINGLE = parseBdf('0000:01:00.0');
const PAIR = [parseBdf('0000:02:00.0'), parseBdf('0000:02:00.1')] as const;
const SEVERITIES: Readonly<Record<string, AerSeverity>> = { BAD: 'correctable', TIME: 'nonfatal', MALF: 'fatal' };
const HOST_MS = 5;
const HOT_RESET = requests().VFIO_DEVICE_PCI_HOT_RESET;
const READY = 0x5a;

/** What of it a test can break. */
export interface Mischief {
  /** The log says nothing of resets. */
  readonly mute?: boolean;
  /** Functions are silent after a reset, whoever sets them up. */
  readonly dead?: boolean;
  /** Every injection leaves a descriptor open. */
  readonly leaks?: boolean;
}

/** A scripted kernel as the machine of a live harness: its log tells of resets as Linux's does. */
export class ScriptedMachine implements LiveMachine {
  readonly clock = new VirtualClock();
  readonly kernel = new ScriptedKernel(
    {
      arch: 'x64',
      ports: PORTS.map((bdf) => ({ bdf })),
      groups: [
        { number: 0, functions: [{ bdf: SINGLE, port: PORTS[0] }] },
        { number: 1, functions: PAIR.map((bdf) => ({ bdf, port: PORTS[1] })) },
      ],
      durations: { hotReset: 140 },
    },
    { clock: this.clock, schedule: queueMicrotask },
  );
  readonly layouts = {
    single: { a: { id: 'one', bdf: SINGLE } },
    pair: { a: { id: 'left', bdf: PAIR[0] }, b: { id: 'right', bdf: PAIR[1] } },
  };
  readonly errors = { correctable: 'BAD', nonfatal: 'TIME', fatal: 'MALF' };
  readonly ports: LiveMachine['ports'];
  readonly #syscalls: Syscalls = this.#logging();
  readonly #ownership = new VfioOwnership();
  readonly #mischief: Mischief;
  /** Descriptors of devices. */
  readonly #devices = new Map<number, Bdf>();
  #lines: string[] = [];
  #resets = 0;

  constructor(mischief: Mischief = {}) {
    this.#mischief = mischief;
    this.ports = { sysfs: this.kernel.sysfs, uevents: new UeventMonitor(this.kernel) };
  }

  async open(bdf: Bdf): Promise<VfioDevice> {
    const { sysfs } = this.kernel;
    const group = (one: Bdf): number => Number(sysfs.link(one, 'iommu_group'));
    const host = {
      find: () => Promise.resolve({ group: group(bdf), vfioDevice: undefined, virtual: false }),
      members: () => Promise.resolve([bdf]),
      diagnose: () => Promise.resolve(undefined),
    };
    const { clock } = this;
    const [syscalls, ownership] = [this.#syscalls, this.#ownership];
    const device = await openVfioDevice(bdf, { syscalls, ownership, host, clock, way: 'group' });
    this.#devices.set(device.file.raw, bdf);
    return device;
  }

  async drive(device: VfioDevice): Promise<LiveDriver> {
    const fn = this.kernel.hardware(device.bdf);
    const setUp = async (): Promise<void> => {
      await device.writeConfig(4, Uint8Array.of(0x06, 0x01));
      fn.bars[0]!.bytes[0] = READY;
    };
    await setUp();
    return {
      setUp,
      request: () => Promise.resolve(this.#alive && (fn.command & 4) !== 0 && fn.bars[0]!.bytes[0] === READY),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  bind(bdf: Bdf): Promise<void> {
    this.kernel.add(bdf);
    this.kernel.hardware(bdf).driver = 'vfio-pci';
    return Promise.resolve();
  }

  unbind(bdf: Bdf): Promise<void> {
    this.kernel.hardware(bdf).driver = undefined;
    return Promise.resolve();
  }

  remove(bdf: Bdf): Promise<void> {
    return this.kernel.remove(bdf);
  }

  /** Its calls and its news take no turn of the event loop. */
  heard(): Promise<void> {
    return Promise.resolve();
  }

  log(): readonly string[] {
    const lines = this.#mischief.mute ? [] : this.#lines;
    this.#lines = [];
    return lines;
  }

  inject(id: string, error: string): Promise<void> {
    const { bdf } = Object.values({ ...this.layouts.pair, one: this.layouts.single.a }).find((one) => one.id === id)!;
    void this.#host(bdf, SEVERITIES[error]!);
    return Promise.resolve();
  }

  descriptors(): number {
    return this.kernel.fds.open.length;
  }

  async #host(bdf: Bdf, severity: AerSeverity): Promise<void> {
    const port = this.kernel.sysfs.parent(bdf)!;
    const recovery = this.kernel.error(bdf, { severity });
    if (this.#mischief.leaks) this.kernel.eventfd(0);
    if (recovery.until('notified')) {
      await new Promise<void>((resolve) => this.clock.after(HOST_MS, resolve));
      if (severity === 'fatal' && recovery.until('reset'))
        this.#reset(`pcieport ${port}: AER: Root Port link has been reset (0)`);
    }
    recovery.finish();
  }

  get #alive(): boolean {
    return !this.#mischief.dead || this.#resets === 0;
  }

  #reset(...lines: readonly string[]): void {
    this.#resets++;
    this.#lines.push(...lines);
  }

  /** The kernel's calls, with its lines about resets in the log. */
  #logging(): Syscalls {
    const ioctlAsync: Syscalls['ioctlAsync'] = async (fd, request, argument) => {
      const result = await this.kernel.ioctlAsync(fd, request, argument);
      const functions = this.#devices.get(fd) === SINGLE ? [SINGLE] : PAIR;
      const lines = (what: string): string[] => functions.map((bdf) => `vfio-pci ${bdf}: ${what}`);
      if (request === HOT_RESET && result === 0) this.#reset(...lines('resetting'), ...lines('reset done'));
      return result;
    };
    return new Proxy<Syscalls>(this.kernel, {
      get: (of, name) => {
        if (name === 'ioctlAsync') return ioctlAsync;
        const value = Reflect.get(of, name, of) as unknown;
        return typeof value === 'function' ? (value.bind(of) as unknown) : value;
      },
    });
  }
}
