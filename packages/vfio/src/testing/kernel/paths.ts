import { isBdf, parseBdf } from '@pci-recovery/core';
import { Container } from '../driver/container.js';
import { DeviceFile } from '../driver/device-file.js';
import { GroupFile } from '../driver/group.js';
import { IommufdContext } from '../driver/iommufd-context.js';
import { type KernelCore } from './kernel-core.js';
import { type KernelFile } from './open-file.js';
import { errno } from './outcome.js';
import { PlainFile } from './plain-files.js';

function groupNode({ vfio, machine }: KernelCore, path: string): KernelFile | number | undefined {
  const { groupMode = true } = machine.description;
  const number = /^\/dev\/vfio\/(\d{1,9})$/.exec(path)?.[1];
  if (!groupMode || (number === undefined && path !== '/dev/vfio/vfio')) return undefined;
  return number === undefined ? new Container(vfio) : GroupFile.open(vfio, Number(number));
}

function deviceNode({ vfio, machine }: KernelCore, path: string): KernelFile | undefined {
  if (!machine.description.cdev || machine.iommu === 'off') return undefined;
  if (path === '/dev/iommu') return new IommufdContext(vfio);
  const index = /^\/dev\/vfio\/devices\/vfio(\d{1,9})$/.exec(path)?.[1];
  const device = vfio.devices.find((each) => String(each.index) === index);
  return device && DeviceFile.ofNode(vfio, device);
}

function sysfsFile({ sysfs }: KernelCore, path: string): KernelFile | undefined {
  const [, bdf, attribute] = /^\/sys\/bus\/pci\/devices\/([^/]+)\/(.+)$/.exec(path) ?? [];
  if (bdf === undefined || attribute === undefined || !isBdf(bdf)) return undefined;
  const bytes = sysfs.readBytes(parseBdf(bdf), attribute);
  return bytes && new PlainFile(path, bytes);
}

/** What a path names; ENOENT when it is nothing of this machine. */
export function openNode(core: KernelCore, path: string): KernelFile | number {
  const bytes = core.files.get(path);
  if (bytes) return new PlainFile(path, bytes);
  return (
    groupNode(core, path) ??
    deviceNode(core, path) ??
    core.streams.open(path) ??
    sysfsFile(core, path) ??
    errno('ENOENT')
  );
}
