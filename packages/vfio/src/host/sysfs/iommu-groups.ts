import { compareBdf, type Bdf } from '@pci-recovery/core';
import { type Sysfs, isSysfsBdf } from './sysfs.js';
import { SysfsFindings, unreadable, type SysfsFinding } from './finding.js';

/** Functions that the IOMMU cannot tell apart: they are passed through together or not at all. */
export interface IommuGroup {
  readonly id: number;
  /** Its PCI functions, in address order. */
  readonly members: readonly Bdf[];
  /** Names of its devices that are no PCI functions. */
  readonly others: readonly string[];
  /** Type of its default domain: `DMA`, `DMA-FQ`, `identity`, … */
  readonly type: string | undefined;
}

/** Groups, and what is wrong with what sysfs says about them. */
export interface IommuGroups {
  /** By their number; none: there is no IOMMU, or it is off. */
  readonly groups: readonly IommuGroup[];
  readonly findings: readonly SysfsFinding[];
}

const GROUPS = ['kernel', 'iommu_groups'];

async function readGroup({ files }: Sysfs, name: string): Promise<IommuGroup> {
  const names = (await files.list([...GROUPS, name, 'devices'])) ?? [];
  return {
    id: Number(name),
    members: names.filter(isSysfsBdf).sort(compareBdf),
    others: names.filter((member) => !isSysfsBdf(member)),
    type: await files.readText([...GROUPS, name, 'type']),
  };
}

/** Reads all IOMMU groups (Documentation/ABI/testing/sysfs-kernel-iommu_groups). */
export async function readIommuGroups(sysfs: Sysfs): Promise<IommuGroups> {
  const findings = new SysfsFindings();
  const groups: IommuGroup[] = [];
  for (const name of (await sysfs.files.list(GROUPS)) ?? []) {
    const attribute = [...GROUPS, name].join('/');
    if (!/^\d{1,9}$/.test(name)) {
      findings.add({ code: 'not_a_number', attribute, message: `"${name.slice(0, 40)}" is no group's number.` });
      continue;
    }
    try {
      groups.push(await readGroup(sysfs, name));
    } catch (error) {
      findings.add(unreadable(error, attribute));
    }
  }
  groups.sort((a, b) => a.id - b.id);
  return { groups, findings: findings.list };
}
