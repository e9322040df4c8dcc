import { bdfParts, parseBdf, PciRecoveryError, type Bdf } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import {
  eehProfile,
  type Harness,
  type Subject,
  type SubjectOptions,
  type WitnessFact,
} from '@pci-recovery/conformance';
import { EehPlatform, OPAL, OPAL_ACTION, OPAL_FREEZE } from '@pci-recovery/eeh';
import { simulateEeh, type EehFault, type SimulatedEehHardware } from '@pci-recovery/eeh/sim';
import { EEH_LAYOUTS, type EehLayout } from './eeh-layouts.js';
import { EehWitness } from './eeh-witness.js';

const refuse = (message: string): PciRecoveryError => new PciRecoveryError('ERR_PCI_NOT_OFFERED', message);

const failing = (call: 'reset' | 'freezeClear' | 'freezeStatus', more: object = {}): EehFault => ({
  fault: 'call_fails',
  call,
  rc: OPAL.HARDWARE,
  ...more,
});

/** How firmware lets the acts of the law fail. A state is asked for detection too: it goes wrong only after that. */
const ACTS: ReadonlyMap<string, readonly EehFault[]> = new Map([
  ['reset', [failing('reset')]],
  ['thaw_mmio', [failing('freezeClear', { action: OPAL_ACTION.MMIO })]],
  ['thaw_dma', [failing('freezeClear', { action: OPAL_ACTION.DMA })]],
  [
    'wait_state',
    [
      failing('freezeStatus', { pe: 0 }),
      {
        fault: 'call_answers' as const,
        call: 'freezeStatus' as const,
        answer: { freeze: OPAL_FREEZE.PERMANENTLY_UNAVAILABLE },
      },
    ],
  ],
]);

/** A machine of the suite: the EEH platform on simulated PowerNV hardware. */
class EehSubject implements Subject {
  readonly clock = new VirtualClock();
  readonly functions: Readonly<Record<string, Bdf>>;
  readonly platform: EehPlatform;
  readonly #hardware: SimulatedEehHardware;
  readonly #witness: EehWitness;
  #afterDetection: (() => void)[] = [];

  constructor({ hostBridges, functions }: EehLayout) {
    this.#hardware = simulateEeh({ clock: this.clock, hostBridges });
    this.#witness = new EehWitness(this.#hardware);
    this.functions = Object.fromEntries(Object.entries(functions).map(([name, bdf]) => [name, parseBdf(bdf)]));
    this.platform = new EehPlatform(this.#hardware, this.clock);
    this.#hardware.onAllOnes((bdf) => void this.platform.checkFailure(bdf));
  }

  /** Freezes and fences are found by the read of a driver. */
  inject(incident: string, at: string): void {
    const bdf = this.functions[at];
    if (!bdf) throw refuse(`There is no function "${at}".`);
    const { domain } = bdfParts(bdf);
    if (incident === 'informative') return this.#hardware.inform(domain);
    if (incident === 'frozen') this.#hardware.freeze(bdf);
    else if (incident === 'fenced') this.#hardware.fence(domain, { reported: false });
    else throw refuse(`There is no incident "${incident}".`);
    this.#hardware.readMemory(bdf, 0);
    for (const go of this.#afterDetection.splice(0)) go();
  }

  witness(): readonly WitnessFact[] {
    return this.#witness.facts();
  }

  breakNext(act: string, times: number): void {
    const faults = ACTS.get(act);
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.platform[Symbol.asyncDispose]();
  }
}

/** The EEH backend, host mode, on simulated PowerNV hardware. */
export const eehHarness: Harness = {
  name: 'eeh',
  profile: eehProfile,
  sees: ['reset', 'access_enabled', 'dma_enabled', 'removed', 'added', 'uevent'],
  breaks: [...ACTS.keys()],
  abilities: ['unplug', 'replug', 'garble'],
  create({ layout, lacking = [] }: SubjectOptions): Subject {
    const found = EEH_LAYOUTS.get(layout);
    if (!found) throw refuse(`There is no layout "${layout}".`);
    if (lacking.length > 0) throw refuse(`A machine without "${lacking[0]!}" cannot be made.`);
    return new EehSubject(found);
  },
};
