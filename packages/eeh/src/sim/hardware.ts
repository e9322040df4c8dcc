import { bdfParts, parseBdf, PciRecoveryError, type Bdf, type Stoppable } from '@pci-recovery/core';
import { type PciTopology } from '@pci-recovery/pci/topology';
import { type OpalFirmware } from '../firmware/opal.js';
import { type RtasFirmware } from '../firmware/rtas.js';
import { type ConfigWidth, type EehHostPort, type HostBridge } from '../port.js';
import { type Uevent } from '../votes.js';
import { answers, letsDma, letsMemory } from './access.js';
import { ConfigSpace } from './config-space.js';
import { type EehMachineDescription } from './description.js';
import { type EehFault } from './faults.js';
import { freezePe, reportError, stopHostBridge } from './freezes.js';
import { buildMachine, type Machine, type SimulatedFunction, type SimulatedHostBridge } from './machine.js';
import { SimulatedOpal } from './opal.js';
import { addVirtual, isUnprobed, remove, rescan } from './plugging.js';
import { SimulatedRtas } from './rtas.js';
import { type EehFact } from './witness.js';

const NS_PER_MS = 1e6;

/** What stops, and whether firmware says so. */
export interface FreezeOptions {
  /** Default: true. */
  readonly mmio?: boolean;
  /** Default: true. */
  readonly dma?: boolean;
  /** Firmware reports it by an interrupt (PowerNV only). Default: false, it shows at the next read. */
  readonly reported?: boolean;
}

/**
 * A simulated machine with EEH: host bridges, PEs with two freeze bits, functions, and firmware of either kind. Software uses it
 * through {@link EehHostPort} and drivers' accesses; the other methods are what happens to hardware from outside.
 */
export class SimulatedEehHardware implements EehHostPort {
  readonly firmware: OpalFirmware | RtasFirmware;
  readonly hostBridges: readonly HostBridge[];
  readonly #machine: Machine;
  readonly #config: ConfigSpace;
  #allOnes: ((bdf: Bdf) => void) | undefined;

  /** Made by {@link simulateEeh}. */
  constructor(machine: Machine) {
    this.#machine = machine;
    this.#config = new ConfigSpace(machine);
    this.hostBridges = [...machine.bridges.values()];
    this.firmware = machine.flavour === 'opal' ? new SimulatedOpal(machine) : new SimulatedRtas(machine);
  }

  get topology(): PciTopology {
    return this.#machine.topology;
  }

  get unprobed(): readonly Bdf[] {
    if (this.#machine.flavour === 'opal') return [];
    return [...this.#machine.functions.values()].filter(isUnprobed).map(({ bdf }) => bdf);
  }

  generationOf(bdf: Bdf): number {
    return this.#machine.functions.get(bdf)?.generation ?? 0;
  }

  peNumber(bdf: Bdf): number | undefined {
    return this.#machine.functions.get(bdf)?.pe.number;
  }

  readConfig(bdf: Bdf, offset: number, width: ConfigWidth): number {
    return this.#config.read(bdf, offset, width);
  }

  writeConfig(bdf: Bdf, offset: number, width: ConfigWidth, value: number): void {
    this.#config.write(bdf, offset, width, value);
  }

  errorInterrupts(options: Stoppable): AsyncGenerator<void, void, void> {
    return this.#machine.interrupts.listen(options);
  }

  remove(bdf: Bdf): void {
    remove(this.#machine, bdf);
  }

  rescan(phb: number, bus: number): void {
    rescan(this.#machine, phb, bus);
  }

  addVirtual(bdf: Bdf): void {
    addVirtual(this.#machine, bdf);
  }

  needsFundamentalReset(bdf: Bdf): boolean {
    const { description } = this.#machine.functions.get(bdf) ?? {};
    return description?.kind === 'endpoint' && description.needsFundamentalReset === true;
  }

  resetByFirmware(bridge: Bdf): boolean {
    const { description } = this.#machine.functions.get(bridge) ?? {};
    return description !== undefined && description.kind !== 'endpoint' && description.resetByFirmware === true;
  }

  slotOccupied(bdf: Bdf): boolean | undefined {
    const fn = this.#machine.functions.get(bdf);
    return fn?.description.kind === 'endpoint' && fn.description.hotplugSlot ? fn.there : undefined;
  }

  setAttention(bdf: Bdf, on: boolean): void {
    this.#machine.witness.add({ kind: 'attention', on, functions: [bdf] });
  }

  setInterrupt(bdf: Bdf, enabled: boolean): void {
    this.#machine.witness.add({ kind: 'line_interrupt', enabled, functions: [bdf] });
  }

  uevent(bdf: Bdf, event: Uevent): void {
    this.#machine.witness.add({ kind: 'uevent', event, functions: [bdf] });
  }

  /** The witness: what happened to the hardware, oldest first. */
  get log(): readonly EehFact[] {
    return this.#machine.witness.facts;
  }

  /** How many of the oldest facts the log has dropped. */
  get logDropped(): number {
    return this.#machine.witness.dropped;
  }

  /**
   * Whoever reads all ones asks whether it comes from a freeze: the kernel's accessors do it for every driver. One at a time.
   */
  onAllOnes(ask: (bdf: Bdf) => void): Disposable {
    this.#allOnes = ask;
    return { [Symbol.dispose]: () => void (this.#allOnes = this.#allOnes === ask ? undefined : this.#allOnes) };
  }

  /** A driver reads a double word of device memory at a byte offset. All ones while that is stopped, or nobody is there. */
  readMemory(bdf: string, offset: number): number {
    const address = parseBdf(bdf);
    const fn = this.#machine.functions.get(address);
    const lets = fn !== undefined && letsMemory(this.#machine, fn);
    const value = lets ? (fn.memory.get(offset) ?? 0) : 0xffff_ffff;
    if (fn) this.#machine.witness.add({ kind: 'memory_access', let: lets, functions: [fn.bdf] });
    if (value === 0xffff_ffff) this.#allOnes?.(address);
    return value;
  }

  /** A driver writes; lost while that is stopped. */
  writeMemory(bdf: string, offset: number, value: number): void {
    const fn = this.#machine.functions.get(parseBdf(bdf));
    if (!fn) return;
    const lets = letsMemory(this.#machine, fn);
    if (lets) fn.memory.set(offset, value >>> 0);
    this.#machine.witness.add({ kind: 'memory_access', let: lets, functions: [fn.bdf] });
  }

  /** A function tries to reach main memory. False: its DMA is stopped. */
  dma(bdf: string): boolean {
    const fn = this.#at(bdf);
    const lets = letsDma(this.#machine, fn);
    this.#machine.witness.add({ kind: 'dma', let: lets, functions: [fn.bdf] });
    return lets;
  }

  /** A PE freezes: the one of this function. @throws PciRecoveryError `ERR_PCI_SIM_NO_FUNCTION`, `ERR_PCI_BAD_BDF`. */
  freeze(bdf: string, { mmio = true, dma = true, reported = false }: FreezeOptions = {}): void {
    const { pe } = this.#at(bdf);
    const bridge = this.#machine.bridges.get(pe.phb)!;
    if (bridge.state !== 'working') return;
    freezePe(this.#machine, pe, { mmio, dma });
    if (reported) reportError(this.#machine, bridge, 'PE', 'PE_ER', pe.number);
  }

  /** A host bridge is fenced: everything below it stops until a complete reset. @throws `ERR_PCI_SIM_NO_FUNCTION`. */
  fence(phb: number, { reported = true }: Pick<FreezeOptions, 'reported'> = {}): void {
    const bridge = this.#bridge(phb);
    stopHostBridge(this.#machine, bridge, 'fenced');
    if (reported && bridge.state === 'fenced') reportError(this.#machine, bridge, 'PHB', 'PHB_FENCED');
  }

  /** A host bridge dies. @throws as {@link fence}. */
  kill(phb: number): void {
    const bridge = this.#bridge(phb);
    stopHostBridge(this.#machine, bridge, 'dead');
    reportError(this.#machine, bridge, 'PHB', 'PHB_DEAD');
  }

  /** The hub dies, and all host bridges with it. */
  killHub(): void {
    for (const bridge of this.#machine.bridges.values()) stopHostBridge(this.#machine, bridge, 'dead');
    const [first] = this.#machine.bridges.values();
    if (first) reportError(this.#machine, first, 'IOC', 'IOC_DEAD');
  }

  /** A host bridge has something to say that needs no recovery. @throws as {@link fence}. */
  inform(phb: number): void {
    reportError(this.#machine, this.#bridge(phb), 'PHB', 'INFORMATIVE');
  }

  /** Firmware reports any codes (garbled, unknown). @throws as {@link fence}. */
  report(phb: number, codes: { readonly error: number; readonly severity: number; readonly pe: number }): void {
    this.#bridge(phb).errors.push(codes);
    this.#machine.interrupts.raise();
  }

  /** The state of a function's PE is unavailable for some time (milliseconds), or for good. @throws as {@link freeze}. */
  makeUnavailable(bdf: string, ms: number): void {
    const { pe } = this.#at(bdf);
    if (ms === Infinity) pe.lost = true;
    else pe.unavailableUntil = this.#machine.clock.monotonic() + ms * NS_PER_MS;
  }

  /** The card is pulled out. `noticed` false: software still believes it is there. @throws as {@link freeze}. */
  pull(bdf: string, { noticed = false }: { readonly noticed?: boolean } = {}): void {
    const fn = this.#at(bdf);
    fn.there = false;
    this.#machine.witness.add({ kind: 'pulled', functions: [fn.bdf] });
    if (noticed) this.remove(fn.bdf);
  }

  /** A card is put in and found. @throws as {@link freeze}. */
  put(bdf: string): void {
    const fn = this.#at(bdf);
    fn.there = true;
    fn.registers.reset();
    fn.memory.clear();
    this.#machine.witness.add({ kind: 'put', functions: [fn.bdf] });
    this.rescan(fn.pe.phb, bdfParts(fn.bdf).bus);
  }

  /** Something is to go wrong, until the script is disposed or used up. @throws PciRecoveryError `ERR_PCI_BAD_BDF`. */
  script(fault: EehFault): Disposable {
    if ('bdf' in fault) this.#at(fault.bdf);
    return this.#machine.faults.add(fault);
  }

  /** Whether a function would answer a configuration request now. Changes nothing. */
  answers(bdf: string): boolean {
    const fn = this.#machine.functions.get(parseBdf(bdf));
    return fn !== undefined && answers(this.#machine, fn);
  }

  /** The freeze bits of a function's PE. @throws as {@link freeze}. */
  frozen(bdf: string): { readonly mmio: boolean; readonly dma: boolean } {
    const { mmioFrozen: mmio, dmaFrozen: dma } = this.#at(bdf).pe;
    return { mmio, dma };
  }

  #at(bdf: string): SimulatedFunction {
    const fn = this.#machine.functions.get(parseBdf(bdf));
    if (fn) return fn;
    throw new PciRecoveryError('ERR_PCI_SIM_NO_FUNCTION', `The machine has no function at ${bdf}.`, {
      context: { bdf },
    });
  }

  #bridge(phb: number): SimulatedHostBridge {
    const bridge = this.#machine.bridges.get(phb);
    if (bridge) return bridge;
    throw new PciRecoveryError('ERR_PCI_SIM_NO_FUNCTION', `The machine has no host bridge ${phb}.`, {
      context: { phb },
    });
  }
}

/**
 * Builds a simulated machine from its description.
 * @throws PciRecoveryError `ERR_PCI_SIM_BAD_MACHINE` (bus numbers that do not fit, an address twice), `ERR_PCI_BAD_BDF`.
 */
export const simulateEeh = (description: EehMachineDescription): SimulatedEehHardware =>
  new SimulatedEehHardware(buildMachine(description));
