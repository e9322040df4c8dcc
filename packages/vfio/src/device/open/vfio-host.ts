import { type Bdf, compareBdf, PciRecoveryError } from '@pci-recovery/core';
import { diagnoseVfio, type Diagnosis } from '../../host/diagnosis/diagnose.js';
import { readHostFacts } from '../../host/diagnosis/facts.js';
import { isSysfsBdf, Sysfs } from '../../host/sysfs/sysfs.js';

/** What sysfs says of how a function can be opened. */
export interface FunctionPlace {
  /** Its IOMMU group. */
  readonly group: number | undefined;
  /** Its name below `/dev/vfio/devices`, while a VFIO driver has it and the kernel has such nodes. */
  readonly vfioDevice: string | undefined;
  /** It is a virtual function of SR-IOV. */
  readonly virtual: boolean;
}

/** Where functions are found, and why they cannot be opened. */
export interface VfioHost {
  /** @throws PciRecoveryError `ERR_PCI_NOT_PRESENT` when there is no such function */
  find(bdf: Bdf): Promise<FunctionPlace>;
  /** All functions of a group, in address order. */
  members(group: number): Promise<readonly Bdf[]>;
  /** Asked after a failure. Undefined: nothing is known. */
  diagnose(bdf: Bdf): Promise<Diagnosis | undefined>;
}

/** This machine, or a recorded tree: `sys`, `dev` and `proc` below a root. */
export class SysfsVfioHost implements VfioHost {
  readonly #root: string;
  readonly #sysfs: Sysfs;

  constructor(root = '/') {
    this.#root = root;
    this.#sysfs = new Sysfs({ root: `${root.replace(/\/+$/, '')}/sys` });
  }

  async find(bdf: Bdf): Promise<FunctionPlace> {
    if ((await this.#sysfs.entries(bdf)) === undefined) {
      throw new PciRecoveryError('ERR_PCI_NOT_PRESENT', `There is no function ${bdf}: see lspci -D.`, {
        context: { bdf },
      });
    }
    const group = await this.#sysfs.link(bdf, 'iommu_group');
    const names = (await this.#sysfs.entries(bdf, 'vfio-dev')) ?? [];
    return {
      group: group !== undefined && /^\d{1,9}$/.test(group) ? Number(group) : undefined,
      vfioDevice: names.find((name) => /^vfio\d{1,9}$/.test(name)),
      virtual: (await this.#sysfs.link(bdf, 'physfn')) !== undefined,
    };
  }

  async members(group: number): Promise<readonly Bdf[]> {
    const names = await this.#sysfs.files.list(['kernel', 'iommu_groups', String(group), 'devices']);
    return (names ?? []).filter(isSysfsBdf).sort(compareBdf);
  }

  async diagnose(bdf: Bdf): Promise<Diagnosis | undefined> {
    const facts = await readHostFacts({ root: this.#root });
    return diagnoseVfio(facts).find((each) => each.bdf === bdf);
  }
}
