import { compareBdf, type Bdf } from '@pci-recovery/core';
import { type VfioDevicePort } from '@pci-recovery/core/linux';
import { type PciTopology } from '@pci-recovery/pci/topology';
import { HeldDevice, type HoldingSurroundings } from './held-device.js';
import { duplicate } from './misuse.js';
import { possibleSources } from './neighbourhood.js';

/** The devices that are held. */
export class Holdings {
  readonly #around: HoldingSurroundings;
  readonly #held = new Map<Bdf, HeldDevice>();
  readonly #generations = new Map<Bdf, number>();
  /** What lets go of each. */
  readonly #letGo = new Map<HeldDevice, () => void>();

  constructor(around: HoldingSurroundings) {
    this.#around = around;
  }

  /**
   * @param letGo what is done, once, when it is held no longer.
   * @throws PciRecoveryError `ERR_PCI_DUPLICATE_FUNCTION`
   */
  add(port: VfioDevicePort, letGo: (device: HeldDevice) => void): HeldDevice {
    const { bdf } = port;
    if (this.#held.has(bdf)) throw duplicate(bdf);
    const generation = this.#generations.get(bdf) ?? 0;
    this.#generations.set(bdf, generation + 1);
    const device = new HeldDevice(port, generation, this.#around);
    this.#held.set(bdf, device);
    this.#letGo.set(device, () => letGo(device));
    return device;
  }

  /** Nothing more when it is not held any more, even when another is at its address. */
  remove(device: HeldDevice): void {
    const letGo = this.#letGo.get(device);
    if (!letGo) return;
    this.#letGo.delete(device);
    this.#held.delete(device.bdf);
    letGo();
  }

  removeAll(): void {
    for (const device of this.list()) this.remove(device);
  }

  get(bdf: Bdf): HeldDevice | undefined {
    return this.#held.get(bdf);
  }

  /** In address order, which is the order in which the kernel walks its buses. */
  list(): HeldDevice[] {
    return [...this.#held.values()].sort((a, b) => compareBdf(a.bdf, b.bdf));
  }

  /** Those of some functions that are held, in order. */
  of(functions: readonly Bdf[]): HeldDevice[] {
    return [...functions].sort(compareBdf).flatMap((bdf) => this.#held.get(bdf) ?? []);
  }

  /** Whose errors can concern any of them. `except`: what concerns only that one is not among them. */
  possibleSources(topology: PciTopology, except?: Bdf): Set<Bdf> {
    const whose = [...this.#held.keys()].filter((bdf) => bdf !== except);
    return new Set(whose.flatMap((bdf) => [...possibleSources(topology, bdf)]));
  }

  /** Asks again whom hot resets would touch: it changes with whom we hold, and with the machine. */
  async surveyHotResets(): Promise<void> {
    await Promise.all(this.list().map((device) => device.surveyHotReset()));
  }
}
