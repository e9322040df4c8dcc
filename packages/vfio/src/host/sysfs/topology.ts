import { type Bdf, type Stoppable } from '@pci-recovery/core';
import { placeFunctions, type PlacedFunction, type TopologyFunction } from '@pci-recovery/pci/topology';
import { AttributeReader } from './attribute-reader.js';
import { SysfsFindings, type SysfsFinding } from './finding.js';
import { type Sysfs } from './sysfs.js';

/** A function as sysfs shows it. What is undefined is not there, or could not be read (see the findings). */
export interface HostFunction extends TopologyFunction {
  /** The function above, by the device path. */
  readonly parent: Bdf | undefined;
  /** Text of the link in `/sys/bus/pci/devices`. */
  readonly path: string | undefined;
  /** 24 bits: base class 23:16, sub-class 15:8, programming interface 7:0. */
  readonly classCode: number | undefined;
  readonly vendor: number | undefined;
  readonly device: number | undefined;
  /** Its virtual functions, in order of their index; none when it is no physical function. */
  readonly virtualFunctions: readonly Bdf[];
  /** Only this driver may be bound. */
  readonly driverOverride: string | undefined;
  readonly iommuGroup: number | undefined;
  /** In the order in which the kernel tries them; empty: all are switched off; undefined: the kernel knows none. */
  readonly resetMethods: readonly string[] | undefined;
  /** Its name below `/dev/vfio/devices` (`vfio0`), while a VFIO driver has it. Linux 6.1 and newer. */
  readonly vfioDevice: string | undefined;
}

/** All functions, and what is wrong with what sysfs says about them. */
export interface HostTopology {
  /** In address order. */
  readonly functions: readonly HostFunction[];
  readonly findings: readonly SysfsFinding[];
  /** Findings above the bound. */
  readonly droppedFindings: number;
}

/** Functions that are read at the same time: node's thread pool has four threads. */
const AT_ONCE = 16;
const CLASS_BRIDGE = 0x0604;

/** What is read of a function before it is known where it is: that takes the configuration spaces of all. */
type Unplaced = Omit<HostFunction, 'bridge'> & { readonly config: Uint8Array | undefined };

/** Whether configuration space says what the function is; what is odd about it is a finding. */
function tells({ decoded, device }: PlacedFunction, findings: SysfsFindings): boolean {
  const [odd] = decoded.findings;
  // Without CAP_SYS_ADMIN there are 64 bytes, and capabilities lie behind them.
  if (odd && device.bytes.length > 64) {
    findings.add({ code: 'bad_config', attribute: 'config', message: odd.message, bdf: device.bdf });
  }
  // All ones: it does not answer now, which says nothing about what it is.
  return decoded.header !== undefined && !decoded.findings.some(({ code }) => code === 'config_space_all_ones');
}

/** Adds what all configuration spaces together say: bridges, ports, buses, event collectors. Links of sysfs come first. */
function place(all: readonly Unplaced[], findings: SysfsFindings): HostFunction[] {
  const images = all.flatMap(({ bdf, config }) => (config ? [{ bdf, bytes: config }] : []));
  const placed = placeFunctions(images).filter((one) => tells(one, findings));
  const byAddress = new Map(placed.map(({ topology }) => [topology.bdf, topology]));
  return all.map(({ config: _, ...fn }) => ({
    bridge: fn.classCode !== undefined && fn.classCode >> 8 === CLASS_BRIDGE,
    ...byAddress.get(fn.bdf),
    ...fn,
  }));
}

async function resetMethodsOf(reader: AttributeReader): Promise<string[] | undefined> {
  return (await reader.text('reset_method'))?.split(/\s+/).filter((method) => method !== '');
}

async function driverOverrideOf(reader: AttributeReader): Promise<string | undefined> {
  const text = await reader.text('driver_override');
  return text === '' || text === '(null)' ? undefined : text;
}

async function groupOf(reader: AttributeReader): Promise<number | undefined> {
  const name = await reader.link('iommu_group');
  if (name === undefined) return undefined;
  if (/^\d{1,9}$/.test(name)) return Number(name);
  reader.find('not_a_number', 'iommu_group', `The link leads to "${name.slice(0, 40)}", which is no group.`);
  return undefined;
}

async function virtualFunctionsOf(reader: AttributeReader, names: readonly string[]): Promise<Bdf[]> {
  const indices = names.flatMap((name) => /^virtfn(\d{1,5})$/.exec(name)?.[1] ?? []).map(Number);
  const found: Bdf[] = [];
  for (const index of indices.sort((a, b) => a - b)) {
    const bdf = await reader.address(`virtfn${index}`);
    if (bdf !== undefined) found.push(bdf);
  }
  return found;
}

/** Reads one function. */
async function readFunction(sysfs: Sysfs, bdf: Bdf, findings: SysfsFindings): Promise<Unplaced> {
  const reader = new AttributeReader(sysfs, bdf, findings);
  const classCode = await reader.number('class');
  const names = await reader.entries();
  const physicalFunction = await reader.address('physfn');
  const driver = await reader.link('driver');
  const vfioDevices = names.includes('vfio-dev') ? await reader.entries('vfio-dev') : [];
  return {
    bdf,
    parent: await reader.parent(),
    path: await reader.path(),
    classCode,
    vendor: await reader.number('vendor'),
    device: await reader.number('device'),
    config: await reader.bytes('config'),
    ...(physicalFunction && { physicalFunction }),
    virtualFunctions: await virtualFunctionsOf(reader, names),
    ...(driver !== undefined && { driver }),
    driverOverride: await driverOverrideOf(reader),
    iommuGroup: await groupOf(reader),
    resetMethods: await resetMethodsOf(reader),
    vfioDevice: vfioDevices.find((name) => /^vfio\d{1,9}$/.test(name)),
  };
}

/**
 * Reads all functions; `new PciTopology(functions)` makes the tree of them. Functions that are in sysfs but cannot be read
 * are there with findings. Reads configuration space, which waits while a link is reset and wakes functions that sleep.
 * @throws PciRecoveryError when the list of functions cannot be read; the reason of `signal` when it aborts.
 */
export async function readTopology(sysfs: Sysfs, options?: Partial<Stoppable>): Promise<HostTopology> {
  const findings = new SysfsFindings();
  const functions: Unplaced[] = [];
  const devices = await sysfs.devices();
  for (let at = 0; at < devices.length; at += AT_ONCE) {
    options?.signal?.throwIfAborted();
    const some = devices.slice(at, at + AT_ONCE);
    functions.push(...(await Promise.all(some.map((bdf) => readFunction(sysfs, bdf, findings)))));
  }
  return { functions: place(functions, findings), findings: findings.list, droppedFindings: findings.dropped };
}
