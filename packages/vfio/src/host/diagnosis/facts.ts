import { type Bdf } from '@pci-recovery/core';
import { HostDirectory, type Access } from '../files/host-directory.js';
import { readIommuGroups, type IommuGroup } from '../sysfs/iommu-groups.js';
import { type SysfsFinding } from '../sysfs/finding.js';
import { Sysfs } from '../sysfs/sysfs.js';
import { readTopology, type HostFunction } from '../sysfs/topology.js';

/** What this machine shows of VFIO: everything that a diagnosis rests on. */
export interface HostFacts {
  /** Node's name of the architecture (`x64`, `ppc64`, `s390x`, `arm64`). */
  readonly arch: string;
  readonly functions: readonly HostFunction[];
  readonly groups: readonly IommuGroup[];
  /** `/dev/vfio/vfio`. */
  readonly container: Access;
  /** `/dev/iommu`. */
  readonly iommufd: Access;
  /** `/dev/vfio/<group>`; groups that are missing here are absent. */
  readonly groupNodes: ReadonlyMap<number, Access>;
  /** `/dev/vfio/devices/<name>` of the functions that have a name. */
  readonly deviceNodes: ReadonlyMap<Bdf, Access>;
  /** There is a driver vfio-pci. */
  readonly vfioPci: boolean;
  /** Bytes that this process may lock in memory (RLIMIT_MEMLOCK, soft); Infinity: no limit; undefined: not known. */
  readonly lockedMemory: number | undefined;
  /** What is wrong with what sysfs says. */
  readonly findings: readonly SysfsFinding[];
}

/** Where to look. */
export interface FactsOptions {
  /** Default `/`: its `sys`, `dev` and `proc`. */
  readonly root?: string;
  /** Default: this machine's. */
  readonly arch?: string;
}

/** `Max locked memory` of /proc/self/limits: bytes; Infinity: unlimited; undefined when there is no such line. */
export function parseLockedMemory(limits: string | undefined): number | undefined {
  const soft = /^Max locked memory\s+(unlimited|\d{1,20})\s/m.exec(limits ?? '')?.[1];
  return soft === 'unlimited' ? Infinity : soft === undefined ? undefined : Number(soft);
}

async function nodesOf<Key>(
  dev: HostDirectory,
  wanted: readonly (readonly [Key, readonly string[]])[],
): Promise<Map<Key, Access>> {
  const nodes = new Map<Key, Access>();
  for (const [key, parts] of wanted) nodes.set(key, await dev.access(parts));
  return nodes;
}

/**
 * Reads sysfs, `/dev` and `/proc`. Opens no device: what only opening can show (a container that hides devices from its
 * processes, a device that somebody has) is not among the facts.
 * @throws PciRecoveryError when the list of functions or groups itself cannot be read.
 */
export async function readHostFacts({ root = '/', arch = process.arch }: FactsOptions = {}): Promise<HostFacts> {
  const below = root.replace(/\/+$/, '');
  const sysfs = new Sysfs({ root: `${below}/sys` });
  const dev = new HostDirectory(`${below}/dev`);
  const proc = new HostDirectory(`${below}/proc`);
  const { functions, findings } = await readTopology(sysfs);
  const groups = await readIommuGroups(sysfs);
  const named = functions.flatMap(({ bdf, vfioDevice }) =>
    vfioDevice === undefined ? [] : [[bdf, vfioDevice] as const],
  );
  return {
    arch,
    functions,
    groups: groups.groups,
    container: await dev.access(['vfio', 'vfio']),
    iommufd: await dev.access(['iommu']),
    groupNodes: await nodesOf(
      dev,
      groups.groups.map(({ id }) => [id, ['vfio', String(id)]] as const),
    ),
    deviceNodes: await nodesOf(
      dev,
      named.map(([bdf, name]) => [bdf, ['vfio', 'devices', name]] as const),
    ),
    vfioPci: await sysfs.files.exists(['bus', 'pci', 'drivers', 'vfio-pci']),
    lockedMemory: parseLockedMemory(await proc.readText(['self', 'limits'])),
    findings: [...findings, ...groups.findings],
  };
}
