import { parseBdf, type Bdf, type Stoppable } from '@pci-recovery/core';
import { COMMAND, PCI_HEADER, SRIOV, SRIOV_CONTROL } from '@pci-recovery/pci';
import { type PciTopology } from '@pci-recovery/pci/topology';
import { type AerHostPort, type ConfigWidth } from '../port.js';
import { type BusFact } from './bus-log.js';
import { readSlowly, writeRegister } from './config-access.js';
import { detectErrors, type SentMessage } from './errors/detect.js';
import { type Detection } from './errors/detection.js';
import { type HardwareFault } from './faults.js';
import { BLOCK, SILENT } from './machine/blocks.js';
import { type AnyDescription, type MachineDescription } from './machine/description.js';
import { plugFunction, removeFunction } from './machine/hotplug.js';
import { buildMachine, type Machine } from './machine/machine.js';
import { type SimulatedFunction } from './machine/simulated-function.js';
import { freeze, linkDown, releaseBelow } from './resets/bus-reset.js';
import { loseMemory } from './resets/function-state.js';

type Uevent = Parameters<NonNullable<AerHostPort['uevent']>>[1];

/**
 * A simulated machine with AER, exact to the bit where software can see it (PCIe r6.1 §6.2, §6.6, §7.5, §7.8.4). Software
 * uses it through {@link AerHostPort}; the other methods are what happens to hardware from outside.
 */
export class SimulatedHardware implements AerHostPort {
  readonly nativeAer: boolean;
  readonly #machine: Machine;

  /** Made by `simulate` or `simulateFromDump`. */
  constructor(machine: Machine, nativeAer: boolean) {
    this.#machine = machine;
    this.nativeAer = nativeAer;
    machine.whenReady = (fn) => {
      const again = machine.faults.strike('error_when_ready', fn.bdf);
      if (again) detectErrors(machine, fn, again.detection);
    };
  }

  get topology(): PciTopology {
    return this.#machine.topology;
  }

  /** The generation of the latest function at an address; 0 where there never was one. */
  generationOf(bdf: Bdf): number {
    return this.#machine.functions.get(bdf)?.generation ?? 0;
  }

  /** All ones also for what is not aligned, beyond the end, or no whole number. */
  readConfig(bdf: Bdf, offset: number, width: ConfigWidth): number {
    const machine = this.#machine;
    const fn = machine.functions.get(bdf);
    if (fn === undefined || fn.blocks !== 0 || machine.log.reads) return readSlowly(machine, bdf, offset, width);
    return fn.read(offset, width);
  }

  /** Lost also for what is not aligned, beyond the end, or no whole number. */
  writeConfig(bdf: Bdf, offset: number, width: ConfigWidth, value: number): void {
    writeRegister(this.#machine, bdf, offset, width, value);
  }

  interrupts(options: Stoppable): AsyncGenerator<Bdf, void, void> {
    return this.#machine.interrupts.listen(options);
  }

  uevent(bdf: Bdf, event: Uevent): void {
    this.#machine.log.add(bdf, { kind: 'uevent', event });
  }

  /** The witness: what happened on the buses, oldest first. */
  get log(): readonly BusFact[] {
    return this.#machine.log.facts;
  }

  /** How many of the oldest facts the log has dropped. */
  get logDropped(): number {
    return this.#machine.log.dropped;
  }

  /** Empties the log. */
  clearLog(): void {
    this.#machine.log.clear();
  }

  /**
   * A function detects errors: it logs them and sends messages, which travel at once.
   * @returns the messages that it sent, lost ones included; none when all is masked or disabled.
   * @throws PciRecoveryError `ERR_PCI_SIM_NO_FUNCTION`, `ERR_PCI_SIM_CANNOT_DETECT`, `ERR_PCI_SIM_UNKNOWN_ERROR`,
   *   `ERR_PCI_SIM_BAD_LOG`, `ERR_PCI_SIM_NO_ERROR`, `ERR_PCI_BAD_BDF`.
   */
  detect(bdf: string, detection: Detection): readonly SentMessage[] {
    return detectErrors(this.#machine, this.#machine.at(bdf), detection);
  }

  /**
   * Something is to go wrong, until the script is disposed or used up.
   * @throws PciRecoveryError `ERR_PCI_SIM_NO_FUNCTION`, `ERR_PCI_BAD_BDF`.
   */
  script(fault: HardwareFault): Disposable {
    const fn = this.#machine.at(fault.bdf);
    const { faults } = this.#machine;
    const entry = faults.add(fn.bdf, fault);
    this.#watch(fn);
    return {
      [Symbol.dispose]: () => {
        entry[Symbol.dispose]();
        this.#watch(fn);
      },
    };
  }

  /** A function hangs: all ones until a reset reaches it. @throws as {@link script}. */
  freeze(bdf: string): void {
    freeze(this.#machine, this.#machine.at(bdf));
  }

  /** The link below a port goes down, which resets what is below; it stays down. @throws as {@link script}. */
  linkDown(bdf: string): void {
    linkDown(this.#machine, this.#machine.at(bdf));
  }

  /** The link below a port comes up again, unless software holds it down. @throws as {@link script}. */
  linkUp(bdf: string): void {
    releaseBelow(this.#machine, this.#machine.at(bdf));
  }

  /**
   * Surprise removal of a function with everything below it. `noticed` false: software still believes it is there.
   * @throws as {@link script}.
   */
  remove(bdf: string, { noticed = true }: { readonly noticed?: boolean } = {}): void {
    removeFunction(this.#machine, this.#machine.at(bdf), noticed);
  }

  /**
   * Plugs a function in below a port: the address has a new generation. `configured` as in `simulate`; default: as there.
   * @throws as {@link script}; `ERR_PCI_SIM_BAD_MACHINE` when it cannot be there.
   */
  plug(port: string, description: AnyDescription, options: { readonly configured?: boolean } = {}): void {
    const configured = options.configured ?? this.#machine.configured;
    plugFunction(this.#machine, this.#machine.at(port), description, configured);
  }

  /** The device resets itself behind software's back: its MSI-X table is lost (R5.1). @throws as {@link script}. */
  backdoorReset(bdf: string): void {
    loseMemory(this.#machine, this.#machine.at(bdf), 'backdoor');
  }

  /**
   * A dword of device memory at a byte offset of a BAR: the MSI-X table and its pending bits, 0 elsewhere. All ones when
   * nobody answers or memory space is off. Never throws.
   */
  readMemory(bdf: Bdf, bar: number, offset: number): number {
    const fn = this.#machine.functions.get(bdf);
    return fn && decodesMemory(fn) ? (fn.vectors?.read(bar, offset) ?? 0) : 0xffff_ffff;
  }

  /** Writes a dword of device memory; lost when nobody answers, memory space is off, or no table is there. */
  writeMemory(bdf: Bdf, bar: number, offset: number, value: number): void {
    const fn = this.#machine.functions.get(bdf);
    if (!fn || !decodesMemory(fn) || fn.vectors?.write(bar, offset, value) !== true) return;
    this.#machine.log.add(bdf, { kind: 'memory_write', bar, offset, value: value >>> 0 });
  }

  /** Whether a function would answer a configuration request now. Changes nothing, counts nothing. */
  answers(bdf: string): boolean {
    const fn = this.#machine.functions.get(parseBdf(bdf));
    return fn !== undefined && (fn.blocks & SILENT) === 0;
  }

  #watch(fn: SimulatedFunction): void {
    if (this.#machine.faults.watches(fn.bdf)) fn.blocks |= BLOCK.WATCHED;
    else fn.blocks &= ~BLOCK.WATCHED;
  }
}

/** A virtual function's memory is enabled at its physical function. */
function decodesMemory(fn: SimulatedFunction): boolean {
  if ((fn.blocks & SILENT) !== 0) return false;
  if (!fn.physical) return (fn.word(PCI_HEADER.COMMAND) & COMMAND.memorySpace.mask) !== 0;
  const control = fn.physical.word(fn.physical.at.sriov + SRIOV.CONTROL);
  return (control & SRIOV_CONTROL.vfMemorySpaceEnable.mask) !== 0;
}

/**
 * Builds a simulated machine from its description.
 * @throws PciRecoveryError `ERR_PCI_SIM_BAD_MACHINE` (kind below the wrong kind, bus numbers that do not fit, an address
 *   twice, a number out of its range), `ERR_PCI_BAD_BDF`.
 */
export const simulate = (description: MachineDescription): SimulatedHardware =>
  new SimulatedHardware(buildMachine(description), description.nativeAer ?? true);
