import { type Plain } from '@pci-recovery/core';

/** How a device is opened: through its group and a container, or by its own node and iommufd. */
export type Way = 'group' | 'cdev';

/** What can be in the way. Codes are stable. */
export type ObstacleCode =
  /** A bridge is not passed through: what is below it is. */
  | 'bridge'
  /** The IOMMU is off, or there is none. */
  | 'no_iommu_group'
  /** Another function of the group has a driver of the host. */
  | 'group_not_viable'
  /** The kernel module vfio-pci is not loaded. */
  | 'vfio_pci_missing'
  | 'no_driver'
  | 'other_driver'
  | 'container_missing'
  | 'container_denied'
  | 'group_node_missing'
  | 'group_node_denied'
  | 'device_node_missing'
  | 'device_node_denied'
  | 'iommufd_missing'
  | 'iommufd_denied'
  /** RLIMIT_MEMLOCK is small. */
  | 'locked_memory'
  /** VFIO_DEVICE_RESET does not work. */
  | 'no_reset';

/** One thing in the way. */
export interface Obstacle {
  readonly code: ObstacleCode;
  /** Whom it concerns: this function alone, its group, or every function of this machine. */
  readonly concerns: 'function' | 'group' | 'machine';
  /** The ways that it blocks; none: it is good to know. */
  readonly blocks: readonly Way[];
  /** What is so: one sentence. */
  readonly message: string;
  /** What to change: one sentence, with the command where there is one. */
  readonly remedy: string;
  readonly context: Readonly<Record<string, Plain>>;
}
