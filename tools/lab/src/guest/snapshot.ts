// Runs in the guest: what sysfs says of every PCI function at one moment.
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type GuestProgram } from '../channel/protocol.js';
import { COUNTER_FILES } from '../evidence/counters.js';

/** One function. */
export interface FunctionSnapshot {
  readonly bdf: string;
  /** Configuration space in base64. */
  readonly config: string;
  readonly driver?: string;
  readonly iommuGroup?: string;
  /** The counter files that there are, by name. */
  readonly counters: Readonly<Record<string, string>>;
}

const DEVICES = '/sys/bus/pci/devices';

const linkName = (path: string): string | undefined => (existsSync(path) ? basename(readlinkSync(path)) : undefined);

function snapshotOf(bdf: string): FunctionSnapshot {
  const folder = join(DEVICES, bdf);
  const files = [...COUNTER_FILES.function, ...COUNTER_FILES.rootPort].filter((name) => existsSync(join(folder, name)));
  const [driver, iommuGroup] = ['driver', 'iommu_group'].map((name) => linkName(join(folder, name)));
  return {
    bdf,
    config: readFileSync(join(folder, 'config')).toString('base64'),
    ...(driver !== undefined && { driver }),
    ...(iommuGroup !== undefined && { iommuGroup }),
    counters: Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), 'utf8')])),
  };
}

const snapshot: GuestProgram<null, readonly FunctionSnapshot[]> = () => readdirSync(DEVICES).sort().map(snapshotOf);
export default snapshot;
