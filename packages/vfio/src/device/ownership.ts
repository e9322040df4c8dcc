import { type Bdf, compareBdf } from '@pci-recovery/core';
import { type GroupAccess, type IommufdAccess } from './open/access.js';
import { type VfioGroup } from './open/group.js';
import { type Iommufd } from './open/iommufd.js';
import { SharedAccess } from './open/shared-access.js';

/**
 * What this program holds: the groups and devices whose hot reset is its to ask for (R4.2). One for all devices that belong
 * together; who gets another one does not see them as owned.
 */
export class VfioOwnership {
  readonly #groups = new Map<number, VfioGroup>();
  readonly #devices = new Map<Bdf, number>();
  /** @internal Groups that devices were opened through. */
  readonly groupAccess = new SharedAccess<number, GroupAccess>();
  /** @internal The iommufd that all devices are bound to: only then the kernel sees them as one owner's. */
  readonly iommufd = new SharedAccess<'iommufd', Iommufd>();
  /** @internal Address spaces by the number of the IOMMU group. */
  readonly iommufdAccess = new SharedAccess<number, IommufdAccess>();

  /** Functions that are held, in address order. */
  get devices(): readonly Bdf[] {
    return [...this.#devices.keys()].sort(compareBdf);
  }

  /** Numbers of the IOMMU groups that are held. */
  get groups(): readonly number[] {
    return [...this.#groups.keys()].sort((a, b) => a - b);
  }

  /** A group that is held. */
  group(id: number): VfioGroup | undefined {
    return this.#groups.get(id);
  }

  /** Whether a function is held, by whatever way it was opened. */
  holds(bdf: Bdf): boolean {
    return this.#devices.has(bdf);
  }

  /** Notes a group as held until disposed. Two of one number: the later one counts. */
  addGroup(group: VfioGroup): Disposable {
    this.#groups.set(group.id, group);
    return {
      [Symbol.dispose]: () => {
        if (this.#groups.get(group.id) === group) this.#groups.delete(group.id);
      },
    };
  }

  /** Notes a function as held until disposed. */
  addDevice(bdf: Bdf): Disposable {
    let held = true;
    this.#devices.set(bdf, (this.#devices.get(bdf) ?? 0) + 1);
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        const left = this.#devices.get(bdf)! - 1;
        if (left > 0) this.#devices.set(bdf, left);
        else this.#devices.delete(bdf);
      },
    };
  }
}
