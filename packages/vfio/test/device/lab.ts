import { parseBdf, PciRecoveryError, type Bdf, type Stoppable } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import {
  openDescriptors,
  openVfioDevice,
  VfioOwnership,
  type Diagnosis,
  type OpenVfioOptions,
  type VfioDevice,
  type VfioHost,
} from '../../src/index.js';
import { ScriptedKernel, type LoggedCall, type MachineDescription } from '../../src/testing/index.js';

/** sysfs of a scripted machine, as opening a device needs it. */
function hostOf(kernel: ScriptedKernel, machine: MachineDescription, diagnoses: Diagnosis[]): VfioHost {
  const { groups, cdev = false } = machine;
  return {
    async find(bdf) {
      if (!kernel.sysfs.devices().includes(bdf)) {
        throw new PciRecoveryError('ERR_PCI_NOT_PRESENT', `There is no function ${bdf}.`, { context: { bdf } });
      }
      const group = kernel.sysfs.link(bdf, 'iommu_group');
      const bound = kernel.sysfs.link(bdf, 'driver') === 'vfio-pci';
      const index = groups
        .flatMap(({ functions }) => functions.map((fn) => parseBdf(fn.bdf)))
        .sort()
        .indexOf(bdf);
      return {
        group: group === undefined ? undefined : Number(group),
        vfioDevice: bound && cdev ? `vfio${index}` : undefined,
        virtual: false,
      };
    },
    members: async (group) =>
      (groups.find(({ number }) => number === group)?.functions ?? []).map(({ bdf }) => parseBdf(bdf)),
    diagnose: async (bdf) => diagnoses.find((each) => each.bdf === bdf),
  };
}

/** A scripted machine, and how programs on it open devices. Nothing may stay open at the end of a test. */
export class Lab {
  readonly clock = new VirtualClock();
  readonly kernel: ScriptedKernel;
  readonly ownership = new VfioOwnership();
  readonly diagnoses: Diagnosis[] = [];
  readonly host: VfioHost;
  /** Left behind by a test that failed. */
  readonly #before = openDescriptors();

  constructor(machine: MachineDescription) {
    this.kernel = new ScriptedKernel(machine, { clock: this.clock });
    this.host = hostOf(this.kernel, machine, this.diagnoses);
  }

  /** What every opening needs. */
  get options(): OpenVfioOptions {
    const { kernel: syscalls, ownership, host, clock } = this;
    return { syscalls, ownership, host, clock };
  }

  open(bdf: string, options: OpenVfioOptions = {}): Promise<VfioDevice> {
    return this.clock.drive(openVfioDevice(bdf, { ...this.options, ...options }));
  }

  /** Calls that the kernel saw, by the request's name or else the call's. */
  get calls(): readonly LoggedCall[] {
    return this.kernel.log.calls;
  }

  /** Names of what the kernel was asked, without what only looks. */
  get asked(): readonly string[] {
    return this.calls.map(({ request, call }) => request ?? call);
  }

  /** How often it was asked something. */
  count(name: string): number {
    return this.asked.filter((each) => each === name).length;
  }

  /** What is still open, on either side of the seam, and what is still mapped or waited for. */
  get left(): readonly string[] {
    const owned = openDescriptors().filter((each) => !this.#before.includes(each));
    const { openDescriptors: open, mappings } = this.kernel;
    return [...open, ...owned].map(({ what }) => what).concat(mappings > 0 ? [`${mappings} mappings`] : []);
  }

  /** A turn of the event loop, and one more for its watches. */
  async turn(): Promise<void> {
    for (let turns = 0; turns < 4; turns++) await new Promise((resolve) => setImmediate(resolve));
  }
}

export const A = parseBdf('0000:01:00.0');
export const B = parseBdf('0000:01:00.1');
export const C = parseBdf('0000:02:00.0');

const PORT = '0000:00:01.0';

/** An x86 machine: one device below a root port, in group 7. */
export const ONE: MachineDescription = {
  arch: 'x64',
  ports: [{ bdf: PORT }],
  groups: [{ number: 7, functions: [{ bdf: A, port: PORT }] }],
};

/** The same with two functions on one bus, each in a group of its own. */
export const TWO_GROUPS: MachineDescription = {
  ...ONE,
  groups: [
    { number: 7, functions: [{ bdf: A, port: PORT }] },
    { number: 8, functions: [{ bdf: B, port: PORT }] },
  ],
};

/** The same with two functions in one group. */
export const ONE_GROUP: MachineDescription = {
  ...ONE,
  groups: [
    {
      number: 7,
      functions: [
        { bdf: A, port: PORT },
        { bdf: B, port: PORT },
      ],
    },
  ],
};

/** With a driver of the host on a function. */
export const withDriver = (machine: MachineDescription, bdf: Bdf, driver: string | null): MachineDescription => ({
  ...machine,
  groups: machine.groups.map((group) => ({
    ...group,
    functions: group.functions.map((fn) => (fn.bdf === bdf ? { ...fn, driver } : fn)),
  })),
});

/** Never aborts. */
export const go: Stoppable = { signal: new AbortController().signal };
