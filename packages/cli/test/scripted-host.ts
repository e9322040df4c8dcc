import { type Bdf } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { UeventMonitor, type HostFacts } from '@pci-recovery/vfio';
import { ScriptedKernel } from '@pci-recovery/vfio/testing';
import { ownerMachine, vfioHostOf } from '../src/harnesses/aer-owner-machine.js';
import { type LinuxHost } from '../src/live/linux-host.js';

const machine = ownerMachine('pair', false)!;
/** Two functions below one port. */
export const [A, B] = [machine.functions['a']!, machine.functions['b']!] as readonly [Bdf, Bdf];
/** Functions that can be put beside them, without a driver. */
export const ORPHANS = machine.ports.map(({ orphan }) => orphan);

/** A scripted kernel as the command finds it. */
export function scripted(): { kernel: ScriptedKernel; clock: VirtualClock; host: LinuxHost } {
  const clock = new VirtualClock();
  const kernel = new ScriptedKernel(machine.description, { clock, schedule: queueMicrotask });
  for (const orphan of ORPHANS) kernel.pull(orphan);
  const functions = kernel.sysfs
    .devices()
    .map((bdf) => ({ bdf, bridge: !Object.values(machine.functions).includes(bdf) }));
  const facts = { arch: 'x64', functions, groups: [], groupNodes: new Map(), deviceNodes: new Map(), findings: [] };
  const host: LinuxHost = {
    facts: () => Promise.resolve(facts as unknown as HostFacts),
    sysfs: kernel.sysfs,
    clock,
    vfio: vfioHostOf(kernel),
    syscalls: () => kernel,
    kernel: () => {
      const uevents = new UeventMonitor(kernel);
      return { sysfs: kernel.sysfs, uevents, [Symbol.asyncDispose]: () => uevents[Symbol.asyncDispose]() };
    },
  };
  return { kernel, clock, host };
}
