import { constants } from 'node:fs';
import { failedWith } from '../../seam/errno.js';
import { OwnedFd } from '../../seam/owned-fd.js';
import { type SyscallResult, type Syscalls } from '../../seam/syscalls.js';
import { attachIommufd, bindIommufd } from '../../uapi/iommufd.js';
import { ioasAlloc, iommuDestroy } from '../../uapi/ioas.js';
import { KernelFile, type KernelFileOptions } from '../kernel-file.js';
import { accepted, type Meanings } from '../../seam/refused-call.js';
import { type Persist } from '../reset/retry.js';

const PATH = '/dev/iommu';

const OPEN_MEANINGS: Meanings = {
  ENOENT: { advice: 'modprobe iommufd (the kernel needs CONFIG_IOMMUFD); without it the group is the way.' },
  ENODEV: { advice: 'modprobe iommufd (the kernel needs CONFIG_IOMMUFD); without it the group is the way.' },
  EACCES: { advice: 'this user may not read and write it: chmod 0666 /dev/iommu, or a udev rule.' },
};

const BIND_MEANINGS: Meanings = {
  EBUSY: {
    advice:
      'the group of the function is open through /dev/vfio, or the function is bound elsewhere: end that use first.',
  },
  EPERM: { code: 'ERR_PCI_GROUP_NOT_VIABLE', advice: 'a driver of the host has a function of the same IOMMU group.' },
  EACCES: { advice: "the function wants the VF token of its physical function's holder: give it as vfToken." },
};

/** `/dev/iommu` (drivers/iommu/iommufd): what devices that are opened by their own nodes are bound to. */
export class Iommufd implements AsyncDisposable {
  readonly file: KernelFile;

  /** Takes a descriptor over; {@link open} makes one. */
  constructor(syscalls: Syscalls, fd: OwnedFd, options?: KernelFileOptions) {
    this.file = new KernelFile(syscalls, fd, options);
  }

  /** @throws PciRecoveryError `ERR_PCI_NOT_PRESENT`, `ERR_PCI_PERMISSION` */
  static open(syscalls: Syscalls, options?: KernelFileOptions): Iommufd {
    const fd = accepted('open', syscalls.open(PATH, constants.O_RDWR), { path: PATH }, OPEN_MEANINGS);
    return new Iommufd(syscalls, new OwnedFd(syscalls, fd, PATH), options);
  }

  /** Makes an empty address space; its number. */
  allocIoas(): number {
    const buffer = ioasAlloc.encodeRequest();
    this.file.check(ioasAlloc.request, this.file.ioctl(ioasAlloc.request, buffer));
    return ioasAlloc.decodeReply(buffer);
  }

  /**
   * Gives an object up.
   * @returns false while it is used: it goes with the iommufd then
   */
  destroy(id: number): boolean {
    const result = this.file.ioctl(iommuDestroy.request, iommuDestroy.encodeRequest(id));
    if (failedWith(result, 'EBUSY')) return false;
    this.file.check(iommuDestroy.request, result, { id });
    return true;
  }

  /**
   * Binds a device's node, the first call on it, in a thread: the kernel resets the device. Undone by closing the device.
   * @param persist see `VfioGroup.openDevice`
   * @returns the device's number within this iommufd
   * @throws PciRecoveryError `ERR_PCI_BUSY`, `ERR_PCI_GROUP_NOT_VIABLE`, `ERR_PCI_PERMISSION`
   */
  async bind(device: KernelFile, persist: Persist = (_, make) => make()): Promise<number> {
    const buffer = bindIommufd.encodeRequest(this.file.raw);
    const bind = (): Promise<SyscallResult> => device.ioctlAsync(bindIommufd.request, buffer);
    const result = await this.file.borrow(() => persist(bindIommufd.request, bind));
    accepted(bindIommufd.request, result, device.context, BIND_MEANINGS);
    return bindIommufd.decodeReply(buffer);
  }

  close(): Promise<void> {
    return this.file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Gives a bound device an address space. All functions of one IOMMU group have the same one.
 * @throws PciRecoveryError `ERR_PCI_BUSY` while it, or a sibling in its group, is being reset
 */
export function attachIoas(device: KernelFile, ioas: number): void {
  const buffer = attachIommufd.encodeRequest(ioas);
  device.check(attachIommufd.request, device.ioctl(attachIommufd.request, buffer), { ioas });
  attachIommufd.decodeReply(buffer);
}
