import { parseBdf, type Bdf } from '@pci-recovery/core';
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
