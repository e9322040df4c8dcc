import { PciRecoveryError } from '@pci-recovery/core';
import { constants } from 'node:fs';
import { OwnedFd } from '../../seam/owned-fd.js';
import { type Syscalls } from '../../seam/syscalls.js';
import { apiVersion, checkExtension, type Extension, type IommuType, setIommu } from '../../uapi/container.js';
import { setContainer, unsetContainer } from '../../uapi/group.js';
import { KernelFile, type KernelFileOptions } from '../kernel-file.js';
import { accepted, type Meanings } from '../../seam/refused-call.js';
import { type VfioGroup } from './group.js';

const PATH = '/dev/vfio/vfio';

const OPEN_MEANINGS: Meanings = {
  ENOENT: {
    advice: 'modprobe vfio (the kernel needs CONFIG_VFIO_CONTAINER); inside a container the node must be given to it.',
  },
  ENODEV: { advice: 'modprobe vfio (the kernel needs CONFIG_VFIO_CONTAINER).' },
  EACCES: {
    advice: 'this user may not read and write it: chmod 0666 /dev/vfio/vfio; by itself it gives access to no device.',
  },
};

const SET_IOMMU_MEANINGS: Meanings = {
  ENODEV: {
    code: 'ERR_PCI_UNSUPPORTED',
    advice: 'no module serves this kind of IOMMU: modprobe vfio_iommu_type1, or vfio_iommu_spapr_tce on PowerPC.',
  },
  EPERM: {
    advice:
      'the platform cannot isolate the interrupts of this group; switch interrupt remapping on, or accept the risk with allow_unsafe_interrupts=1 of vfio_iommu_type1.',
  },
};

const ATTACH_MEANINGS: Meanings = {
  EPERM: {
    code: 'ERR_PCI_GROUP_NOT_VIABLE',
    advice:
      'a driver of the host has a function of the group, or the group does not go together with those that are in the container.',
  },
  EBUSY: { advice: 'the container takes no further group: use one of its own.' },
  EINVAL: { code: 'ERR_PCI_BUSY', advice: 'the group is in a container already.' },
};

/** The kinds of IOMMU that are tried, the best first. No-IOMMU is never chosen: it isolates nothing. */
const PREFERENCE: readonly IommuType[] = ['type1v2Iommu', 'type1Iommu', 'spaprTceV2Iommu', 'spaprTceIommu'];

/**
 * `/dev/vfio/vfio`: groups that share one set of DMA mappings (drivers/vfio/container.c). Its EEH calls act on **every** group in
 * it, so a group whose PE is driven has a container of its own.
 */
export class VfioContainer implements AsyncDisposable {
  readonly file: KernelFile;
  readonly #groups = new Set<VfioGroup>();
  #iommu: IommuType | undefined;

  /** Takes a descriptor over; {@link open} makes one. */
  constructor(syscalls: Syscalls, fd: OwnedFd, options?: KernelFileOptions) {
    this.file = new KernelFile(syscalls, fd, options);
  }

  /**
   * @throws PciRecoveryError `ERR_PCI_PERMISSION`, `ERR_PCI_NOT_PRESENT`, `ERR_PCI_KERNEL_REPLY` for another version of the
   * interface
   */
  static open(syscalls: Syscalls, options?: KernelFileOptions): VfioContainer {
    const fd = accepted('open', syscalls.open(PATH, constants.O_RDWR), { path: PATH }, OPEN_MEANINGS);
    const container = new VfioContainer(syscalls, new OwnedFd(syscalls, fd, PATH), options);
    try {
      apiVersion.decodeResult(container.file.ioctl(apiVersion.request, apiVersion.argument));
    } catch (error) {
      void container.close().catch(() => undefined);
      throw error;
    }
    return container;
  }

  /** Groups that were attached through this object. */
  get groups(): readonly VfioGroup[] {
    return [...this.#groups];
  }

  /** The kind of IOMMU that was set. */
  get iommu(): IommuType | undefined {
    return this.#iommu;
  }

  /** Whether the kernel has an extension: once an IOMMU is set, whether that IOMMU has it. */
  has(extension: Extension): boolean {
    const result = this.file.ioctl(checkExtension.request, checkExtension.argument(extension));
    return checkExtension.decodeResult(this.file.check(checkExtension.request, result, { extension }));
  }

  /**
   * Puts a group in. The kernel takes its functions from the host's drivers for good until it is taken out.
   * @throws PciRecoveryError `ERR_PCI_GROUP_NOT_VIABLE`, `ERR_PCI_BUSY`
   */
  attach(group: VfioGroup): void {
    const argument = setContainer.encodeRequest(this.file.raw);
    const result = group.file.ioctl(setContainer.request, argument);
    accepted(setContainer.request, result, group.file.context, ATTACH_MEANINGS);
    this.#groups.add(group);
  }

  /** Takes a group out; `ERR_PCI_BUSY` while devices of it are open. */
  detach(group: VfioGroup): void {
    group.file.check(unsetContainer.request, group.file.ioctl(unsetContainer.request, unsetContainer.argument));
    this.#groups.delete(group);
    if (this.#groups.size === 0) this.#iommu = undefined;
  }

  /**
   * Chooses the kind of IOMMU, with at least one group attached: the given one, or the best that the kernel has.
   * @throws PciRecoveryError `ERR_PCI_UNSUPPORTED` when there is none; what the kernel refused
   */
  setIommu(type: IommuType = this.#best()): IommuType {
    const result = this.file.ioctl(setIommu.request, setIommu.argument(type));
    accepted(setIommu.request, result, { ...this.file.context, type }, SET_IOMMU_MEANINGS);
    return (this.#iommu = type);
  }

  /** Closes the descriptor. The kernel keeps the container until its groups are closed. */
  close(): Promise<void> {
    return this.file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #best(): IommuType {
    const found = PREFERENCE.find((type) => this.has(type));
    if (found !== undefined) return found;
    throw new PciRecoveryError(
      'ERR_PCI_UNSUPPORTED',
      'The kernel serves no IOMMU through VFIO: modprobe vfio_iommu_type1, or vfio_iommu_spapr_tce on PowerPC.',
      { context: this.file.context },
    );
  }
}
