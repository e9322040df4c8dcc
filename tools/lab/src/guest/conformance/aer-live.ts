import { AerOwnerPlatform } from '@pci-recovery/aer/linux';
import { type LiveLook, type LiveSubject, type WitnessFact } from '@pci-recovery/conformance';
import { PciRecoveryError, type Bdf, type RecoveryPlatform } from '@pci-recovery/core';
import { lookAt } from './counted.js';
import { Holding } from './holding.js';
import { KernelWitness } from './kernel-witness.js';
import { type LiveFunction, type LiveMachine } from './live-machine.js';

/** Functions of a real machine, held by our packages, with the AER platform for owners. */
export class AerLive implements LiveSubject, AsyncDisposable {
  readonly functions: Readonly<Record<string, Bdf>>;
  platform: AerOwnerPlatform;
  readonly #machine: LiveMachine;
  readonly #names: Readonly<Record<string, LiveFunction>>;
  readonly #witness: KernelWitness;
  readonly #holdings = new Map<string, Holding>();
  readonly #listening = new AbortController();
  readonly #orphans: Bdf[] = [];
  #removals: Promise<void>[] = [];

  private constructor(machine: LiveMachine, names: Readonly<Record<string, LiveFunction>>, witness: KernelWitness) {
    this.#machine = machine;
    this.#names = names;
    this.#witness = witness;
    this.functions = Object.fromEntries(Object.entries(names).map(([name, { bdf }]) => [name, bdf]));
    this.platform = this.#begin();
    void this.#listen();
  }

  static async make(machine: LiveMachine, names: Readonly<Record<string, LiveFunction>>): Promise<AerLive> {
    const { sysfs } = machine.ports;
    const below = new Map<Bdf, Bdf[]>();
    for (const { bdf } of Object.values(names)) {
      await machine.bind(bdf);
      const port = await sysfs.parent(bdf);
      if (port) below.set(port, [...(below.get(port) ?? []), bdf]);
    }
    const subject = new AerLive(machine, names, new KernelWitness(machine.clock, below));
    try {
      await subject.#take();
      return subject;
    } catch (error) {
      await subject[Symbol.asyncDispose]();
      throw error;
    }
  }

  async inject(incident: string, at: string): Promise<void> {
    const error = this.#machine.errors[incident];
    const { id } = this.#named(at);
    if (error === undefined) {
      throw new PciRecoveryError('ERR_PCI_NOT_OFFERED', `There is no incident "${incident}" on this machine.`);
    }
    await this.#machine.inject(id, error);
  }

  witness(): readonly WitnessFact[] {
    for (const line of this.#machine.log()) this.#witness.logged(line);
    return this.#witness.facts;
  }

  async settled(): Promise<void> {
    await this.#machine.heard();
    this.witness();
  }

  look(at: string): Promise<LiveLook> {
    return lookAt(this.#machine.ports.sysfs, this.#named(at).bdf);
  }

  setUp(at: string): Promise<void> {
    return this.#held(at).driver.setUp();
  }

  request(at: string): Promise<boolean> {
    return this.#held(at).driver.request();
  }

  descriptors(): number {
    return this.#machine.descriptors();
  }

  async restart(): Promise<RecoveryPlatform> {
    await this.platform[Symbol.asyncDispose]();
    this.platform = this.#begin();
    for (const holding of this.#holdings.values()) await holding.entrust(this.platform);
    return this.platform;
  }

  async unplug(at: string): Promise<void> {
    const { wanted } = this.#held(at);
    this.#removals.push(this.#machine.remove(this.#named(at).bdf));
    await wanted;
  }

  async orphan(at: string): Promise<void> {
    await this.#held(at).release();
    this.#holdings.delete(at);
    const { bdf } = this.#named(at);
    this.#orphans.push(bdf);
    await this.#machine.unbind(bdf);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.abort();
    await this.platform[Symbol.asyncDispose]();
    for (const holding of this.#holdings.values()) await holding.release();
    await Promise.all(this.#removals.splice(0));
    // Nobody restored what a reset of the link took from them: they are found anew.
    for (const bdf of this.#orphans.splice(0)) await this.#machine.remove(bdf);
  }

  #begin(): AerOwnerPlatform {
    return new AerOwnerPlatform(this.#machine.ports, this.#machine.clock);
  }

  async #take(): Promise<void> {
    for (const [place, [name, fn]] of Object.entries(this.#names).entries()) {
      const holding = await Holding.take(this.#machine, fn, place);
      this.#holdings.set(name, holding);
      await holding.entrust(this.platform);
    }
    // What the log says of opening is no part of what is looked at.
    this.#machine.log();
  }

  /** Ends with the subject; what is lost then, nobody looks for. */
  async #listen(): Promise<void> {
    const { signal } = this.#listening;
    for await (const uevent of this.#machine.ports.uevents.events({ signal })) this.#witness.uevent(uevent);
  }

  #named(at: string): LiveFunction {
    const found = this.#names[at];
    if (found) return found;
    throw new PciRecoveryError('ERR_PCI_NOT_OFFERED', `There is no function "${at}" in this layout.`);
  }

  #held(at: string): Holding {
    const found = this.#holdings.get(at);
    if (found) return found;
    throw new PciRecoveryError('ERR_PCI_NOT_OFFERED', `The function "${at}" is not held.`);
  }
}
