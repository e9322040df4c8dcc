import { errno } from '../kernel/outcome.js';
import { type MachineGroup } from '../machine/machine.js';
import { type Container } from './container.js';
import { type IommufdContext } from './iommufd-context.js';

/** Drivers of bridges and such, which leave DMA to user space (driver_managed_dma). */
const HARMLESS = new Set(['vfio-pci', 'pcieport', 'pci-stub']);

/** An IOMMU group as VFIO and the IOMMU core know it (drivers/vfio/group.c, drivers/iommu/iommu.c). */
export class VfioGroup {
  readonly machine: MachineGroup;
  /** Its descriptor is open. */
  opened = false;
  /** Devices of it that are bound to an iommufd through their own descriptors. */
  cdevOpen = 0;
  container: Container | undefined;
  /** The group itself, and every open device. */
  containerUsers = 0;
  #owner: object | undefined;
  #claims = 0;

  constructor(machine: MachineGroup) {
    this.machine = machine;
  }

  get number(): number {
    return this.machine.number;
  }

  /** Its node exists while a device of it is bound to vfio-pci. */
  get exists(): boolean {
    return this.machine.functions.some(({ driver, silence }) => driver === 'vfio-pci' && silence !== 'gone');
  }

  /** A device of it is bound to a driver that does DMA of its own. */
  get usedByHost(): boolean {
    return this.machine.functions.some(({ driver }) => driver !== undefined && !HARMLESS.has(driver));
  }

  /** Somebody owns its DMA: the host's driver or user space (iommu_group_dma_owner_claimed). */
  get claimed(): boolean {
    return this.usedByHost || this.#owner !== undefined;
  }

  /** iommu_group_claim_dma_owner: EPERM when anybody has it. */
  claim(owner: object): number {
    if (this.claimed) return errno('EPERM');
    this.#owner = owner;
    this.#claims = 1;
    return 0;
  }

  /** iommu_device_claim_dma_owner: the same owner may claim it for several devices. */
  claimForDevice(owner: IommufdContext): number {
    if (this.#owner !== owner) return this.claim(owner);
    this.#claims++;
    return 0;
  }

  release(): void {
    if (--this.#claims === 0) this.#owner = undefined;
  }

  isOwnedBy(owner: object): boolean {
    return this.#owner === owner;
  }
}
