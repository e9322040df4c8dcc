import { type Bdf, PciRecoveryError } from '@pci-recovery/core';
import { constants } from 'node:fs';
import { OwnedFd } from '../../seam/owned-fd.js';
import { type Syscalls } from '../../seam/syscalls.js';
import { getDeviceFd, groupStatus, type GroupStatus } from '../../uapi/group.js';
import { KernelFile, type KernelFileOptions } from '../kernel-file.js';
import { accepted, type Meanings } from '../../seam/refused-call.js';
import { type Persist } from '../reset/retry.js';

const openMeanings = (id: number): Meanings => ({
  ENOENT: {
    advice: `no function of group ${id} is bound to a VFIO driver, or the kernel lacks CONFIG_VFIO_GROUP; inside a container the node must be given to it.`,
  },
  ENODEV: { advice: `no function of group ${id} is bound to a VFIO driver any more.` },
  EBUSY: {
    advice: `group ${id} is open already, in another process or here, or a device of it is open through /dev/vfio/devices: a group is opened once only. Find its holder with "fuser /dev/vfio/${id}".`,
  },
  EACCES: {
    advice: `this user may not read and write it: chown "$USER" /dev/vfio/${id}, or a udev rule: SUBSYSTEM=="vfio", OWNER="…".`,
  },
  EPERM: { advice: 'a group without an IOMMU (noiommu) takes CAP_SYS_RAWIO.' },
});

const DEVICE_MEANINGS: Meanings = {
  ENODEV: { code: 'ERR_PCI_NOT_BOUND', advice: 'the function is not in this group, or not bound to a VFIO driver.' },
  EINVAL: { advice: 'the group is in no container with an IOMMU, or the function wants a VF token.' },
  EACCES: { advice: "the function wants the VF token of its physical function's holder: give it as vfToken." },
  EBUSY: { advice: 'somebody else has the function.' },
  EPERM: { code: 'ERR_PCI_GROUP_NOT_VIABLE', advice: 'a driver of the host has a function of the group.' },
};

/** `/dev/vfio/N`: functions that the IOMMU cannot tell apart (drivers/vfio/group.c). It can be open once only. */
export class VfioGroup implements AsyncDisposable {
  readonly id: number;
  readonly file: KernelFile;

  /** Takes a descriptor over: one that was received, or duplicated from a VMM. {@link open} makes one. */
  constructor(syscalls: Syscalls, fd: OwnedFd, id: number, options: KernelFileOptions = {}) {
    this.id = id;
    this.file = new KernelFile(syscalls, fd, { ...options, context: { group: id, ...options.context } });
  }

  /**
   * @throws PciRecoveryError `ERR_PCI_PERMISSION`, `ERR_PCI_NOT_PRESENT`, `ERR_PCI_BUSY` (open elsewhere)
   */
  static open(syscalls: Syscalls, id: number, options?: KernelFileOptions): VfioGroup {
    const path = `/dev/vfio/${id}`;
    const result = syscalls.open(path, constants.O_RDWR);
    const fd = accepted('open', result, { path, group: id }, openMeanings(id));
    return new VfioGroup(syscalls, new OwnedFd(syscalls, fd, path), id, options);
  }

  status(): GroupStatus {
    const buffer = groupStatus.encodeRequest();
    this.file.check(groupStatus.request, this.file.ioctl(groupStatus.request, buffer));
    return groupStatus.decodeReply(buffer);
  }

  /**
   * With an iommufd in place of a container the kernel finds out later, when a device is opened.
   * @throws PciRecoveryError `ERR_PCI_GROUP_NOT_VIABLE` when a function of the group has a driver of the host
   */
  mustBeViable(): void {
    if (this.status().flags.has('viable')) return;
    throw new PciRecoveryError(
      'ERR_PCI_GROUP_NOT_VIABLE',
      `Group ${this.id} is not viable: a driver of the host has a function of it. Bind all of them to vfio-pci, or unbind them.`,
      { context: { group: this.id } },
    );
  }

  /**
   * Opens a function of the group, in a thread: the kernel resets it. The group must be in a container with an IOMMU.
   * @param vfToken of a virtual function whose physical function is held through VFIO too
   * @param persist makes the call again while the kernel answers EAGAIN: somebody, such as the host's own recovery, has the device
   * just now (vfio_pci_core.c:vfio_pci_core_enable). Default: it is made once.
   * @throws PciRecoveryError `ERR_PCI_NOT_BOUND`, `ERR_PCI_GROUP_NOT_VIABLE`, `ERR_PCI_PERMISSION`, `ERR_PCI_BUSY`
   */
  async openDevice(bdf: Bdf, vfToken?: string, persist: Persist = (_, make) => make()): Promise<OwnedFd> {
    const argument = getDeviceFd.encodeRequest(vfToken === undefined ? bdf : `${bdf} vf_token=${vfToken}`);
    const result = await persist(getDeviceFd.request, () => this.file.ioctlAsync(getDeviceFd.request, argument));
    const fd = accepted(getDeviceFd.request, result, { ...this.file.context, bdf }, DEVICE_MEANINGS);
    return new OwnedFd(this.file.syscalls, fd, `device ${bdf}`);
  }

  close(): Promise<void> {
    return this.file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
