import { bdfParts, parseBdf, type Bdf, type RecoveryPlatform } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import {
  eehProfile,
  eehPseriesProfile,
  type Harness,
  type Lets,
  type PlatformProfile,
  type Subject,
  type SubjectOptions,
  type WitnessFact,
} from '@pci-recovery/conformance';
import { EehPlatform, type EehHostPort } from '@pci-recovery/eeh';
import { simulateEeh, type SimulatedEehHardware } from '@pci-recovery/eeh/sim';
import { EEH_LAYOUTS, type EehLayout } from './eeh-layouts.js';
import { OPAL_ACTS, refuse, RTAS_ACTS } from './eeh-machine.js';
import { EehWitness } from './eeh-witness.js';
import { type Wiring } from './wiring.js';

/** One kind of firmware, with its law. */
interface Flavour {
  readonly firmware: 'opal' | 'rtas';
  readonly profile: PlatformProfile;
  readonly acts: typeof OPAL_ACTS;
  /** Capabilities that no machine of this kind has. */
  readonly lacks: readonly string[];
}

const POWERNV: Flavour = { firmware: 'opal', profile: eehProfile, acts: OPAL_ACTS, lacks: [] };
const PSERIES: Flavour = {
  firmware: 'rtas',
  profile: eehPseriesProfile,
  acts: RTAS_ACTS,
  lacks: ['error_interrupts', 'host_bridge_reset'],
};

export type EehWiring = Wiring<EehHostPort, EehPlatform>;

/** A machine of the suite: the EEH platform on simulated hardware. */
class EehSubject implements Subject {
  readonly clock = new VirtualClock();
  readonly functions: Readonly<Record<string, Bdf>>;
  readonly platform: RecoveryPlatform;
  readonly #eeh: EehPlatform;
  readonly #flavour: Flavour;
  readonly #hardware: SimulatedEehHardware;
  readonly #witness: EehWitness;
  #afterDetection: (() => void)[] = [];

  constructor({ hostBridges, functions }: EehLayout, flavour: Flavour, { port, platform }: EehWiring) {
    const { firmware } = flavour;
    this.#flavour = flavour;
    this.#hardware = simulateEeh({ clock: this.clock, hostBridges, firmware });
    this.#witness = new EehWitness(this.#hardware);
    this.functions = Object.fromEntries(Object.entries(functions).map(([name, bdf]) => [name, parseBdf(bdf)]));
    this.#eeh = new EehPlatform(port?.(this.#hardware) ?? this.#hardware, this.clock);
    this.platform = platform?.(this.#eeh) ?? this.#eeh;
    this.#hardware.onAllOnes((bdf) => void this.#eeh.checkFailure(bdf));
  }

  /** Freezes and fences are found by the read of a driver. */
  inject(incident: string, at: string): void {
    this.injectUnreported(incident, at);
    if (incident === 'informative') return;
    this.#hardware.readMemory(this.functions[at]!, 0);
    for (const go of this.#afterDetection.splice(0)) go();
  }

  injectUnreported(incident: string, at: string): void {
    const bdf = this.functions[at];
    if (!bdf) throw refuse(`There is no function "${at}".`);
    const { domain } = bdfParts(bdf);
    if (!Object.hasOwn(this.#flavour.profile.incidents, incident)) throw refuse(`There is no incident "${incident}".`);
    if (incident === 'informative') return this.#hardware.inform(domain);
    if (incident === 'frozen') this.#hardware.freeze(bdf);
    else this.#hardware.fence(domain, { reported: false });
  }

  witness(): readonly WitnessFact[] {
    return this.#witness.facts();
  }

  breakNext(act: string, times: number): void {
    const faults = this.#flavour.acts.get(act);
    if (!faults) throw refuse(`"${act}" cannot be let fail.`);
    const script = (): void => {
      for (const fault of faults) this.#hardware.script({ ...fault, times });
    };
    if (act === 'wait_state') this.#afterDetection.push(script);
    else script();
  }

  unplug(at: string): void {
    this.#hardware.pull(this.functions[at]!, { noticed: true });
  }

  replug(at: string): void {
    this.unplug(at);
    this.#hardware.put(this.functions[at]!);
  }

  garble(seed: number): void {
    this.#hardware.report(0, { error: 1 + (seed % 9), severity: 6 + (seed % 7), pe: 1000 + seed });
  }

  lets(at: string): Lets {
    const bdf = this.functions[at]!;
    const { mmio, dma } = this.#hardware.frozen(bdf);
    const answers = this.#hardware.answers(bdf);
    return { access: answers && !mmio, dma: answers && !dma };
  }

  async hold(at: string): Promise<void> {
    const error = await this.#eeh.open(this.functions[at]!);
    if (error !== 0) throw refuse(`"${at}" cannot be held: error ${error}.`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.platform[Symbol.asyncDispose]();
  }
}

const harnessOf = (flavour: Flavour, wiring: EehWiring): Harness => ({
  name: flavour.profile.name,
  profile: flavour.profile,
  sees: ['reset', 'access_enabled', 'dma_enabled', 'removed', 'added', 'uevent'],
  breaks: [...flavour.acts.keys()],
  lacks: flavour.lacks,
  abilities: [
    'unplug',
    'replug',
    'probe',
    'hold',
    'unreported',
    ...(flavour.firmware === 'opal' ? (['garble'] as const) : []),
  ],
  create({ layout, lacking = [] }: SubjectOptions): Subject {
    const found = EEH_LAYOUTS.get(layout);
    if (!found) throw refuse(`There is no layout "${layout}".`);
    const unknown = lacking.find((capability) => !flavour.lacks.includes(capability));
    if (unknown !== undefined) throw refuse(`A machine without "${unknown}" cannot be made.`);
    const subject: Subject = new EehSubject(found, flavour, wiring);
    // RTAS reports nothing by itself, so it reports no nonsense either.
    return flavour.firmware === 'opal' ? subject : Object.defineProperty(subject, 'garble', { value: undefined });
  },
});

/** The EEH backend, host mode, on simulated PowerNV hardware. */
export const eehHarness: Harness = harnessOf(POWERNV, {});

/** The EEH backend, host mode, on simulated pSeries hardware. */
export const eehPseriesHarness: Harness = harnessOf(PSERIES, {});

/** The same with something in between. */
export const eehHarnessWith = (wiring: EehWiring): Harness => harnessOf(POWERNV, wiring);
export const eehPseriesHarnessWith = (wiring: EehWiring): Harness => harnessOf(PSERIES, wiring);
