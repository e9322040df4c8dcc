import { type Bdf } from '@pci-recovery/core';
import { type SysfsPort } from '@pci-recovery/core/linux';
import { diagnoseVfio, parseAerCounters, type Diagnosis, type HostFacts, type HostFunction } from '@pci-recovery/vfio';

/** How errors of a function are handled by the platform that it is on. */
export type ErrorHandling = 'aer' | 'eeh' | 'zpci' | 'none';

/** What recovery can do for a function. */
export interface Prospect {
  readonly fn: HostFunction;
  readonly handling: ErrorHandling;
  readonly diagnosis: Diagnosis;
  /** Uncorrectable and correctable errors that the kernel has counted since boot; undefined: it counts none. */
  readonly counted: Readonly<Record<'correctable' | 'nonfatal' | 'fatal', string>> | undefined;
}

/** An attribute that only functions of a platform have. */
const MARKS = [
  ['zpci', 'function_id'],
  ['eeh', 'eeh_mode'],
  ['aer', 'aer_dev_fatal'],
] as const;

/** How errors of a function are handled, by the attributes that it has. */
export async function handlingOf(sysfs: SysfsPort, bdf: Bdf): Promise<ErrorHandling> {
  for (const [handling, attribute] of MARKS) if ((await sysfs.read(bdf, attribute)) !== undefined) return handling;
  return 'none';
}

const SEVERITIES = ['correctable', 'nonfatal', 'fatal'] as const;

async function countedOf(sysfs: SysfsPort, bdf: Bdf): Promise<Prospect['counted']> {
  const totals = new Map<string, string>();
  for (const severity of SEVERITIES) {
    const { total } = parseAerCounters((await sysfs.read(bdf, `aer_dev_${severity}`)) ?? '');
    totals.set(severity, total === undefined ? '?' : String(total));
  }
  return Object.fromEntries(totals) as Record<(typeof SEVERITIES)[number], string>;
}

/** What recovery can do for every function of a machine, in address order. */
export async function prospects(facts: HostFacts, sysfs: SysfsPort): Promise<readonly Prospect[]> {
  const diagnoses = new Map(diagnoseVfio(facts).map((one) => [one.bdf, one]));
  const found: Prospect[] = [];
  for (const fn of facts.functions) {
    const handling = await handlingOf(sysfs, fn.bdf);
    const counted = handling === 'aer' ? await countedOf(sysfs, fn.bdf) : undefined;
    found.push({ fn, handling, diagnosis: diagnoses.get(fn.bdf)!, counted });
  }
  return found;
}

/** In what modes a function's errors can be dealt with here, and what is in the way of the others. */
export function modesOf({ fn, handling, diagnosis }: Prospect): Readonly<Record<'owner' | 'observer', true | string>> {
  const openable = diagnosis.group || diagnosis.cdev;
  const [obstacle] = diagnosis.obstacles.filter(({ blocks }) => blocks.length > 0);
  const unhandled = 'its platform reports no errors of it';
  const owner = fn.bridge ? 'a bridge is not held' : openable || (obstacle?.message ?? 'VFIO cannot open it');
  if (handling === 'none') return { owner: fn.bridge ? owner : unhandled, observer: unhandled };
  return { owner, observer: handling === 'aer' || 'only AER can be observed by now' };
}
