import { PciRecoveryError } from '@pci-recovery/core';
import { type Syscalls } from '../../seam/syscalls.js';
import { type IommuType } from '../../uapi/container.js';
import { type DmaSpace } from '../dma/dma-space.js';
import { IoasSpace } from '../dma/ioas-space.js';
import { SpaprSpace } from '../dma/spapr-space.js';
import { Type1Space } from '../dma/type1-space.js';
import { type VfioOwnership } from '../ownership.js';
import { giveUp, inOrder } from '../in-order.js';
import { VfioContainer } from './container.js';
import { VfioGroup } from './group.js';
import { Iommufd } from './iommufd.js';

/** A group in a container of its own, with an IOMMU. */
export interface GroupAccess {
  readonly group: VfioGroup;
  readonly container: VfioContainer;
  readonly dma: DmaSpace;
}

/** An address space of an iommufd, for the devices of one IOMMU group. */
export interface IommufdAccess {
  readonly iommufd: Iommufd;
  readonly dma: IoasSpace;
}

const SPACES: Readonly<Record<IommuType, (container: VfioContainer) => DmaSpace>> = {
  type1Iommu: ({ file }) => new Type1Space(file),
  type1v2Iommu: ({ file }) => new Type1Space(file),
  spaprTceIommu: ({ file }) => new SpaprSpace(file, 1),
  spaprTceV2Iommu: ({ file }) => new SpaprSpace(file, 2),
  noiommuIommu: ({ file }) => {
    throw new PciRecoveryError(
      'ERR_PCI_UNSUPPORTED',
      'Without an IOMMU nothing isolates the device: it is not opened.',
      {
        context: file.context,
      },
    );
  },
};

/** What opening a group needs. */
export interface GroupAccessOptions {
  readonly ownership: VfioOwnership;
  /** Default: the best that the kernel has. */
  readonly iommu?: IommuType;
  readonly arch?: string;
}

/**
 * Opens a group and puts it into a container of its own: EEH calls act on all groups of a container, and DMA mappings of
 * one group's devices are then not those of another's.
 * @throws PciRecoveryError see `VfioGroup`, `VfioContainer`; everything is being closed then: `groupAccess.settled` of the
 * ownership waits for that
 */
export function openGroupAccess(
  syscalls: Syscalls,
  id: number,
  { ownership, iommu, arch }: GroupAccessOptions,
): { readonly held: GroupAccess; close(): Promise<void> } {
  const options = arch === undefined ? {} : { arch };
  const container = VfioContainer.open(syscalls, options);
  let group: VfioGroup | undefined;
  try {
    group = VfioGroup.open(syscalls, id, options);
    group.mustBeViable();
    container.attach(group);
    const dma = SPACES[container.setIommu(iommu)](container);
    const owned = ownership.addGroup(group);
    const held = { group, container, dma };
    return { held, close: () => closeGroupAccess(held, owned) };
  } catch (error) {
    ownership.groupAccess.leaving(
      id,
      giveUp(
        () => group?.close(),
        () => container.close(),
      ),
    );
    throw error;
  }
}

/**
 * An address space for the devices of one IOMMU group, in the one iommufd of an ownership: for hot resets the kernel takes
 * devices as owned that are bound to the same iommufd (R4.2).
 */
export function openIommufdAccess(
  syscalls: Syscalls,
  ownership: VfioOwnership,
  arch?: string,
): { readonly held: IommufdAccess; close(): Promise<void> } {
  const shared = ownership.iommufd.acquire('iommufd', () => {
    const held = Iommufd.open(syscalls, arch === undefined ? {} : { arch });
    return { held, close: () => held.close() };
  });
  try {
    const dma = new IoasSpace(shared.held.file, shared.held.allocIoas());
    return { held: { iommufd: shared.held, dma }, close: () => closeIommufdAccess(shared, dma) };
  } catch (error) {
    void shared.release().catch(() => undefined);
    throw error;
  }
}

/** An address space that somebody else's duplicate of a device still uses goes with the iommufd. */
function closeIommufdAccess(
  shared: { readonly held: Iommufd; release(): Promise<void> },
  { ioas }: IoasSpace,
): Promise<void> {
  return inOrder(
    () => void shared.held.destroy(ioas),
    () => shared.release(),
  );
}

/** The group first: it takes itself out of the container. */
function closeGroupAccess({ group, container }: GroupAccess, owned: Disposable): Promise<void> {
  return inOrder(
    () => owned[Symbol.dispose](),
    () => group.close(),
    () => container.close(),
  );
}
