import { PciRecoveryError } from '@pci-recovery/core';
import { type OwnedFd } from '../../seam/owned-fd.js';
import { type IrqInfo, irqInfo, PCI_IRQ } from '../../uapi/irq-info.js';
import { type IrqAction, irqSet } from '../../uapi/irq-set.js';
import { type KernelFile } from '../kernel-file.js';
import { accepted, type Meanings } from '../../seam/refused-call.js';
import { EventLine, type SignalListener } from './event-line.js';

/** The interrupts of a device; it uses one kind at a time. */
export type InterruptKind = 'intx' | 'msi' | 'msix';

/** Where an interrupt goes: a descriptor of the caller's, one of ours with listeners, or nowhere. */
type Target = OwnedFd | EventLine | undefined;

/** What is set up now, by us. */
interface Table {
  readonly kind: InterruptKind;
  readonly targets: Target[];
  /** The kernel has it. It has not after a disable whose enable failed. */
  armed: boolean;
}

const MEANINGS: Meanings = {
  EINVAL: {
    advice:
      'the device has no such interrupts, or another kind of them is in use (by another holder of the device, too): disable that first.',
  },
  ENOMEM: {
    advice: 'the platform gives the device no vectors; on s390 also while it is in the error state: reset it first.',
  },
};

const numberOf = (target: Target): number =>
  target === undefined ? -1 : target instanceof EventLine ? target.fd.raw : target.raw;

const bad = (what: string, value: number): PciRecoveryError =>
  new PciRecoveryError('ERR_PCI_BAD_INTERRUPT', `${what} cannot be ${value}.`, { context: { what, value } });

/**
 * INTx, MSI and MSI-X of a device (VFIO_DEVICE_SET_IRQS; drivers/vfio/pci/vfio_pci_intrs.c).
 *
 * A reset takes the device's message addresses and enable bits away while the kernel believes that all is as it was: the
 * vectors are written anew only when they are enabled (vfio_msi_set_vector_signal; R5.2), so {@link rearm} switches them
 * off and on.
 */
export class DeviceInterrupts implements AsyncDisposable {
  readonly #file: KernelFile;
  readonly #own = new Set<EventLine>();
  #table: Table | undefined;

  constructor(file: KernelFile) {
    this.#file = file;
  }

  /** What there is of an index. */
  info(index: number): IrqInfo {
    const buffer = irqInfo.encodeRequest(index);
    this.#file.check(irqInfo.request, this.#file.ioctl(irqInfo.request, buffer), { index });
    return irqInfo.decodeReply(buffer, index);
  }

  /**
   * Connects all vectors of a kind, from 0 on, to eventfds of the caller, who keeps them open while they are in use.
   * @throws PciRecoveryError `ERR_PCI_INTERRUPTS_IN_USE` while another kind is set up; `ERR_PCI_LIMIT` when the platform
   * has fewer vectors; what the kernel refused
   */
  set(kind: InterruptKind, eventfds: readonly (OwnedFd | undefined)[]): void {
    this.#file.mustBeOpen();
    if (eventfds.length === 0) throw bad('A number of eventfds', 0);
    if (this.#table?.kind === kind) this.disable(kind);
    this.#apply({ kind, targets: [...eventfds], armed: false });
  }

  /**
   * Told of a vector's interrupts, with how many there were, until disposed. The first listener sets the vector up, with an
   * eventfd of our own; it stays set up until {@link disable}. Where the kernel cannot add vectors while others are in use
   * (`noresize`), all are switched off and on: an interrupt in that moment is lost. INTx is masked when it comes: unmask it.
   */
  listen(kind: InterruptKind, vector: number, listener: SignalListener): Disposable {
    this.#file.mustBeOpen();
    if (!Number.isInteger(vector) || vector < 0 || vector > 2047) throw bad('A vector', vector);
    const there = this.#table?.kind === kind ? this.#table.targets[vector] : undefined;
    if (there !== undefined && !(there instanceof EventLine)) {
      throw this.#inUse(`Vector ${vector} of ${kind} goes to an eventfd of the caller: read that one.`);
    }
    return (there ?? this.#add(kind, vector)).listen(listener);
  }

  /** Masks, unmasks or (loopback, for tests) triggers interrupts at once. Only INTx can be masked through VFIO. */
  act(action: IrqAction, kind: InterruptKind, { start = 0, count = 1 }: { start?: number; count?: number } = {}): void {
    const result = this.#file.ioctl(irqSet.request, irqSet.none({ index: PCI_IRQ[kind], start, action }, count));
    this.#accept(result, kind);
  }

  /**
   * Switches all interrupts of a kind off and detaches their eventfds; nothing where none are set up. Listeners are told
   * nothing any more: they begin anew with {@link listen}.
   */
  disable(kind: InterruptKind): void {
    const table = this.#table;
    if (table?.kind !== kind) return;
    if (table.armed) this.#accept(this.#file.ioctl(irqSet.request, irqSet.disable(PCI_IRQ[kind])), kind);
    this.#table = undefined;
    for (const target of table.targets) if (target instanceof EventLine) this.#giveBack(target);
  }

  /**
   * Off, then on with the same eventfds; nothing where none are set up. When the second half fails they stay off, and the
   * next call tries again.
   */
  rearm(): void {
    this.#file.mustBeOpen();
    if (this.#table === undefined) return;
    this.#off(this.#table);
    this.#on(this.#table);
  }

  /** Gives everything back. Before the device is closed, after its last call. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#table?.armed) this.#file.lastIoctl(irqSet.request, irqSet.disable(PCI_IRQ[this.#table.kind]));
    this.#table = undefined;
    await Promise.all([...this.#own].map((line) => line[Symbol.asyncDispose]()));
    this.#own.clear();
  }

  #add(kind: InterruptKind, vector: number): EventLine {
    const line = new EventLine(this.#file.syscalls, `eventfd of ${kind} ${vector} of ${this.#file.what}`);
    this.#own.add(line);
    try {
      this.#connect(kind, vector, line);
    } catch (error) {
      this.#giveBack(line);
      throw error;
    }
    return line;
  }

  /** Closes an eventfd of ours, in a thread; the close of all waits for it. */
  #giveBack(line: EventLine): void {
    const closed = line[Symbol.asyncDispose]().finally(() => this.#own.delete(line));
    closed.catch(() => undefined);
  }

  #connect(kind: InterruptKind, vector: number, line: EventLine): void {
    const table = this.#table;
    if (table?.kind !== kind) {
      const targets = Array.from({ length: vector + 1 }, (_, at) => (at === vector ? line : undefined));
      return this.#apply({ kind, targets, armed: false });
    }
    const longer = vector >= table.targets.length;
    if (longer && this.info(PCI_IRQ[kind]).flags.has('noresize')) return this.#lengthen(table, vector, line);
    const request = irqSet.eventfds({ index: PCI_IRQ[kind], start: vector }, [line.fd.raw]);
    this.#accept(this.#file.ioctl(irqSet.request, request), kind);
    while (table.targets.length < vector) table.targets.push(undefined);
    table.targets[vector] = line;
  }

  /** With one more vector; as before when that is refused. */
  #lengthen(table: Table, vector: number, line: EventLine): void {
    const targets = Array.from({ length: vector + 1 }, (_, at) => (at === vector ? line : table.targets[at]));
    this.#off(table);
    try {
      this.#apply({ kind: table.kind, targets, armed: false });
    } catch (error) {
      this.#on(table);
      throw error;
    }
  }

  #apply(table: Table): void {
    const other = this.#table;
    if (other !== undefined && other.kind !== table.kind) {
      throw this.#inUse(`${other.kind} is in use: disable it before ${table.kind} is set up.`);
    }
    this.#on(table);
    this.#table = table;
  }

  #off(table: Table): void {
    if (!table.armed) return;
    this.#accept(this.#file.ioctl(irqSet.request, irqSet.disable(PCI_IRQ[table.kind])), table.kind);
    table.armed = false;
  }

  #on(table: Table): void {
    const request = irqSet.eventfds({ index: PCI_IRQ[table.kind] }, table.targets.map(numberOf));
    this.#accept(this.#file.ioctl(irqSet.request, request), table.kind, table.targets.length);
    table.armed = true;
  }

  /** @param wanted a result above 0 says how many vectors there are instead (vfio_msi_enable) */
  #accept(result: number, kind: InterruptKind, wanted = 0): void {
    accepted(irqSet.request, result, { ...this.#file.context, kind }, MEANINGS);
    if (result === 0) return;
    throw new PciRecoveryError(
      'ERR_PCI_LIMIT',
      `The platform has ${result} vectors for ${kind}, not ${wanted}: set up at most ${result}.`,
      { context: { ...this.#file.context, kind, wanted, available: result } },
    );
  }

  #inUse(message: string): PciRecoveryError {
    return new PciRecoveryError('ERR_PCI_INTERRUPTS_IN_USE', message, { context: this.#file.context });
  }
}
