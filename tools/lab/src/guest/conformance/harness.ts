import { aerOwnerProfile, type Harness, type PlatformProfile, type Subject } from '@pci-recovery/conformance';
import { PciRecoveryError } from '@pci-recovery/core';
import { type LiveMachine } from './live-machine.js';
import { AerLive } from './aer-live.js';

/** The part of the owner's law that the machine can show: no driver of its host asks for resets. */
function lawOn(machine: LiveMachine): PlatformProfile {
  const { incidents, layouts } = aerOwnerProfile;
  const { nonfatal_reset: _, ...shown } = incidents;
  const there = Object.entries(layouts).filter(([name]) => Object.hasOwn(machine.layouts, name));
  return { ...aerOwnerProfile, incidents: shown, layouts: Object.fromEntries(there) };
}

const refuse = (message: string): PciRecoveryError => new PciRecoveryError('ERR_PCI_NOT_OFFERED', message);

async function subjectOn(machine: LiveMachine, functions: LiveMachine['layouts'][string]): Promise<Subject> {
  const live = await AerLive.make(machine, functions);
  return {
    platform: live.platform,
    clock: machine.clock,
    functions: live.functions,
    inject(incident, at) {
      throw refuse(`A "${incident}" error at "${at}" takes its time on a real machine: inject it by "live".`);
    },
    witness: () => live.witness(),
    live,
    [Symbol.asyncDispose]: () => live[Symbol.asyncDispose](),
  };
}

/** The AER backend, owner mode, on a real machine. */
export const aerLiveHarness = (machine: LiveMachine): Harness => ({
  name: 'aer-owner (live)',
  profile: lawOn(machine),
  sees: ['reset', 'uevent'],
  live: true,
  async create({ layout }): Promise<Subject> {
    const functions = Object.hasOwn(machine.layouts, layout) ? machine.layouts[layout] : undefined;
    if (functions) return subjectOn(machine, functions);
    throw refuse(`The machine has no layout "${layout}".`);
  },
});
