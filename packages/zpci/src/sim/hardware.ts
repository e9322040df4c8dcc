import { type Bdf, type Stoppable } from '@pci-recovery/core';
import { AVAILABILITY } from '../ccdf/index.js';
import { type FunctionState } from '../platform/zpci-function.js';
import {
  type ConfigWidth,
  type ModifyControl,
  type SetControl,
  type ZpciHostPort,
  type ZpciNotification,
} from '../port.js';
import { type HardwareFault } from './faults.js';
import { type FunctionDescription, type ZpciMachineDescription } from './machine/description.js';
import {
  accessMemory,
  detectError,
  type DmaAccess,
  type DmaOutcome,
  type ErrorDetails,
} from './machine/error-state.js';
import * as firmware from './machine/firmware.js';
import { Machine } from './machine/machine.js';
import { PAGE_SHIFT } from './machine/simulated-function.js';
import { type ZpciFact } from './witness-log.js';

/** A function as it really is. */
export interface FunctionInspection {
  readonly state: FunctionState;
  readonly fh: number;
  readonly enabled: boolean;
  readonly error: boolean;
  readonly blocked: boolean;
  readonly permanent: boolean;
  /** DMA translation is registered. */
  readonly translated: boolean;
}

/** All ones of a width in bytes. */
const ones = (width: ConfigWidth): number => 2 ** (8 * width) - 1;

/**
 * A simulated machine with zPCI functions and their firmware. Software uses it through {@link ZpciHostPort}; the other
 * methods are what happens to hardware from outside.
 */
export class SimulatedZpci implements ZpciHostPort {
  readonly #machine: Machine;

  /** Made by {@link simulateZpci}. */
  constructor(machine: Machine) {
    this.#machine = machine;
  }

  notifications(options: Stoppable): AsyncGenerator<ZpciNotification, void, void> {
    return this.#machine.notifications.listen(options);
  }

  list(): ReturnType<ZpciHostPort['list']> {
    return firmware.list(this.#machine);
  }

  query(fh: number): ReturnType<ZpciHostPort['query']> {
    return firmware.query(this.#machine, fh);
  }

  set(fh: number, control: SetControl): ReturnType<ZpciHostPort['set']> {
    return firmware.set(this.#machine, fh, control);
  }

  modify(fh: number, control: ModifyControl): ReturnType<ZpciHostPort['modify']> {
    return firmware.modify(this.#machine, fh, control);
  }

  controls(fh: number): ReturnType<ZpciHostPort['controls']> {
    return firmware.controls(this.#machine, fh);
  }

  deconfigure(fid: number): boolean {
    return firmware.deconfigure(this.#machine, fid);
  }

  usesInterrupts(bdf: Bdf): boolean {
    return this.#machine.atBdf(bdf)?.interrupts ?? false;
  }

  driverOf(bdf: Bdf): string | undefined {
    return this.#machine.atBdf(bdf)?.driver;
  }

  /** All ones also for what is not aligned, or beyond the end. */
  readConfig(bdf: Bdf, offset: number, width: ConfigWidth): number {
    const fn = this.#machine.atBdf(bdf);
    return fn?.answers ? fn.config.read(offset, width) : ones(width);
  }

  /** Lost also for what is not aligned, or beyond the end. */
  writeConfig(bdf: Bdf, offset: number, width: ConfigWidth, value: number): void {
    const fn = this.#machine.atBdf(bdf);
    if (!fn?.answers) return;
    fn.config.write(offset, width, value);
    if (this.#machine.log.writes) this.#machine.log.add(fn, { kind: 'config_write', offset, width, value });
  }

  uevent(bdf: Bdf, event: Parameters<NonNullable<ZpciHostPort['uevent']>>[1]): void {
    const fn = this.#machine.atBdf(bdf);
    if (fn) this.#machine.log.add(fn, { kind: 'uevent', event });
  }

  /** A 32-bit register at a byte offset of its first base address; all ones when nobody answers. Never throws. */
  readMemory(bdf: Bdf, offset: number): number {
    const fn = this.#machine.atBdf(bdf);
    return fn?.answers ? (fn.memory.get(offset) ?? 0) : 0xffff_ffff;
  }

  /** Lost when nobody answers. */
  writeMemory(bdf: Bdf, offset: number, value: number): void {
    const fn = this.#machine.atBdf(bdf);
    if (fn?.answers) fn.memory.set(offset, value >>> 0);
  }

  /** The witness: what happened at the machine, oldest first. */
  get log(): readonly ZpciFact[] {
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

  /** How a function really is; undefined when there is none. Changes nothing, counts nothing. */
  inspect(fid: number): FunctionInspection | undefined {
    const fn = this.#machine.byFid(fid);
    if (!fn) return undefined;
    const { state, fh, enabled, error, blocked, permanent, translated } = fn;
    return { state, fh, enabled, error, blocked, permanent, translated };
  }

  /**
   * A function detects an error: it is blocked, and firmware reports it.
   * @throws PciRecoveryError `ERR_PCI_SIM_NO_FUNCTION`; `ERR_PCI_BAD_CCDF_FIELD` for a field out of its range.
   */
  detect(fid: number, details: ErrorDetails = {}): void {
    detectError(this.#machine, this.#machine.need(fid), details);
  }

  /** Lets DMA reach whole pages of 4 KiB, until the mapping is taken away. @throws `ERR_PCI_SIM_NO_FUNCTION` */
  map(fid: number, address: bigint, length: bigint): Disposable {
    const { mapped } = this.#machine.need(fid);
    const pages: bigint[] = [];
    for (let page = address >> PAGE_SHIFT; page << PAGE_SHIFT < address + length; page++) pages.push(page);
    for (const page of pages) mapped.add(page);
    return { [Symbol.dispose]: () => pages.forEach((page) => mapped.delete(page)) };
  }

  /** The device does DMA; what it may not reach is an error. @throws `ERR_PCI_SIM_NO_FUNCTION` */
  dma(fid: number, access: DmaAccess): DmaOutcome {
    return accessMemory(this.#machine, this.#machine.need(fid), access);
  }

  /** Something is to go wrong, until the script is disposed or used up. */
  script(fault: HardwareFault): Disposable {
    return this.#machine.faults.add(fault);
  }

  /** A notification of whatever content, as it is: for firmware that talks nonsense. */
  notify(notification: ZpciNotification): void {
    this.#machine.notifications.raise(notification);
  }

  /**
   * A new function comes, configured or standby (0x301, 0x302), without being enabled.
   * @throws PciRecoveryError `ERR_PCI_SIM_BAD_MACHINE`
   */
  plug(description: FunctionDescription): void {
    const fn = this.#machine.add({ enabled: false, ...description });
    this.#machine.reportAvailability(fn, fn.state === 'configured' ? AVAILABILITY.CONFIGURED : AVAILABILITY.STANDBY);
  }

  /** A standby or reserved function is configured (0x301), or a reserved one becomes standby (0x302). @throws as {@link map} */
  make(fid: number, state: 'configured' | 'standby'): void {
    const fn = this.#machine.need(fid);
    this.#machine.setState(fn, state);
    this.#machine.reportAvailability(fn, state === 'configured' ? AVAILABILITY.CONFIGURED : AVAILABILITY.STANDBY);
  }

  /** The platform wants a function back (0x303). @throws as {@link map} */
  requestDeconfiguration(fid: number): void {
    this.#machine.reportAvailability(this.#machine.need(fid), AVAILABILITY.DECONFIGURATION_REQUESTED);
  }

  /** A function is taken away without asking (0x304). @throws as {@link map} */
  takeAway(fid: number, to: 'standby' | 'reserved' = 'standby'): void {
    const fn = this.#machine.need(fid);
    fn.enabled = false;
    fn.silentlyDisabled = false;
    fn.permanent = false;
    fn.loseState();
    this.#machine.setState(fn, to);
    this.#machine.reportAvailability(fn, AVAILABILITY.HARD_DECONFIGURED);
  }

  /** A standby function is given to somebody else (0x308). @throws as {@link map} */
  reserve(fid: number): void {
    const fn = this.#machine.need(fid);
    this.#machine.setState(fn, 'reserved');
    this.#machine.reportAvailability(fn, AVAILABILITY.RESERVED);
  }

  /** States change without a word about each: 0x306 is all that is said. @throws as {@link map} */
  change(states: Readonly<Record<number, FunctionState>>): void {
    let last = undefined as ReturnType<Machine['byFid']>;
    for (const [fid, state] of Object.entries(states))
      this.#machine.setState((last = this.#machine.need(Number(fid))), state);
    if (last) this.#machine.reportAny(last);
  }

  /** For what belongs to the same machine: a kernel's VFIO. */
  get machine(): Machine {
    return this.#machine;
  }
}

/**
 * Builds a simulated machine from its description.
 * @throws PciRecoveryError `ERR_PCI_SIM_BAD_MACHINE`
 */
export const simulateZpci = (description: ZpciMachineDescription): SimulatedZpci =>
  new SimulatedZpci(new Machine(description));
