import { PciRecoveryError, type RecoveryPlatform } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import {
  aerProfile,
  type Harness,
  type LiveSubject,
  type PlatformProfile,
  type Subject,
  type SubjectOptions,
} from '../../src/index.js';
import { ReferenceBus } from './bus.js';
import { liveReference } from './live.js';
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
  live?(live: LiveSubject, bus: ReferenceBus): LiveSubject;
}

function subjectOf({ layout, lacking = [] }: SubjectOptions, tampering: Tampering, isLive: boolean): Subject {
  const places = TOPOLOGIES[layout] ?? refuse(`There is no layout "${layout}".`);
  if (lacking.some((name) => name !== 'native_aer')) refuse(`Only native_aer can be left out, not ${lacking.join()}.`);
  const clock = new VirtualClock();
  const bus = new ReferenceBus(clock, places);
  const begin = (): RecoveryPlatform => {
    const honest = referencePlatform(bus, lacking.length > 0 ? { absent: 'It was left out.' } : true);
    return tampering.platform?.(honest, bus) ?? honest;
  };
  const platform = begin();
  tampering.bus?.(bus);
  const inject = (incident: string, at: string): void => {
    if (!Object.hasOwn(aerProfile.incidents, incident)) refuse(`There is no incident "${incident}".`);
    bus.strike(incident, at);
  };
  const live = liveReference(bus, inject, begin);
  return {
    platform,
    clock,
    functions: Object.fromEntries(bus.slots.map(({ name, bdf }) => [name, bdf])),
    inject,
    ...(isLive && { live: tampering.live?.(live, bus) ?? live }),
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
  create: (options) => subjectOf(options, tampering, more.live === true),
  ...more,
});
