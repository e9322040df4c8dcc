import { type Bdf } from '@pci-recovery/core';
import { decodeEbcdic } from '../../uapi/ebcdic.js';
import { AttributeReader } from './attribute-reader.js';
import { SysfsFindings, type SysfsFinding } from './finding.js';
import { type Sysfs } from './sysfs.js';

/** What sysfs says about a zPCI function (arch/s390/pci/pci_sysfs.c). Numbers are undefined where they are missing. */
export interface ZpciAttributes {
  /** Function id. */
  readonly functionId: number | undefined;
  /** Function handle; bit 31: enabled. It changes with every reset and with `recover`. */
  readonly functionHandle: number | undefined;
  /** Physical channel id. */
  readonly pchid: number | undefined;
  /** PCI function group id. */
  readonly pfgid: number | undefined;
  /** PCI function type. */
  readonly pft: number | undefined;
  /** Virtual function number. */
  readonly vfn: number | undefined;
  readonly port: number | undefined;
  readonly uid: number | undefined;
  readonly uidIsUnique: boolean | undefined;
  /** Load and store instructions of MIO are used. */
  readonly mioEnabled: boolean | undefined;
  /** Bytes of the PCI function internal path, `segment0` first. Undefined unless all four are there. */
  readonly pfip: readonly number[] | undefined;
  /** Utility string, 64 bytes of EBCDIC, decoded. Undefined when all of it is zero. */
  readonly utilString: string | undefined;
  /** There is a file `recover`. */
  readonly canRecover: boolean;
  /** There is a file `report_error`. */
  readonly canReportError: boolean;
  readonly findings: readonly SysfsFinding[];
}

const truth = (value: number | undefined): boolean | undefined => (value === undefined ? undefined : value !== 0);

async function pfipOf(reader: AttributeReader): Promise<number[] | undefined> {
  const segments: (number | undefined)[] = [];
  for (const index of [0, 1, 2, 3]) segments.push(await reader.number(`pfip/segment${index}`));
  return segments.every((segment) => segment !== undefined) ? segments : undefined;
}

/** zPCI attributes of a function; undefined where it has none: it is no zPCI function. */
export async function readZpciAttributes(sysfs: Sysfs, bdf: Bdf): Promise<ZpciAttributes | undefined> {
  if (!(await sysfs.has(bdf, 'function_id'))) return undefined;
  const findings = new SysfsFindings();
  const reader = new AttributeReader(sysfs, bdf, findings);
  const utilString = await reader.bytes('util_string');
  return {
    functionId: await reader.number('function_id'),
    functionHandle: await reader.number('function_handle'),
    pchid: await reader.number('pchid'),
    pfgid: await reader.number('pfgid'),
    pft: await reader.number('pft'),
    vfn: await reader.number('vfn'),
    port: await reader.number('port'),
    uid: await reader.number('uid'),
    uidIsUnique: truth(await reader.number('uid_is_unique')),
    mioEnabled: truth(await reader.number('mio_enabled')),
    pfip: await pfipOf(reader),
    utilString: utilString?.some((byte) => byte !== 0) ? decodeEbcdic(utilString) : undefined,
    canRecover: await reader.has('recover'),
    canReportError: await reader.has('report_error'),
    findings: findings.list,
  };
}
