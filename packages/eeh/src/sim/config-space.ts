import { type Bdf } from '@pci-recovery/core';
import { BRIDGE_CONTROL, PCI_HEADER } from '@pci-recovery/pci';
import { type ConfigWidth } from '../port.js';
import { letsConfig } from './access.js';
import { functionsBelow, type Machine, type SimulatedFunction } from './machine.js';
import { assertReset, releaseReset, type OpenReset } from './resets.js';

const ONES: Readonly<Record<ConfigWidth, number>> = { 1: 0xff, 2: 0xffff, 4: 0xffff_ffff };

const fits = (offset: number, width: number): boolean =>
  (offset | 0) === offset && offset >= 0 && offset + width <= 4096 && (offset & (width - 1)) === 0;

/** Configuration space of all functions, and the resets that writes to it start. */
export class ConfigSpace {
  readonly #machine: Machine;
  readonly #busResets = new Map<SimulatedFunction, OpenReset>();

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** All ones where nobody answers. */
  read(bdf: Bdf, offset: number, width: ConfigWidth): number {
    return this.#reached(bdf, offset, width)?.registers.read(offset, width) ?? ONES[width];
  }

  /** Lost where nobody answers. */
  write(bdf: Bdf, offset: number, width: ConfigWidth, value: number): void {
    const fn = this.#reached(bdf, offset, width);
    if (!fn) return;
    fn.registers.write(offset, width, value);
    if (fn.secondary !== undefined) this.#busReset(fn);
    else if (fn.registers.takeFunctionReset()) releaseReset(this.#machine, assertReset(this.#machine, 'flr', [fn]));
  }

  #reached(bdf: Bdf, offset: number, width: ConfigWidth): SimulatedFunction | undefined {
    const fn = this.#machine.functions.get(bdf);
    return fn && fits(offset, width) && letsConfig(this.#machine, fn) ? fn : undefined;
  }

  /** Secondary Bus Reset in Bridge Control. */
  #busReset(bridge: SimulatedFunction): void {
    const control = bridge.registers.read(PCI_HEADER.BRIDGE_CONTROL, 2);
    const asserted = (control & BRIDGE_CONTROL.secondaryBusReset.mask) !== 0;
    const open = this.#busResets.get(bridge);
    if (asserted && !open) {
      this.#busResets.set(bridge, assertReset(this.#machine, 'bus', functionsBelow(bridge)));
    } else if (!asserted && open) {
      this.#busResets.delete(bridge);
      releaseReset(this.#machine, open);
    }
  }
}
