import { compareBdf, parseBdf, PciRecoveryError, type Bdf } from '@pci-recovery/core';
import { boot } from './boot.js';
import { Pe } from './pe.js';
import { type GroupDescription, type MachineDescription } from './description.js';
import { PciFunction } from './pci-function.js';
import { Zpci } from './zpci.js';

/** One IOMMU group of the machine. */
export interface MachineGroup {
  readonly number: number;
  readonly functions: readonly PciFunction[];
  readonly pe: Pe | undefined;
}

const bad = (message: string): PciRecoveryError => new PciRecoveryError('ERR_PCI_BAD_MACHINE', message);

/** The address without its function: those that share a bus. */
const busOf = (bdf: Bdf): string => bdf.slice(0, bdf.lastIndexOf(':'));

/** The machine below the kernel: its functions, groups and PEs. */
export class Machine {
  readonly description: MachineDescription;
  readonly groups: readonly MachineGroup[];
  readonly functions: readonly PciFunction[];
  readonly #zpci = new Map<PciFunction, Zpci>();

  /** @throws PciRecoveryError `ERR_PCI_BAD_MACHINE`, `ERR_PCI_BAD_BDF` */
  constructor(description: MachineDescription) {
    this.description = description;
    this.groups = description.groups.map((group) => this.#group(group));
    this.functions = this.groups.flatMap(({ functions }) => functions).sort((a, b) => compareBdf(a.bdf, b.bdf));
    this.#check();
    for (const each of this.functions) if (each.zpci) this.#zpci.set(each, new Zpci(each, each.zpci));
  }

  get iommu(): 'type1' | 'spapr' | 'off' {
    return this.description.iommu ?? (this.description.arch === 'ppc64' ? 'spapr' : 'type1');
  }

  /** @throws PciRecoveryError `ERR_PCI_NOT_PRESENT` */
  functionAt(bdf: string): PciFunction {
    const found = this.find(parseBdf(bdf));
    if (found) return found;
    throw new PciRecoveryError('ERR_PCI_NOT_PRESENT', `The scripted machine has no function ${bdf}.`, {
      context: { bdf },
    });
  }

  find(bdf: Bdf): PciFunction | undefined {
    return this.functions.find((each) => each.bdf === bdf);
  }

  groupOf(subject: PciFunction): MachineGroup {
    return this.groups.find(({ functions }) => functions.includes(subject))!;
  }

  zpciOf(subject: PciFunction): Zpci | undefined {
    return this.#zpci.get(subject);
  }

  /** Functions that are there. */
  get present(): readonly PciFunction[] {
    return this.functions.filter(({ silence }) => silence !== 'gone');
  }

  /** Those whose reset is one with a function's: its slot's, else its bus's. Undefined: neither can be reset. */
  resetScopeOf(subject: PciFunction): readonly PciFunction[] | undefined {
    if (subject.description.slotReset || subject.zpci) return this.#sameSlot(subject);
    return subject.description.port === undefined ? undefined : this.#belowPort(subject.description.port);
  }

  /** Everything below a port, in address order. */
  #belowPort(port: string): readonly PciFunction[] {
    return this.present.filter(({ description }) => this.isBelow(description.port, port));
  }

  /** Whether a port is, or lies below, another one. */
  isBelow(port: string | undefined, above: string): boolean {
    for (let at = port; at !== undefined; at = this.portAbove(at)) if (parseBdf(at) === parseBdf(above)) return true;
    return false;
  }

  portAbove(port: string): string | undefined {
    return this.description.ports?.find(({ bdf }) => parseBdf(bdf) === parseBdf(port))?.port;
  }

  #sameSlot(subject: PciFunction): readonly PciFunction[] {
    // Each s390 function has a slot of its own (drivers/pci/hotplug/s390_pci_hpc.c).
    if (subject.zpci) return [subject];
    const slot = subject.bdf.slice(0, -2);
    return this.present.filter(({ bdf }) => bdf.slice(0, -2) === slot);
  }

  /** The functions that vfio-pci coordinates: same slot where slots reset, else same bus (vfio_pci_core_register_device). */
  deviceSetOf(subject: PciFunction): readonly PciFunction[] {
    const members =
      subject.description.slotReset || subject.zpci
        ? this.#sameSlot(subject)
        : subject.description.port === undefined
          ? [subject]
          : this.present.filter(({ bdf }) => busOf(bdf) === busOf(subject.bdf));
    return members.filter(({ driver }) => driver === 'vfio-pci');
  }

  #group(group: GroupDescription): MachineGroup {
    const functions = group.functions.map((each) => new PciFunction(each));
    functions.forEach(boot);
    const { arch, eeh = 'powernv' } = this.description;
    const has = arch === 'ppc64' && eeh !== 'off' && group.pe !== null;
    const pe = has ? new Pe(group.pe?.address ?? 0x1fd, functions) : undefined;
    return { number: group.number, functions, pe };
  }

  #check(): void {
    const seen = new Set<Bdf>();
    for (const { bdf, zpci } of this.functions) {
      if (seen.has(bdf)) throw bad(`${bdf} is described twice.`);
      seen.add(bdf);
      if (zpci && this.description.arch !== 's390x') throw bad(`${bdf} is a function of s390 on another machine.`);
    }
    const numbers = this.groups.map(({ number }) => number);
    if (new Set(numbers).size < numbers.length) throw bad('Two groups have the same number.');
  }
}
