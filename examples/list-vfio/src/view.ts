import { type Diagnosis, type HostFunction, type Obstacle } from '@pci-recovery/vfio';

const hex = (value: number | undefined, digits: number): string =>
  value === undefined ? '?'.repeat(digits) : value.toString(16).padStart(digits, '0');

/** How it can be opened. */
function verdict({ group, cdev }: Diagnosis): string {
  if (group && cdev) return 'openable: by its group, or by its own node';
  if (group) return 'openable: by its group';
  return cdev ? 'openable: by its own node' : 'not openable';
}

/** A note, or an obstacle with the ways that it blocks. */
const lines = ({ code, blocks, message, remedy }: Obstacle): string[] => [
  `  ${blocks.length > 0 ? 'x' : 'i'} ${message} [${code}${blocks.length === 1 ? `, by ${blocks[0]!}` : ''}]`,
  `    ${remedy}`,
];

/** One function with what is in the way of it and its group, for people. */
export function describeFunction(fn: HostFunction, diagnosis: Diagnosis): string[] {
  const { bdf, driver = 'no driver', iommuGroup, obstacles } = diagnosis;
  const ids = `${hex(fn.vendor, 4)}:${hex(fn.device, 4)}`;
  const group = iommuGroup === undefined ? 'no group' : `group ${iommuGroup}`;
  const own = obstacles.filter(({ concerns }) => concerns !== 'machine');
  return [`${bdf}  ${ids}  ${driver}  ${group}  ${verdict(diagnosis)}`, ...own.flatMap(lines)];
}

/** What is in the way of every function, once; nothing when nothing is. */
export function describeMachine(diagnoses: readonly Diagnosis[]): string[] {
  const all = diagnoses.flatMap(({ obstacles }) => obstacles).filter(({ concerns }) => concerns === 'machine');
  const once = new Map(all.map((obstacle) => [obstacle.code, obstacle]));
  return once.size === 0 ? [] : ['this machine', ...[...once.values()].flatMap(lines)];
}
