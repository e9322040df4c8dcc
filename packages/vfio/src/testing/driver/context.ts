import { type HostKernel } from '../kernel/host-kernel.js';
import { type Durations } from '../machine/description.js';
import { type Machine } from '../machine/machine.js';
import { type PciFunction } from '../machine/pci-function.js';
import { VfioDevice } from './device.js';
import { VfioGroup } from './group-state.js';

/** What VFIO knows of the whole machine: its groups and devices. */
export class VfioContext {
  readonly kernel: HostKernel;
  readonly machine: Machine;
  readonly groups: readonly VfioGroup[];
  readonly #devices = new Map<PciFunction, VfioDevice>();

  constructor(kernel: HostKernel, machine: Machine) {
    this.kernel = kernel;
    this.machine = machine;
    this.groups = machine.groups.map((group) => new VfioGroup(group));
    machine.functions.forEach((each, index) => {
      const group = this.groups.find(({ machine: { functions } }) => functions.includes(each))!;
      this.#devices.set(each, new VfioDevice(each, group, index));
    });
  }

  get durations(): Durations {
    return this.machine.description.durations ?? {};
  }

  deviceOf(subject: PciFunction): VfioDevice {
    return this.#devices.get(subject)!;
  }

  /** Devices that vfio-pci drives now, in address order. */
  get devices(): readonly VfioDevice[] {
    return this.machine.present.map((each) => this.deviceOf(each)).filter(({ bound }) => bound);
  }
}
