import { bdfParts, parseBdf, PciRecoveryError, type Bdf, type Stoppable } from '@pci-recovery/core';
import { COMMAND, PCI_HEADER } from '@pci-recovery/pci';
import { type PciTopology } from '@pci-recovery/pci/topology';
import { type OpalFirmware } from '../firmware/opal.js';
import { type RtasFirmware } from '../firmware/rtas.js';
import { type ConfigWidth, type EehHostPort, type HostBridge } from '../port.js';
import { type Uevent } from '../votes.js';
import { type EehMachineDescription } from './description.js';
import { type EehFault } from './faults.js';
import { freezePe, reportError, stopHostBridge } from './freezes.js';
import {
  buildMachine,
  enumerate,
  functionsBelow,
  functionsOnBus,
  type Machine,
  type SimulatedFunction,
  type SimulatedHostBridge,
} from './machine.js';
import { SimulatedOpal } from './opal.js';
import { assertReset, releaseReset, type OpenReset } from './resets.js';
import { SimulatedRtas } from './rtas.js';
import { type EehFact } from './witness.js';

const NS_PER_MS = 1e6;
const ONES: Readonly<Record<ConfigWidth, number>> = { 1: 0xff, 2: 0xffff, 4: 0xffff_ffff };
const BUS_RESET = 1 << 6;

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
  readonly #machine: Machine;
  readonly #busResets = new Map<SimulatedFunction, OpenReset>();
  #allOnes: ((bdf: Bdf) => void) | undefined;

  /** Made by {@link simulateEeh}. */
  constructor(machine: Machine) {
    this.#machine = machine;
    this.firmware = machine.flavour === 'opal' ? new SimulatedOpal(machine) : new SimulatedRtas(machine);
  }

  get hostBridges(): readonly HostBridge[] {
    return [...this.#machine.bridges.values()];
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
    const fn = this.#machine.functions.get(bdf);
    if (!fn || !fits(offset, width) || !this.#answers(fn)) return ONES[width];
    const blocked = this.#bridgeOf(fn).model === 'p7ioc' && fn.pe.mmioFrozen;
    return blocked ? ONES[width] : fn.registers.read(offset, width);
  }

  writeConfig(bdf: Bdf, offset: number, width: ConfigWidth, value: number): void {
    const fn = this.#machine.functions.get(bdf);
    if (!fn || !fits(offset, width) || !this.#answers(fn)) return;
    fn.registers.write(offset, width, value);
    if (fn.secondary !== undefined) this.#busReset(fn);
    else if (fn.registers.takeFunctionReset()) {
      releaseReset(this.#machine, assertReset(this.#machine, 'flr', [fn]));
    }
  }

  errorInterrupts(options: Stoppable): AsyncGenerator<void, void, void> {
    return this.#machine.interrupts.listen(options);
  }

  remove(bdf: Bdf): void {
    const fn = this.#machine.functions.get(bdf);
    if (!fn) return;
    for (const one of [...functionsBelow(this.#machine, fn), fn]) this.#forget(one);
    enumerate(this.#machine);
  }

  rescan(phb: number, bus: number): void {
    for (const fn of functionsOnBus(this.#machine, phb, bus)) {
      const bridgeAbove = this.#above(fn);
      if (!fn.physical && (bdfParts(fn.bdf).bus === bus || bridgeAbove?.known)) this.#learn(fn);
    }
    enumerate(this.#machine);
  }

  addVirtual(bdf: Bdf): void {
    const fn = this.#machine.functions.get(bdf);
    if (fn?.physical && this.#machine.functions.get(fn.physical)?.known) this.#learn(fn);
    enumerate(this.#machine);
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
    const fn = this.#machine.functions.get(parseBdf(bdf));
    const value = fn && this.#letsMemory(fn) ? (fn.memory.get(offset) ?? 0) : 0xffff_ffff;
    if (fn) this.#machine.witness.add({ kind: 'memory_access', let: this.#letsMemory(fn), functions: [fn.bdf] });
    if (value === 0xffff_ffff) this.#allOnes?.(parseBdf(bdf));
    return value;
  }

  /** A driver writes; lost while that is stopped. */
  writeMemory(bdf: string, offset: number, value: number): void {
    const fn = this.#machine.functions.get(parseBdf(bdf));
    if (!fn) return;
    const lets = this.#letsMemory(fn);
    if (lets) fn.memory.set(offset, value >>> 0);
    this.#machine.witness.add({ kind: 'memory_access', let: lets, functions: [fn.bdf] });
  }

  /** A function tries to reach main memory. False: its DMA is stopped. */
  dma(bdf: string): boolean {
    const fn = this.#at(bdf);
    const lets = this.#answers(fn) && !fn.pe.dmaFrozen && !this.#isMastered(fn);
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
    return fn !== undefined && this.#answers(fn);
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

  #bridgeOf(fn: SimulatedFunction): SimulatedHostBridge {
    return this.#machine.bridges.get(fn.pe.phb)!;
  }

  #above(fn: SimulatedFunction): SimulatedFunction | undefined {
    const { bus } = bdfParts(fn.bdf);
    return [...this.#machine.functions.values()].find((one) => one.pe.phb === fn.pe.phb && one.secondary === bus);
  }

  #answers(fn: SimulatedFunction): boolean {
    if (!fn.there || fn.inReset || this.#machine.clock.monotonic() < fn.silentUntil) return false;
    return this.#bridgeOf(fn).state === 'working';
  }

  #letsMemory(fn: SimulatedFunction): boolean {
    if (!this.#answers(fn) || fn.pe.mmioFrozen || fn.pe.inReset) return false;
    const decodes = (fn.registers.read(PCI_HEADER.COMMAND, 2) & COMMAND.memorySpace.mask) !== 0;
    return fn.physical !== undefined || decodes;
  }

  #isMastered(fn: SimulatedFunction): boolean {
    return !fn.physical && (fn.registers.read(PCI_HEADER.COMMAND, 2) & COMMAND.busMaster.mask) === 0;
  }

  /** Secondary Bus Reset in Bridge Control. */
  #busReset(bridge: SimulatedFunction): void {
    const asserted = (bridge.registers.read(PCI_HEADER.BRIDGE_CONTROL, 2) & BUS_RESET) !== 0;
    const open = this.#busResets.get(bridge);
    if (asserted && !open) {
      this.#busResets.set(bridge, assertReset(this.#machine, 'bus', functionsBelow(this.#machine, bridge)));
    } else if (!asserted && open) {
      this.#busResets.delete(bridge);
      releaseReset(this.#machine, open);
    }
  }

  #forget(fn: SimulatedFunction): void {
    const functions = [...this.#machine.functions.values()].filter(({ physical }) => physical === fn.bdf);
    for (const one of [...functions, fn]) {
      if (!one.known) continue;
      one.known = false;
      this.#machine.witness.add({ kind: 'removed', functions: [one.bdf] });
    }
  }

  #learn(fn: SimulatedFunction): void {
    const hidden = this.#machine.faults.strike('not_found', ({ bdf }) => parseBdf(bdf) === fn.bdf) !== undefined;
    if (fn.known || hidden || isUnprobed(fn) || !this.#answers(fn)) return;
    fn.known = true;
    fn.generation++;
    this.#machine.witness.add({ kind: 'added', functions: [fn.bdf] });
  }
}

const isUnprobed = ({ description }: SimulatedFunction): boolean =>
  description.kind === 'endpoint' && description.unprobed === true;

const fits = (offset: number, width: number): boolean =>
  Number.isInteger(offset) && offset >= 0 && offset + width <= 4096 && offset % width === 0;

/**
 * Builds a simulated machine from its description.
 * @throws PciRecoveryError `ERR_PCI_SIM_BAD_MACHINE` (bus numbers that do not fit, an address twice), `ERR_PCI_BAD_BDF`.
 */
export const simulateEeh = (description: EehMachineDescription): SimulatedEehHardware =>
  new SimulatedEehHardware(buildMachine(description));
