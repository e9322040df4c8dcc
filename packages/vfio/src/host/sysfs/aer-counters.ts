import { type Bdf } from '@pci-recovery/core';
import { AttributeReader } from './attribute-reader.js';
import { parseCounters, parseU64, type Counters } from './counters.js';
import { SysfsFindings, type SysfsFinding } from './finding.js';
import { type Sysfs } from './sysfs.js';

/** Counters of one severity of a function (drivers/pci/pcie/aer.c:aer_stats_dev_attr). */
export interface AerSeverityCounters {
  /**
   * Errors by the kernel's names (`BadTLP`, `CmpltTO`; a bit without a name: `dev_fatal_errs_bit[3]`). A fatal error of
   * an endpoint raises only {@link total}: its status is not read before its link is reset.
   */
  readonly errors: ReadonlyMap<string, bigint>;
  /** `TOTAL_ERR_…`: messages, not bits. Undefined when the line is missing. */
  readonly total: bigint | undefined;
}

/** What a root port or event collector received from everybody below it. */
export interface AerRootCounters {
  readonly correctable: bigint | undefined;
  readonly nonfatal: bigint | undefined;
  readonly fatal: bigint | undefined;
}

/** AER counters of a function. They count from boot, and start anew when the function is removed. */
export interface AerCounters {
  readonly correctable: AerSeverityCounters | undefined;
  readonly nonfatal: AerSeverityCounters | undefined;
  readonly fatal: AerSeverityCounters | undefined;
  /** Root ports and event collectors only. */
  readonly root: AerRootCounters | undefined;
  readonly findings: readonly SysfsFinding[];
}

/** One of `aer_dev_correctable`, `aer_dev_nonfatal`, `aer_dev_fatal`. Never throws, whatever the text is. */
export function parseAerCounters(text: string): AerSeverityCounters & Pick<Counters, 'findings'> {
  const { values, findings } = parseCounters(text, ' ');
  const errors = new Map(values);
  let total: bigint | undefined;
  for (const [name, count] of values) {
    if (!name.startsWith('TOTAL_')) continue;
    errors.delete(name);
    total ??= count;
  }
  return { errors, total, findings };
}

async function severity(reader: AttributeReader, attribute: string): Promise<AerSeverityCounters | undefined> {
  const text = await reader.text(attribute);
  if (text === undefined) return undefined;
  const { errors, total, findings } = parseAerCounters(text);
  for (const { code, message } of findings) reader.find(code, attribute, message);
  return { errors, total };
}

async function rootTotal(reader: AttributeReader, attribute: string): Promise<bigint | undefined> {
  const text = await reader.text(attribute);
  if (text === undefined) return undefined;
  const count = parseU64(text);
  if (count !== undefined) return count;
  reader.find('not_a_number', attribute, `"${text.slice(0, 40)}" is no counter.`);
  return undefined;
}

/** AER counters of a function; undefined where it has none: it has no AER, or the kernel has not. */
export async function readAerCounters(sysfs: Sysfs, bdf: Bdf): Promise<AerCounters | undefined> {
  const findings = new SysfsFindings();
  const reader = new AttributeReader(sysfs, bdf, findings);
  const [correctable, nonfatal, fatal] = [
    await severity(reader, 'aer_dev_correctable'),
    await severity(reader, 'aer_dev_nonfatal'),
    await severity(reader, 'aer_dev_fatal'),
  ];
  const root = {
    correctable: await rootTotal(reader, 'aer_rootport_total_err_cor'),
    nonfatal: await rootTotal(reader, 'aer_rootport_total_err_nonfatal'),
    fatal: await rootTotal(reader, 'aer_rootport_total_err_fatal'),
  };
  const isRoot = Object.values(root).some((count) => count !== undefined);
  if (!correctable && !nonfatal && !fatal && !isRoot && findings.list.length === 0) return undefined;
  return { correctable, nonfatal, fatal, root: isRoot ? root : undefined, findings: findings.list };
}
