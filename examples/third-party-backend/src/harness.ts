import { PciRecoveryError } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { type Harness } from '@pci-recovery/conformance';
import { GhesMachine } from './machine.js';
import { GhesPlatform } from './platform.js';
import { ghesProfile } from './profile.js';

/** Nonsense of all lengths, the same for the same seed. */
const nonsense = (seed: number): Uint8Array =>
  Uint8Array.from({ length: seed % 30 }, (_, index) => (seed * 31 + index * 17) % 256);

/** All that the suite needs to know about this backend. */
export const ghesHarness: Harness = {
  name: 'ghes (simulated)',
  profile: ghesProfile,
  sees: ['reset', 'access_enabled'],
  breaks: ['reset', 'open_access'],
  abilities: ['garble'],
  create({ layout, lacking = [] }) {
    if (lacking.length > 0) throw new PciRecoveryError('ERR_PCI_GHES_MACHINE', 'Nothing can be left out.');
    const clock = new VirtualClock();
    const machine = new GhesMachine(layout, clock);
    const platform = new GhesPlatform(machine, clock);
    return {
      platform,
      clock,
      functions: machine.functions,
      inject: (incident, at) => machine.inject(incident, at),
      witness: () => machine.facts,
      breakNext: (act, times) => machine.breakNext(act, times),
      garble: (seed) => machine.report(nonsense(seed)),
      [Symbol.asyncDispose]: () => platform[Symbol.asyncDispose](),
    };
  },
};
