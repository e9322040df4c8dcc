import { type Bdf } from '@pci-recovery/core';
import { type HostFunction } from '../sysfs/topology.js';
import { type HostFacts } from './facts.js';
import * as obstacle from './obstacles.js';
import { type Obstacle, type Way } from './obstacle.js';

/** Whether a function can be opened through VFIO, and what is in the way. */
export interface Diagnosis {
  readonly bdf: Bdf;
  readonly driver: string | undefined;
  readonly iommuGroup: number | undefined;
  /** Nothing that can be seen is in the way of opening it through its group. */
  readonly group: boolean;
  /** The same through `/dev/vfio/devices` and iommufd. */
  readonly cdev: boolean;
  /** What is in the way, the first thing to change first; and, with an empty `blocks`, what else should be known. */
  readonly obstacles: readonly Obstacle[];
}

/**
 * Drivers that let VFIO have their group (Linux `driver_managed_dma`; drivers/pci/pci-driver.c:pci_dma_configure): ports'
 * own, the stub, and those of VFIO.
 */
export const leavesGroupAlone = (driver: string): boolean =>
  driver === 'pcieport' || driver === 'pci-stub' || isVfioDriver(driver);

/** vfio-pci and its variants: `mlx5_vfio_pci`, `nvgrace-gpu-vfio-pci`, … */
export const isVfioDriver = (driver: string): boolean => /^(?:[a-z0-9]+[-_])*vfio[-_]pci$/.test(driver);

const byVfio = ({ driver, vfioDevice }: HostFunction): boolean =>
  vfioDevice !== undefined || (driver !== undefined && isVfioDriver(driver));

/** Members of its group that somebody else drives. */
function strangers(fn: HostFunction, facts: HostFacts): HostFunction[] {
  const members = facts.groups.find(({ id }) => id === fn.iommuGroup)?.members ?? [];
  return facts.functions.filter(
    ({ bdf, driver }) => bdf !== fn.bdf && members.includes(bdf) && driver !== undefined && !leavesGroupAlone(driver),
  );
}

/** What keeps the function itself from VFIO. */
function ofFunction(fn: HostFunction, facts: HostFacts): Obstacle[] {
  const found: Obstacle[] = [];
  if (fn.iommuGroup === undefined) found.push(obstacle.noIommuGroup(fn, facts.arch, facts.groups.length > 0));
  const others = strangers(fn, facts);
  if (others.length > 0) found.push(obstacle.groupNotViable(fn, others));
  if (!byVfio(fn)) {
    if (!facts.vfioPci) found.push(obstacle.vfioPciMissing());
    found.push(fn.driver === undefined ? obstacle.noDriver(fn) : obstacle.otherDriver(fn, fn.driver));
  }
  return found;
}

/** What keeps this process from the nodes below /dev. */
function ofNodes(fn: HostFunction, facts: HostFacts): Obstacle[] {
  const found: Obstacle[] = [];
  if (facts.container !== 'usable') found.push(obstacle.containerNode(facts.container));
  if (byVfio(fn) && fn.iommuGroup !== undefined) {
    const node = facts.groupNodes.get(fn.iommuGroup) ?? 'absent';
    if (node !== 'usable') found.push(obstacle.groupNode(fn.iommuGroup, node));
  }
  if (byVfio(fn)) {
    const node = facts.deviceNodes.get(fn.bdf) ?? 'absent';
    if (node !== 'usable') found.push(obstacle.deviceNode(fn, node));
  }
  if (facts.iommufd !== 'usable') found.push(obstacle.iommufdNode(facts.iommufd));
  return found;
}

/** Below this a guest of any size does not fit: the usual default is 8 MiB. */
const SMALL_LOCKED_MEMORY = 64 * 2 ** 20;

/** What works, but will be missed. */
function notes(fn: HostFunction, { lockedMemory }: HostFacts): Obstacle[] {
  const found: Obstacle[] = [];
  if (lockedMemory !== undefined && lockedMemory < SMALL_LOCKED_MEMORY) found.push(obstacle.lockedMemory(lockedMemory));
  if (!fn.resetMethods?.length) found.push(obstacle.noReset(fn));
  return found;
}

function diagnose(fn: HostFunction, facts: HostFacts): Diagnosis {
  const { bdf, driver, iommuGroup } = fn;
  const obstacles = fn.bridge
    ? [obstacle.bridge(fn)]
    : [...ofFunction(fn, facts), ...ofNodes(fn, facts), ...notes(fn, facts)];
  const free = (way: Way): boolean => !obstacles.some(({ blocks }) => blocks.includes(way));
  return { bdf, driver, iommuGroup, group: free('group'), cdev: free('cdev'), obstacles };
}

/** Says of each function whether it can be opened through VFIO here, and if not, why and what to change. Pure. */
export const diagnoseVfio = (facts: HostFacts): readonly Diagnosis[] =>
  facts.functions.map((fn) => diagnose(fn, facts));
