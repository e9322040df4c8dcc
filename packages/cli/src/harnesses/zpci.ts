import { parseBdf, PciRecoveryError, type Bdf, type RecoveryPlatform } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import {
  zpciProfile,
  type Harness,
  type Lets,
  type Subject,
  type SubjectOptions,
  type WitnessFact,
} from '@pci-recovery/conformance';
import { ZpciPlatform, type ZpciHostPort } from '@pci-recovery/zpci';
import { simulateZpci, type FirmwareCall, type SimulatedZpci } from '@pci-recovery/zpci/sim';
import { type Wiring } from './wiring.js';
import { ZpciWitness } from './zpci-witness.js';

export type ZpciWiring = Wiring<ZpciHostPort, ZpciPlatform>;

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
  readonly platform: RecoveryPlatform;
  readonly #zpci: ZpciPlatform;
  readonly #hardware: SimulatedZpci;
  readonly #witness: ZpciWitness;
  readonly #names: readonly string[];
  #errors = 0;

  constructor(functions: Readonly<Record<string, string>>, { port, platform }: ZpciWiring) {
    this.#names = Object.keys(functions);
    this.functions = Object.fromEntries(Object.entries(functions).map(([name, bdf]) => [name, parseBdf(bdf)]));
    this.#hardware = simulateZpci({
      clock: this.clock,
      functions: Object.values(this.functions).map((bdf, index) => ({ fid: index + 1, bdf })),
      log: { configWrites: false },
    });
    this.#witness = new ZpciWitness(this.#hardware);
    this.#zpci = new ZpciPlatform(port?.(this.#hardware) ?? this.#hardware, this.clock);
    this.platform = platform?.(this.#zpci) ?? this.#zpci;
  }

  inject(incident: string, at: string): void {
    const pec = CODES.get(incident);
    if (pec === undefined) throw refuse(`There is no incident "${incident}".`);
    // No two records are alike.
    this.#hardware.detect(this.#fid(at), { pec, faddr: BigInt(++this.#errors) << 12n });
  }

  injectUnreported(incident: string, at: string): void {
    using _lost = this.#hardware.script({ fault: 'notification_lost', fid: this.#fid(at) });
    this.inject(incident, at);
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

  lets(at: string): Lets {
    const { enabled, error, blocked, translated } = this.#hardware.inspect(this.#fid(at))!;
    return { access: enabled && !blocked, dma: enabled && !error && translated };
  }

  hold(at: string): void {
    if (!this.#zpci.open(this.functions[at]!)) throw refuse(`"${at}" cannot be held.`);
  }

  nextRecord(at: string): Uint8Array | undefined {
    return this.#zpci.nextPending(this.functions[at]!);
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

/** The zPCI backend, host mode, on simulated functions, with something in between. */
export const zpciHarnessWith = (wiring: ZpciWiring): Harness => ({
  name: 'zpci',
  profile: zpciProfile,
  sees: ['reset', 'access_enabled', 'dma_enabled', 'removed', 'added', 'uevent'],
  breaks: [...ACTS.keys()],
  abilities: ['unplug', 'replug', 'garble', 'probe', 'hold', 'unreported'],
  create({ layout, lacking = [] }: SubjectOptions): Subject {
    const functions = LAYOUTS.get(layout);
    if (!functions) throw refuse(`There is no layout "${layout}".`);
    if (lacking.length > 0) throw refuse(`A machine without "${lacking[0]!}" cannot be made.`);
    return new ZpciSubject(functions, wiring);
  },
});

/** The zPCI backend as it is. */
export const zpciHarness: Harness = zpciHarnessWith({});
