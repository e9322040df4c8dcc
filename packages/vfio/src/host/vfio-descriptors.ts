import { PciRecoveryError, type Bdf } from '@pci-recovery/core';
import { HostDirectory } from './files/host-directory.js';
import { isSysfsBdf, lastName } from './sysfs/sysfs.js';

/** A descriptor of VFIO that a process holds. */
export type VfioDescriptor = { readonly fd: number } & (
  | {
      readonly kind: 'device';
      /** Undefined where the kernel does not tell (older kernels, and devices that are no PCI functions). */
      readonly bdf: Bdf | undefined;
      /** `vfio0`, when it was opened by its name below `/dev/vfio/devices`. */
      readonly name: string | undefined;
    }
  | { readonly kind: 'group'; readonly group: number }
  | { readonly kind: 'container' | 'iommufd' }
);

/** Most descriptors of a process that are looked at. */
const MOST_DESCRIPTORS = 65_536;

/** What the text of a link in `/proc/<pid>/fd` says; undefined when it is nothing of VFIO. */
function kindOf(link: string): VfioDescriptor['kind'] | undefined {
  if (link === 'anon_inode:[vfio-device]' || /^\/dev\/vfio\/devices\/[^/]+$/.test(link)) return 'device';
  if (link === '/dev/vfio/vfio') return 'container';
  if (link === '/dev/iommu') return 'iommufd';
  return /^\/dev\/vfio\/\d{1,9}$/.test(link) ? 'group' : undefined;
}

/** `vfio-device-syspath: /sys/devices/…` of a fdinfo (drivers/vfio/vfio_main.c:vfio_device_show_fdinfo). */
export function bdfOfFdinfo(fdinfo: string): Bdf | undefined {
  const name = lastName(/^vfio-device-syspath:\s*(\/\S+)$/m.exec(fdinfo)?.[1]);
  return name !== undefined && isSysfsBdf(name) ? name : undefined;
}

async function describe(
  proc: HostDirectory,
  pid: number,
  fd: string,
  link: string,
): Promise<VfioDescriptor | undefined> {
  const kind = kindOf(link);
  const base = { fd: Number(fd) };
  if (kind === 'group') return { ...base, kind, group: Number(lastName(link)) };
  if (kind !== 'device') return kind && { ...base, kind };
  const fdinfo = (await proc.readText([String(pid), 'fdinfo', fd])) ?? '';
  return { ...base, kind, bdf: bdfOfFdinfo(fdinfo), name: link.startsWith('/dev/') ? lastName(link) : undefined };
}

/**
 * The descriptors of VFIO that a process holds, such as the devices of a VMM, by the links in `/proc/<pid>/fd`; in order
 * of their number. To hold one too: `duplicateOf`.
 * @throws PciRecoveryError `ERR_PCI_NOT_PRESENT` when there is no such process, `ERR_PCI_PERMISSION` when it may not be
 * looked at.
 */
export async function findVfioDescriptors(
  pid: number,
  proc: HostDirectory = new HostDirectory('/proc'),
): Promise<readonly VfioDescriptor[]> {
  const names = Number.isSafeInteger(pid) && pid > 0 ? await proc.list([String(pid), 'fd']) : undefined;
  if (names === undefined) {
    throw new PciRecoveryError('ERR_PCI_NOT_PRESENT', `There is no process ${pid}.`, { context: { pid } });
  }
  const found: VfioDescriptor[] = [];
  for (const fd of names.filter((name) => /^\d{1,9}$/.test(name)).slice(0, MOST_DESCRIPTORS)) {
    const link = await proc.link([String(pid), 'fd', fd]);
    const descriptor = link === undefined ? undefined : await describe(proc, pid, fd, link);
    if (descriptor) found.push(descriptor);
  }
  return found.sort((a, b) => a.fd - b.fd);
}
