import { parseBdf, PciRecoveryError, type Bdf, type RecoveryPlatform } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { AerPlatform, restoreConfig, saveConfig, type AerHostPort, type ConfigSnapshot } from '@pci-recovery/aer';
import { PCI_HEADER } from '@pci-recovery/pci';
import { simulate, type SimulatedHardware } from '@pci-recovery/aer/sim';
import {
  aerProfile,
  type Harness,
  type Subject,
  type SubjectOptions,
  type WitnessFact,
} from '@pci-recovery/conformance';
import { AER_LAYOUTS, type AerLayout } from './aer-layouts.js';
import { AerWitness } from './aer-witness.js';
import { type Wiring } from './wiring.js';

export type AerWiring = Wiring<AerHostPort, AerPlatform>;

/** The error of each incident of the law. */
const ERRORS: Readonly<Record<string, string>> = { nonfatal: 'COMP_TIME', fatal: 'MALF_TLP', correctable: 'BAD_TLP' };

const refuse = (message: string): PciRecoveryError => new PciRecoveryError('ERR_PCI_NOT_OFFERED', message);

/** A machine of the suite: the AER platform on simulated hardware. */
class AerSubject implements Subject {
  readonly clock = new VirtualClock();
  readonly functions: Readonly<Record<string, Bdf>>;
  readonly platform: RecoveryPlatform;
  readonly #hardware: SimulatedHardware;
  readonly #witness: AerWitness;
  readonly #ports: readonly Bdf[];
  readonly #saved: readonly { readonly snapshot: ConfigSnapshot; readonly command: number }[];

  constructor({ rootPorts, functions }: AerLayout, nativeAer: boolean, { port, platform }: AerWiring) {
    this.#hardware = simulate({ clock: this.clock, rootPorts, nativeAer, log: { configWrites: false } });
    this.#witness = new AerWitness(this.#hardware);
    this.functions = Object.fromEntries(Object.entries(functions).map(([name, bdf]) => [name, parseBdf(bdf)]));
    const all = [...this.#hardware.topology.functions()];
    this.#ports = all
      .filter((fn) => fn.portType === 'root_port' || fn.portType === 'downstream_port')
      .map((fn) => fn.bdf);
    this.#saved = all.flatMap(({ bdf }) => {
      const snapshot = saveConfig(this.#hardware, bdf);
      return snapshot ? [{ snapshot, command: this.#command(bdf) }] : [];
    });
    const aer = new AerPlatform(port?.(this.#hardware) ?? this.#hardware, this.clock);
    this.platform = platform?.(aer) ?? aer;
  }

  inject(incident: string, at: string): void {
    const error = ERRORS[incident];
    const bdf = this.functions[at];
    if (!error || !bdf) throw refuse(`There is no incident "${incident}" at "${at}".`);
    this.#restoreWhatWasReset();
    this.#hardware.detect(bdf, { error });
  }

  injectUnreported(incident: string, at: string): void {
    const bdf = this.functions[at];
    if (!bdf) throw refuse(`There is no function "${at}".`);
    using _lost = this.#hardware.script({ fault: 'message_lost', bdf });
    this.inject(incident, at);
  }

  /** The suite's drivers only vote: what a real one restores after a reset is restored before the next error. */
  #restoreWhatWasReset(): void {
    for (const { snapshot, command } of this.#saved) {
      if (!this.#hardware.answers(snapshot.bdf)) continue;
      // Restoring clears error status too: only where a reset has taken the command register.
      if (this.#command(snapshot.bdf) !== command) restoreConfig(this.#hardware, snapshot);
    }
  }

  #command(bdf: Bdf): number {
    return this.#hardware.readConfig(bdf, PCI_HEADER.COMMAND, 2);
  }

  witness(): readonly WitnessFact[] {
    return this.#witness.facts();
  }

  breakNext(act: string, times: number): void {
    if (act !== 'reset') throw refuse(`"${act}" cannot be let fail.`);
    for (const bdf of this.#ports) this.#hardware.script({ fault: 'link_stays_down', bdf, times });
  }

  unplug(at: string): void {
    this.#hardware.remove(this.functions[at]!);
  }

  replug(at: string): void {
    const bdf = this.functions[at]!;
    const port = this.#hardware.topology.upstreamBridge(bdf)!.bdf;
    this.#hardware.remove(bdf);
    this.#hardware.plug(port, { kind: 'endpoint', bdf });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.platform[Symbol.asyncDispose]();
  }
}

/** The AER backend, host mode, on simulated hardware, with something in between. */
export const aerHarnessWith = (wiring: AerWiring): Harness => ({
  name: 'aer',
  profile: aerProfile,
  sees: ['reset', 'status_cleared', 'removed', 'added', 'uevent'],
  breaks: ['reset'],
  lacks: ['native_aer'],
  abilities: ['unplug', 'replug', 'unreported'],
  create({ layout, lacking = [] }: SubjectOptions): Subject {
    const found = AER_LAYOUTS.get(layout);
    if (!found) throw refuse(`There is no layout "${layout}".`);
    const unknown = lacking.find((capability) => capability !== 'native_aer');
    if (unknown !== undefined) throw refuse(`A machine without "${unknown}" cannot be made.`);
    return new AerSubject(found, !lacking.includes('native_aer'), wiring);
  },
});

/** The AER backend as it is. */
export const aerHarness: Harness = aerHarnessWith({});
