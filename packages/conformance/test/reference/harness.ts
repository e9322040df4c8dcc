import { PciRecoveryError, type RecoveryPlatform } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { aerProfile, type Harness, type PlatformProfile, type Subject, type SubjectOptions } from '../../src/index.js';
import { ReferenceBus } from './bus.js';
import { referencePlatform } from './platform.js';
import { TOPOLOGIES } from './topology.js';

/** AER's law on hardware that reports every error by itself, with bytes. */
export const referenceProfile: PlatformProfile = {
  ...aerProfile,
  name: 'reference',
  reports: { burst: 'each', recovering: 'each' },
  raw: true,
};

const refuse = (message: string): never => {
  throw new PciRecoveryError('ERR_PCI_REFERENCE', message);
};

/** What a broken variant may replace. */
export interface Tampering {
  platform?(platform: RecoveryPlatform, bus: ReferenceBus): RecoveryPlatform;
  bus?(bus: ReferenceBus): void;
}

function subjectOf({ layout, lacking = [] }: SubjectOptions, tampering: Tampering): Subject {
  const places = TOPOLOGIES[layout] ?? refuse(`There is no layout "${layout}".`);
  if (lacking.some((name) => name !== 'native_aer')) refuse(`Only native_aer can be left out, not ${lacking.join()}.`);
  const clock = new VirtualClock();
  const bus = new ReferenceBus(clock, places);
  const honest = referencePlatform(bus, lacking.length > 0 ? { absent: 'It was left out.' } : true);
  const platform = tampering.platform?.(honest, bus) ?? honest;
  tampering.bus?.(bus);
  return {
    platform,
    clock,
    functions: Object.fromEntries(bus.slots.map(({ name, bdf }) => [name, bdf])),
    inject(incident, at) {
      if (!Object.hasOwn(aerProfile.incidents, incident)) refuse(`There is no incident "${incident}".`);
      bus.named(at).status.add('device');
      if (incident === 'fatal') bus.named(at).stopped = true;
      if (incident === 'nonfatal' || incident === 'fatal') bus.named(at).status.add(incident);
      bus.report(new TextEncoder().encode(JSON.stringify({ incident, bdf: bus.named(at).bdf })));
    },
    witness: () => bus.facts,
    breakNext: (act, times) => (act === 'reset' ? bus.breakNext(act, times) : refuse(`"${act}" cannot be broken.`)),
    unplug: (at) => void (bus.named(at).present = false),
    replug: (at) => void Object.assign(bus.named(at), { present: true, generation: bus.named(at).generation + 1 }),
    garble: (seed) => bus.report(new Uint8Array(seed % 40).map((_, index) => (index * 37 + seed * 101) & 0xff)),
    lets: (at) => ({ access: !bus.named(at).stopped, dma: !bus.named(at).stopped }),
    [Symbol.asyncDispose]: () => Promise.resolve(platform[Symbol.asyncDispose]()),
  };
}

/** The correct reference backend, or one with something replaced. */
export const referenceHarness = (tampering: Tampering = {}, more: Partial<Harness> = {}): Harness => ({
  name: 'reference',
  profile: referenceProfile,
  sees: ['reset', 'status_cleared', 'uevent'],
  breaks: ['reset'],
  lacks: ['native_aer'],
  abilities: ['unplug', 'replug', 'garble', 'probe'],
  create: (options) => subjectOf(options, tampering),
  ...more,
});
