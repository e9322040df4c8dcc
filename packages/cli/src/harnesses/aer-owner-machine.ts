import { parseBdf, type Bdf } from '@pci-recovery/core';
import { type SysfsPort } from '@pci-recovery/core/linux';
import { type VfioHost } from '@pci-recovery/vfio';
import { type FunctionDescription, type MachineDescription, type ScriptedKernel } from '@pci-recovery/vfio/testing';

/** A layout of the owner's law: functions by the port above them. */
const LAYOUTS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  single: { '0000:00:01.0': ['a'] },
  pair: { '0000:00:01.0': ['a', 'b'] },
  triple: { '0000:00:01.0': ['a', 'b', 'c'] },
  disjoint: { '0000:00:01.0': ['a'], '0000:00:02.0': ['b'] },
};

/** Milliseconds that resets take, as the lab measured them. */
const DURATIONS = { reset: 100, hotReset: 140 } as const;

/** One port of the machine, and what is below it. */
export interface HostPort {
  readonly bdf: Bdf;
  readonly held: readonly Bdf[];
  /** A function that can be put below it, without a driver: the host gives up on everybody then. */
  readonly orphan: Bdf;
}

/** The machine of a layout. */
export interface OwnerMachine {
  readonly description: MachineDescription;
  readonly functions: Readonly<Record<string, Bdf>>;
  readonly ports: readonly HostPort[];
}

const busOf = (index: number): string => `0000:0${index + 1}:00`;

/** The functions that are not held: one without driver, and, where a hot reset shall not be allowed, one of a host's driver. */
function strangers(port: string, bus: string, shared: boolean): FunctionDescription[] {
  const orphan: FunctionDescription = { bdf: `${bus}.7`, port, driver: null };
  return shared ? [orphan, { bdf: `${bus}.6`, port, driver: 'virtio-pci' }] : [orphan];
}

/** The machine of a layout. `shared`: a driver of the host's has a function below every port too. Undefined: no such layout. */
export function ownerMachine(layout: string, shared: boolean): OwnerMachine | undefined {
  const below = Object.hasOwn(LAYOUTS, layout) ? LAYOUTS[layout] : undefined;
  if (!below) return undefined;
  const functions: Record<string, Bdf> = {};
  const groups: MachineDescription['groups'][number][] = [];
  const ports = Object.entries(below).map(([port, names], index): HostPort => {
    const bus = busOf(index);
    const held = names.map((name, number) => (functions[name] = parseBdf(`${bus}.${number}`)));
    // With isolated functions (ACS) those of the host need not share a group with the ones that are held.
    groups.push({ number: groups.length, functions: held.map((bdf) => ({ bdf, port })) });
    for (const one of strangers(port, bus, shared)) groups.push({ number: groups.length, functions: [one] });
    return { bdf: parseBdf(port), held, orphan: parseBdf(`${bus}.7`) };
  });
  const description: MachineDescription = {
    arch: 'x64',
    groups,
    ports: ports.map(({ bdf }) => ({ bdf })),
    durations: DURATIONS,
  };
  return { description, functions, ports };
}

/** Configuration space of a root port, as far as the topology is read from it (PCI Express r6.1 §7.5.1.3, §7.5.3.2). */
function portConfig(secondary: number): Uint8Array {
  const bytes = new Uint8Array(256);
  bytes.set([0x36, 0x1b, 0x0c, 0x00, 0x07, 0x01, 0x10, 0x00]);
  bytes[0x0e] = 1;
  bytes.set([0, secondary, secondary], 0x18);
  bytes[0x34] = 0x40;
  bytes.set([0x10, 0, 0x42, 0], 0x40);
  return bytes;
}

/** sysfs of the scripted kernel, with configuration space for its ports. */
export function sysfsOf({ sysfs }: ScriptedKernel, { ports }: OwnerMachine): SysfsPort {
  const numbers = new Map(ports.map(({ bdf }, index) => [bdf, index + 1]));
  return {
    devices: () => sysfs.devices(),
    read: (bdf, attribute) => sysfs.read(bdf, attribute),
    readBytes(bdf, attribute) {
      const number = attribute === 'config' ? numbers.get(bdf) : undefined;
      return number === undefined ? sysfs.readBytes(bdf, attribute) : portConfig(number);
    },
    write: (bdf, attribute, text) => sysfs.write(bdf, attribute, text),
    writeBytes: (bdf, attribute, offset, bytes) => sysfs.writeBytes(bdf, attribute, offset, bytes),
    link: (bdf, name) => sysfs.link(bdf, name),
    parent: (bdf) => sysfs.parent(bdf),
  };
}

/** How functions of the scripted kernel are found when they are opened. */
export const vfioHostOf = ({ sysfs }: ScriptedKernel): VfioHost => ({
  find: (bdf) => {
    const group = sysfs.link(bdf, 'iommu_group');
    return Promise.resolve({
      group: group === undefined ? undefined : Number(group),
      vfioDevice: undefined,
      virtual: false,
    });
  },
  members: (group) =>
    Promise.resolve(sysfs.devices().filter((bdf) => sysfs.link(bdf, 'iommu_group') === String(group))),
  diagnose: () => Promise.resolve(undefined),
});
