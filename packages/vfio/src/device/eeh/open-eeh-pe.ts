import { type Bdf, parseBdf } from '@pci-recovery/core';
import { openVfioDevice, type OpenVfioOptions } from '../open/open-device.js';
import { SysfsVfioHost } from '../open/vfio-host.js';
import { VfioOwnership } from '../ownership.js';
import { type VfioDevice } from '../vfio-device.js';
import { EehPe } from './eeh-pe.js';
import { unsupported } from '../misuse.js';

/** How to open a PE. A kind of IOMMU that is given must be SPAPR TCE. */
export interface OpenEehPeOptions extends Omit<OpenVfioOptions, 'way'> {
  /** A function of it takes a fundamental reset (R4.4). Default: no. */
  readonly needsFundamentalReset?: boolean;
  /** Which functions of the group are held. Default: all of them; each must be bound to a VFIO driver. */
  readonly functions?: readonly string[];
}

/**
 * Opens the PE of a function: its IOMMU group, in a container of its own, with all functions of the group. Opening thaws a frozen PE
 * (arch/powerpc/kernel/eeh.c:eeh_dev_open): what froze it before cannot be seen any more.
 * @throws PciRecoveryError as `openVfioDevice`; `ERR_PCI_UNSUPPORTED` where EEH is off, and for `functions` of another group, or
 * none. Nothing stays open then.
 */
export async function openEehPe(address: string, options: OpenEehPeOptions = {}): Promise<EehPe> {
  const { host = new SysfsVfioHost(), ownership = new VfioOwnership(), needsFundamentalReset = false } = options;
  const first = parseBdf(address);
  const { group } = await host.find(first);
  if (group === undefined) throw unsupported('it is in no IOMMU group', { bdf: first });
  const members = await host.members(group);
  const wanted = options.functions?.map(parseBdf) ?? members;
  mustBeOf(group, members, wanted);
  const devices: VfioDevice[] = [];
  try {
    for (const bdf of wanted) {
      devices.push(await openVfioDevice(bdf, { ...options, host, ownership, way: 'group' }));
    }
    const { container } = ownership.groupAccess.peek(group)!;
    const virtualFunctions = await virtualOnes(wanted, host);
    return new EehPe({ container, devices, virtualFunctions, needsFundamentalReset });
  } catch (error) {
    await Promise.allSettled(devices.map((device) => device.close()));
    throw error;
  }
}

function mustBeOf(group: number, members: readonly Bdf[], wanted: readonly Bdf[]): void {
  const foreign = wanted.filter((bdf) => !members.includes(bdf));
  if (foreign.length > 0)
    throw unsupported(`${foreign.join(', ')} are not in IOMMU group ${group}`, { group, foreign });
  if (wanted.length === 0) throw unsupported(`no function of IOMMU group ${group} is to be held`, { group });
}

async function virtualOnes(functions: readonly Bdf[], host: Pick<SysfsVfioHost, 'find'>): Promise<ReadonlySet<Bdf>> {
  const found = new Set<Bdf>();
  for (const bdf of functions) if ((await host.find(bdf)).virtual) found.add(bdf);
  return found;
}
