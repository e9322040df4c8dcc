import { parseBdf, PciRecoveryError, type Bdf } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import {
  zpciProfile,
  type Harness,
  type Subject,
  type SubjectOptions,
  type WitnessFact,
} from '@pci-recovery/conformance';
import { ZpciPlatform } from '@pci-recovery/zpci';
import { simulateZpci, type FirmwareCall, type SimulatedZpci } from '@pci-recovery/zpci/sim';
import { ZpciWitness } from './zpci-witness.js';

/** The functions of each layout, by name; `a` and `b` are siblings on one bus. */
const LAYOUTS: ReadonlyMap<string, Readonly<Record<string, string>>> = new Map([
  ['single', { a: '0001:00:00.0' }],
  ['disjoint', { a: '0001:00:00.0', b: '0001:00:00.1', c: '0002:00:00.0' }],
]);

/** The event code of each incident of the law. */
const CODES: ReadonlyMap<string, number> = new Map([
  ['error', 0x04],
  ['permanent', 0x3b],
  ['measurement', 0x2a],
]);

/** The acts of the law that firmware can let fail, and where. */
const ACTS: ReadonlyMap<string, FirmwareCall> = new Map([
  ['unblock', 'reset_block'],
  ['clear_error', 'reset_error'],
  ['reset', 'enable'],
]);

const refuse = (message: string): PciRecoveryError => new PciRecoveryError('ERR_PCI_NOT_OFFERED', message);

/** Nonsense of all lengths, the same for the same seed. */
const nonsense = (seed: number): Uint8Array =>
  Uint8Array.from({ length: seed % 3 === 0 ? 32 : seed % 70 }, (_, index) => (seed * 31 + index * 17) % 256);

/** A machine of the suite: the zPCI platform on simulated functions. */
class ZpciSubject implements Subject {
  readonly clock = new VirtualClock();
  readonly functions: Readonly<Record<string, Bdf>>;
  readonly platform: ZpciPlatform;
  readonly #hardware: SimulatedZpci;
  readonly #witness: ZpciWitness;
  readonly #names: readonly string[];

  constructor(functions: Readonly<Record<string, string>>) {
    this.#names = Object.keys(functions);
    this.functions = Object.fromEntries(Object.entries(functions).map(([name, bdf]) => [name, parseBdf(bdf)]));
    this.#hardware = simulateZpci({
      clock: this.clock,
      functions: Object.values(this.functions).map((bdf, index) => ({ fid: index + 1, bdf })),
      log: { configWrites: false },
    });
    this.#witness = new ZpciWitness(this.#hardware);
    this.platform = new ZpciPlatform(this.#hardware, this.clock);
  }

  inject(incident: string, at: string): void {
    const pec = CODES.get(incident);
    if (pec === undefined) throw refuse(`There is no incident "${incident}".`);
    this.#hardware.detect(this.#fid(at), { pec });
  }

  witness(): readonly WitnessFact[] {
    return this.#witness.facts();
  }

  breakNext(act: string, times: number): void {
    const call = ACTS.get(act);
    if (!call) throw refuse(`"${act}" cannot be let fail.`);
    this.#hardware.script({ fault: 'call_fails', call, times });
  }

  unplug(at: string): void {
    this.#hardware.takeAway(this.#fid(at), 'reserved');
  }

  replug(at: string): void {
    const fid = this.#fid(at);
    this.#hardware.takeAway(fid, 'reserved');
    this.#hardware.make(fid, 'configured');
  }

  garble(seed: number): void {
    this.#hardware.notify({ contentCode: seed % 4, ccdf: nonsense(seed) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.platform[Symbol.asyncDispose]();
  }

  #fid(at: string): number {
    const index = this.#names.indexOf(at);
    if (index < 0) throw refuse(`There is no function "${at}".`);
    return index + 1;
  }
}

/** The zPCI backend, host mode, on simulated functions. */
export const zpciHarness: Harness = {
  name: 'zpci',
  profile: zpciProfile,
  sees: ['reset', 'access_enabled', 'dma_enabled', 'removed', 'added', 'uevent'],
  breaks: [...ACTS.keys()],
  abilities: ['unplug', 'replug', 'garble'],
  create({ layout, lacking = [] }: SubjectOptions): Subject {
    const functions = LAYOUTS.get(layout);
    if (!functions) throw refuse(`There is no layout "${layout}".`);
    if (lacking.length > 0) throw refuse(`A machine without "${lacking[0]!}" cannot be made.`);
    return new ZpciSubject(functions);
  },
};
