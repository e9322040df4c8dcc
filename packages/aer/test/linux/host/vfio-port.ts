import { PciRecoveryError, type Bdf, type Stoppable } from '@pci-recovery/core';
import { type HotResetScope, type VfioDevicePort } from '@pci-recovery/core/linux';
import { AT, vfioControlWrite, vfioSilence, vfioWrite, VIRTUAL_CONTROL } from './config-image.js';
import { type FakeKernel } from './kernel.js';
import { type FakeFunction } from './machine.js';

export const errno = (name: string): PciRecoveryError =>
  new PciRecoveryError('ERR_PCI_SYSCALL', `The kernel answers ${name}.`, { context: { errno: name } });

/** What a device's holder did to it. */
export interface Deed {
  readonly time: number;
  readonly what: 'write' | 'hot_reset' | 'rearm';
  readonly bdf: Bdf;
  readonly offset?: number;
  /** The host recovered it at that moment, and its holder could know. */
  readonly duringRecovery: boolean;
}

/** A device held through VFIO on a fake host. */
export class FakeVfioPort implements VfioDevicePort {
  readonly bdf: Bdf;
  readonly deeds: Deed[] = [];
  /** What a hot reset answers, one errno after the other; empty: it works. */
  readonly refusals: string[] = [];
  hotResetAllowed: HotResetScope['allowed'] = true;
  /** Configuration accesses fail, or never end. */
  broken: Error | 'hangs' | undefined;
  /** Registers that the device does not take, byte offsets. */
  readonly stubborn = new Set<number>();
  readonly #kernel: FakeKernel;
  readonly #fn: FakeFunction;
  #listeners = new Set<(signals: number) => void>();
  readonly #requested = new Set<() => void>();
  #count = 0;
  /** VFIO's own bits of Device Control: the hardware's when the device was opened. */
  #control: number;

  constructor(kernel: FakeKernel, fn: FakeFunction) {
    this.#kernel = kernel;
    this.#fn = fn;
    this.bdf = fn.bdf;
    this.#control = fn.view.getUint16(AT.devctl, true) & VIRTUAL_CONTROL;
    kernel.eventfds.set(fn.bdf, (arrived) => this.signal(1, arrived));
  }

  get listening(): number {
    return this.#listeners.size + this.#requested.size;
  }

  /** The eventfd is signalled; readers get the sum of what has not been read yet. */
  signal(times = 1, arrived: () => void = () => undefined): void {
    this.#count += times;
    this.#kernel.clock.after(this.#kernel.delays.eventfd(), () => {
      arrived();
      const signals = this.#count;
      this.#count = 0;
      if (signals > 0) for (const listener of this.#listeners) listener(signals);
    });
  }

  async readConfig(offset: number, length: number): Promise<Uint8Array> {
    await this.#access();
    if (!this.#fn.answers || !this.#fn.present) return vfioSilence(this.#fn.image).slice(offset, offset + length);
    const image = this.#fn.image.slice();
    const physical = this.#fn.view.getUint16(AT.devctl, true);
    new DataView(image.buffer).setUint16(AT.devctl, (physical & ~VIRTUAL_CONTROL) | this.#control, true);
    return image.slice(offset, offset + length);
  }

  async writeConfig(offset: number, bytes: Uint8Array): Promise<void> {
    this.#did('write', offset);
    await this.#access();
    if (!this.#fn.answers || this.stubborn.has(offset)) return;
    if (offset === AT.devctl) {
      this.#control = vfioControlWrite(this.#fn.view, this.#control, bytes[0]! | (bytes[1]! << 8));
    }
    vfioWrite(this.#fn.view, offset, bytes);
  }

  onError(listener: (signals: number) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  onRequest(listener: () => void): Disposable {
    this.#requested.add(listener);
    return { [Symbol.dispose]: () => void this.#requested.delete(listener) };
  }

  /** The host wants the device back. */
  request(): void {
    for (const listener of this.#requested) listener();
  }

  async reset(): Promise<void> {
    throw errno('ENOTTY');
  }

  async rearmInterrupts(): Promise<void> {
    this.#did('rearm');
    this.#fn.view.setUint16(AT.msixControl, 0x8003, true);
  }

  async hotResetScope(): Promise<HotResetScope> {
    const siblings = this.#siblings().map(({ bdf }) => ({ bdf, owned: this.hotResetAllowed === true }));
    return { members: siblings, allowed: this.hotResetAllowed };
  }

  /**
   * Tries again while the host's recovery holds the device, as a port does. The kernel saves and restores what it finds
   * (drivers/pci/pci.c:pci_bus_save_and_disable_locked, pci_bus_restore_locked).
   */
  async hotReset({ signal }: Stoppable): Promise<void> {
    this.#did('hot_reset');
    const refusal = this.refusals.shift();
    if (refusal !== undefined) throw errno(refusal);
    while (this.#kernel.recovering(this.bdf)) {
      if (signal.aborted) throw errno('EAGAIN');
      await new Promise<void>((resolve) => this.#kernel.clock.after(5, resolve));
    }
    for (const fn of this.#siblings()) fn.uncorrectable = 0;
    const saved = this.#siblings().map((fn) => [fn, fn.image.slice()] as const);
    if (!(await this.#kernel.resetLink(this.#siblings()))) throw errno('ENOTTY');
    for (const [fn, image] of saved) fn.image.set(image);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listeners.clear();
  }

  #siblings(): FakeFunction[] {
    return this.#kernel.machine.below(this.#fn.parent!);
  }

  async #access(): Promise<void> {
    if (this.broken === 'hangs') await new Promise(() => undefined);
    if (this.broken instanceof Error) throw this.broken;
    await this.#kernel.reachable(this.bdf);
  }

  #did(what: Deed['what'], offset?: number): void {
    const duringRecovery = this.#kernel.knownToRecover(this.bdf) !== undefined;
    const time = this.#kernel.clock.monotonic();
    this.deeds.push({ time, what, bdf: this.bdf, ...(offset === undefined ? {} : { offset }), duringRecovery });
  }
}
