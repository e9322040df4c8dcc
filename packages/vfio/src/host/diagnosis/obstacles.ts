import { type Access } from '../files/host-directory.js';
import { type HostFunction } from '../sysfs/topology.js';
import { type Obstacle, type Way } from './obstacle.js';

const BOTH: readonly Way[] = ['group', 'cdev'];

/** How the IOMMU is switched on, by node's name of the architecture. */
const IOMMU_REMEDIES: Readonly<Record<string, string>> = {
  x64: 'Switch VT-d or AMD-Vi on in the firmware; on Intel boot with the kernel parameter intel_iommu=on, on AMD without amd_iommu=off.',
  arm64: 'Switch the SMMU on in the firmware; the kernel needs CONFIG_ARM_SMMU or CONFIG_ARM_SMMU_V3.',
  ppc64: 'Boot without iommu=off; the kernel needs CONFIG_SPAPR_TCE_IOMMU.',
  s390x: 'The kernel needs CONFIG_S390_IOMMU.',
};

export const bridge = ({ bdf }: HostFunction): Obstacle => ({
  code: 'bridge',
  concerns: 'function',
  blocks: BOTH,
  message: `${bdf} is a bridge: bridges are not passed through.`,
  remedy: 'Pass the functions below it through.',
  context: { bdf },
});

export const noIommuGroup = ({ bdf }: HostFunction, arch: string, othersHave: boolean): Obstacle => ({
  code: 'no_iommu_group',
  concerns: 'function',
  blocks: BOTH,
  message: othersHave
    ? `${bdf} is in no IOMMU group although others are: no IOMMU translates for it.`
    : `${bdf} is in no IOMMU group: the IOMMU is off, or there is none.`,
  remedy: othersHave
    ? 'Move the device to a slot that an IOMMU serves.'
    : (IOMMU_REMEDIES[arch] ?? 'Switch the IOMMU on in the firmware and in the kernel.'),
  context: { bdf, arch },
});

const list = (functions: readonly HostFunction[]): string =>
  functions.map(({ bdf, driver }) => `${bdf} (${driver})`).join(', ');

export const groupNotViable = ({ bdf, iommuGroup }: HostFunction, others: readonly HostFunction[]): Obstacle => ({
  code: 'group_not_viable',
  concerns: 'group',
  blocks: BOTH,
  message: `Group ${iommuGroup} of ${bdf} is not viable: drivers of the host have ${list(others)}.`,
  remedy: `Give up all functions of the group together: ${others.map(({ bdf: other }) => `echo ${other} > /sys/bus/pci/devices/${other}/driver/unbind`).join('; ')}.`,
  context: {
    bdf,
    group: iommuGroup ?? null,
    others: others.map(({ bdf: other, driver }) => ({ bdf: other, driver: driver ?? null })),
  },
});

export const vfioPciMissing = (): Obstacle => ({
  code: 'vfio_pci_missing',
  concerns: 'machine',
  blocks: BOTH,
  message: 'There is no driver vfio-pci.',
  remedy: 'modprobe vfio-pci (the kernel needs CONFIG_VFIO_PCI).',
  context: {},
});

/** The commands that give a function to vfio-pci. */
const bindTo = (bdf: string, bound: boolean): string =>
  [
    `echo vfio-pci > /sys/bus/pci/devices/${bdf}/driver_override`,
    ...(bound ? [`echo ${bdf} > /sys/bus/pci/devices/${bdf}/driver/unbind`] : []),
    `echo ${bdf} > /sys/bus/pci/drivers_probe`,
  ].join('; ');

export const noDriver = ({ bdf }: HostFunction): Obstacle => ({
  code: 'no_driver',
  concerns: 'function',
  blocks: BOTH,
  message: `${bdf} has no driver; it must be bound to vfio-pci.`,
  remedy: `${bindTo(bdf, false)}.`,
  context: { bdf },
});

export const otherDriver = ({ bdf }: HostFunction, driver: string): Obstacle => ({
  code: 'other_driver',
  concerns: 'function',
  blocks: BOTH,
  message: `${bdf} is bound to ${driver}; it must be bound to vfio-pci.`,
  remedy: `${bindTo(bdf, true)} (the host loses the device).`,
  context: { bdf, driver },
});

type NodeProblem = Exclude<Access, 'usable'>;

export const containerNode = (access: NodeProblem): Obstacle => ({
  code: access === 'absent' ? 'container_missing' : 'container_denied',
  concerns: 'machine',
  blocks: ['group'],
  message: access === 'absent' ? 'There is no /dev/vfio/vfio.' : 'This user may not read and write /dev/vfio/vfio.',
  remedy:
    access === 'absent'
      ? 'modprobe vfio (the kernel needs CONFIG_VFIO_CONTAINER); a container must be given the node.'
      : 'chmod 0666 /dev/vfio/vfio: by itself it gives access to no device.',
  context: { path: '/dev/vfio/vfio' },
});

export function groupNode(group: number, access: NodeProblem): Obstacle {
  const path = `/dev/vfio/${group}`;
  return {
    code: access === 'absent' ? 'group_node_missing' : 'group_node_denied',
    concerns: 'group',
    blocks: ['group'],
    message: access === 'absent' ? `There is no ${path}.` : `This user may not read and write ${path}.`,
    remedy:
      access === 'absent'
        ? 'The kernel needs CONFIG_VFIO_GROUP, and udev must make the node; a container must be given it.'
        : `chown "$USER" ${path}, or a udev rule: SUBSYSTEM=="vfio", OWNER="…".`,
    context: { path, group },
  };
}

export function deviceNode({ bdf, vfioDevice }: HostFunction, access: NodeProblem): Obstacle {
  const path = `/dev/vfio/devices/${vfioDevice ?? 'vfioN'}`;
  return {
    code: access === 'absent' ? 'device_node_missing' : 'device_node_denied',
    concerns: 'function',
    blocks: ['cdev'],
    message: access === 'absent' ? `There is no ${path} for ${bdf}.` : `This user may not read and write ${path}.`,
    remedy:
      access === 'absent'
        ? 'The kernel needs CONFIG_VFIO_DEVICE_CDEV (Linux 6.6 and newer); without it the group is the way.'
        : `chown "$USER" ${path}, or a udev rule: SUBSYSTEM=="vfio-dev", OWNER="…".`,
    context: { bdf, path },
  };
}

export const iommufdNode = (access: NodeProblem): Obstacle => ({
  code: access === 'absent' ? 'iommufd_missing' : 'iommufd_denied',
  concerns: 'machine',
  blocks: ['cdev'],
  message: access === 'absent' ? 'There is no /dev/iommu.' : 'This user may not read and write /dev/iommu.',
  remedy:
    access === 'absent'
      ? 'modprobe iommufd (the kernel needs CONFIG_IOMMUFD); without it the group is the way.'
      : 'chmod 0666 /dev/iommu, or a udev rule.',
  context: { path: '/dev/iommu' },
});

export const lockedMemory = (bytes: number): Obstacle => ({
  code: 'locked_memory',
  concerns: 'machine',
  blocks: [],
  message: `This process may lock ${Math.floor(bytes / 1024)} KiB of memory, and DMA mappings lock all that they map: more fails with ENOMEM unless it has CAP_IPC_LOCK.`,
  remedy: 'Raise it to the memory of the guest: ulimit -l, LimitMEMLOCK= of systemd, /etc/security/limits.conf.',
  context: { bytes },
});

export const noReset = ({ bdf, resetMethods }: HostFunction): Obstacle => ({
  code: 'no_reset',
  concerns: 'function',
  blocks: [],
  message:
    resetMethods === undefined
      ? `${bdf} has no reset method: VFIO_DEVICE_RESET does not work, and what its last user left in it stays.`
      : `All reset methods of ${bdf} are switched off.`,
  remedy:
    resetMethods === undefined
      ? 'A hot reset of its whole bus may work, when all functions there are owned; after a recovery of zPCI, remove it and rescan.'
      : `echo default > /sys/bus/pci/devices/${bdf}/reset_method.`,
  context: { bdf },
});
