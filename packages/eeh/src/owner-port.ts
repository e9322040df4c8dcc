import { type Awaitable, type Bdf, type Capability } from '@pci-recovery/core';
import { type EehInjection } from './vfio.js';

/**
 * One PE that is held through VFIO: an IOMMU group in a container of its own (the ioctl walks the groups of a container and stops at
 * the first answer that is not zero, a state included).
 */
export interface OwnedPe {
  /** Stable name, for example `group 3`. */
  readonly name: string;
  /** Its functions, in address order. */
  readonly functions: readonly Bdf[];
  /** Any of them wants a fundamental reset (R4.4). */
  readonly needsFundamentalReset?: boolean;
  /** Whether a reset reaches nobody else's functions (R4.9). Default: true. */
  readonly resetAllowed?: Capability;
  /** VFIO_EEH_PE_OP: 0, a state for GET_STATE, or a negative errno (R4.11). Never throws. */
  operate(operation: number, injection?: EehInjection): Awaitable<number>;
}

/** What the EEH platform needs in owner mode. */
export interface EehOwnerPort {
  /** What is held now. One that is let go, and held again later under the same name, is watched like any other. */
  readonly owned: readonly OwnedPe[];
}
