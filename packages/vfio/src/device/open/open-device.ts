import { type Bdf, type Clock, isPciRecoveryError, parseBdf, PciRecoveryError, systemClock } from '@pci-recovery/core';
import { constants } from 'node:fs';
import { type Way } from '../../host/diagnosis/obstacle.js';
import { nativeSyscalls } from '../../native/load.js';
import { OwnedFd } from '../../seam/owned-fd.js';
import { type Syscalls } from '../../seam/syscalls.js';
import { type IommuType } from '../../uapi/container.js';
import { giveUp } from '../in-order.js';
import { KernelFile } from '../kernel-file.js';
import { VfioOwnership } from '../ownership.js';
import { accepted, type Meanings } from '../../seam/refused-call.js';
import { type Persist, type RetryTimings, untilFree } from '../reset/retry.js';
import { VfioDevice, type VfioDeviceParts } from '../vfio-device.js';
import { openGroupAccess, openIommufdAccess } from './access.js';
import { explain } from './explain.js';
import { attachIoas } from './iommufd.js';
import { type FunctionPlace, SysfsVfioHost, type VfioHost } from './vfio-host.js';

/** How to open a device. */
export interface OpenVfioOptions {
  /** Default: the kernel, through the native addon. */
  readonly syscalls?: Syscalls;
  /** Shared by all devices that belong together: groups are opened once, and hot resets see what is held. Default: its own. */
  readonly ownership?: VfioOwnership;
  /** Default: this machine's sysfs. */
  readonly host?: VfioHost;
  /** Default: by its own node and iommufd where both can be opened, else by its group. */
  readonly way?: Way;
  /** Kind of IOMMU of the container, for the group's way. Default: the best that the kernel has. */
  readonly iommu?: IommuType;
  /** UUID that a virtual function wants whose physical function is held through VFIO; for the group's way. */
  readonly vfToken?: string;
  readonly clock?: Clock;
  /** How long opening and resets are tried again while somebody else, such as the host's own recovery, has the device. */
  readonly retry?: RetryTimings;
  /** Ends those tries while it is opened. */
  readonly signal?: AbortSignal;
  /** Node's name of the architecture. Default: this machine's. */
  readonly arch?: string;
}

/** The same with everything that has a default. */
type Opening = OpenVfioOptions & {
  readonly bdf: Bdf;
  readonly place: FunctionPlace;
  readonly syscalls: Syscalls;
  readonly ownership: VfioOwnership;
};

const NODE_MEANINGS: Meanings = {
  ENOENT: {
    advice: 'the kernel has no such node (CONFIG_VFIO_DEVICE_CDEV, Linux 6.6), or it was not given to this container.',
  },
  EACCES: {
    advice: 'this user may not read and write it: chown it, or a udev rule: SUBSYSTEM=="vfio-dev", OWNER="…".',
  },
};

/** errnos of open(2) that say that there is no such way here. */
const NO_WAY = new Set<unknown>(['ENOENT', 'ENODEV', 'ENXIO', 'EACCES', 'EPERM']);

const noWay = (error: unknown): boolean =>
  isPciRecoveryError(error) && error.context.call === 'open' && NO_WAY.has(error.context.errno);

const parts = (opening: Opening, file: KernelFile): Pick<VfioDeviceParts, 'bdf' | 'file' | 'ownership'> & object => ({
  bdf: opening.bdf,
  file,
  ownership: opening.ownership,
  ...(opening.clock && { clock: opening.clock }),
  ...(opening.retry && { retry: opening.retry }),
});

const fileOptions = ({ bdf, arch }: Opening) => ({ context: { bdf }, ...(arch !== undefined && { arch }) });

/** The kernel resets a device as it is opened, and answers EAGAIN while somebody else has it. */
const persisting =
  ({ bdf, clock = systemClock, signal = new AbortController().signal, retry }: Opening): Persist =>
  (call, make) =>
    untilFree({ call, make, again: ['EAGAIN'], context: { bdf } }, { clock, signal, ...retry });

const noGroup = (bdf: Bdf): PciRecoveryError =>
  new PciRecoveryError('ERR_PCI_NO_IOMMU', `${bdf} is in no IOMMU group: the IOMMU is off, or there is none.`, {
    context: { bdf },
  });

async function byGroup(opening: Opening): Promise<VfioDevice> {
  const { syscalls, ownership, place, bdf, vfToken } = opening;
  const { group } = place;
  if (group === undefined) throw noGroup(bdf);
  await ownership.groupAccess.settled(group);
  let access: ReturnType<typeof ownership.groupAccess.acquire> | undefined;
  let file: KernelFile | undefined;
  try {
    const shared = ownership.groupAccess.acquire(group, () => openGroupAccess(syscalls, group, opening));
    access = shared;
    file = new KernelFile(
      syscalls,
      await shared.held.group.openDevice(bdf, vfToken, persisting(opening)),
      fileOptions(opening),
    );
    return new VfioDevice({
      ...parts(opening, file),
      heldBy: 'group',
      dma: shared.held.dma,
      release: () => shared.release(),
    });
  } catch (error) {
    await giveUp(
      () => file?.close(),
      () => access?.release(),
      () => ownership.groupAccess.settled(group),
    );
    throw error;
  }
}

function openNode({ syscalls, place, bdf, ...rest }: Opening): KernelFile {
  const path = `/dev/vfio/devices/${place.vfioDevice}`;
  if (place.vfioDevice === undefined) {
    throw new PciRecoveryError('ERR_PCI_NOT_PRESENT', `${bdf} has no node below /dev/vfio/devices.`, {
      context: { bdf, call: 'open', errno: 'ENOENT' },
    });
  }
  const fd = accepted('open', syscalls.open(path, constants.O_RDWR), { path, bdf }, NODE_MEANINGS);
  return new KernelFile(syscalls, new OwnedFd(syscalls, fd, path), fileOptions({ syscalls, place, bdf, ...rest }));
}

async function byNode(opening: Opening): Promise<VfioDevice> {
  const { syscalls, ownership, place, bdf, arch } = opening;
  if (place.group === undefined) throw noGroup(bdf);
  await ownership.iommufdAccess.settled(place.group);
  await ownership.iommufd.settled('iommufd');
  const file = openNode(opening);
  let access: { release(): Promise<void> } | undefined;
  try {
    const make = () => openIommufdAccess(syscalls, ownership, arch);
    const shared = ownership.iommufdAccess.acquire(place.group, make);
    access = shared;
    await shared.held.iommufd.bind(file, persisting(opening));
    attachIoas(file, shared.held.dma.ioas);
    return new VfioDevice({
      ...parts(opening, file),
      heldBy: 'cdev',
      dma: shared.held.dma,
      release: () => shared.release(),
    });
  } catch (error) {
    await giveUp(
      () => file.close(),
      () => access?.release(),
      () => ownership.iommufd.settled('iommufd'),
    );
    throw error;
  }
}

async function attempt(opening: Opening, way: Way, host: VfioHost): Promise<VfioDevice> {
  try {
    return await (way === 'group' ? byGroup(opening) : byNode(opening));
  } catch (error) {
    throw await explain(opening.bdf, way, error, host);
  }
}

/**
 * Opens a device through VFIO. Opening resets the device, and the kernel does so again when it is closed.
 *
 * Without `way`, its own node and iommufd are tried first; where either cannot be opened (not there, no rights), its group.
 * @throws PciRecoveryError with what is in the way and what to change: `ERR_PCI_NOT_BOUND`, `ERR_PCI_GROUP_NOT_VIABLE`
 * (naming the siblings), `ERR_PCI_PERMISSION`, `ERR_PCI_NO_IOMMU`, `ERR_PCI_NOT_PRESENT`, `ERR_PCI_BUSY` (somebody else has it),
 * `ERR_PCI_DEADLINE` (the host's own recovery, or a reset, has it for too long), `ERR_PCI_ABORTED`, `ERR_PCI_NATIVE_UNAVAILABLE`.
 * Nothing stays open then.
 */
export async function openVfioDevice(address: string, options: OpenVfioOptions = {}): Promise<VfioDevice> {
  const bdf = parseBdf(address);
  const { host = new SysfsVfioHost(), way } = options;
  const syscalls = options.syscalls ?? nativeSyscalls();
  const place = await host.find(bdf);
  const opening = { ...options, bdf, place, syscalls, ownership: options.ownership ?? new VfioOwnership() };
  if (way !== undefined) return attempt(opening, way, host);
  if (place.vfioDevice === undefined) return attempt(opening, 'group', host);
  try {
    return await byNode(opening);
  } catch (error) {
    if (!noWay(error)) throw await explain(bdf, 'cdev', error, host);
    return attempt(opening, 'group', host);
  }
}
