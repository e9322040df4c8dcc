import { type Bdf } from '@pci-recovery/core';
import { PCI_HEADER, PCIE, ROOT_CONTROL } from '@pci-recovery/pci';
import { type ConfigWidth } from '../port.js';
import { BLOCK, SILENT } from './machine/blocks.js';
import { removeFunction } from './machine/hotplug.js';
import { type Machine } from './machine/machine.js';
import { ONES, type SimulatedFunction } from './machine/simulated-function.js';
import { act } from './register-effects.js';

/** What the vendor id of a busy function reads as where that is made visible (PCIe r6.1 §2.3.1). */
const BUSY_VENDOR = 0x0001;

/** Whether an access gets an answer: scripts first, which may take the function away. */
function answers(machine: Machine, fn: SimulatedFunction): boolean {
  if ((fn.blocks & BLOCK.WATCHED) === 0 || (fn.blocks & SILENT) !== 0) return (fn.blocks & SILENT) === 0;
  const { faults } = machine;
  const removal = faults.countDown('removed_at_access', fn.bdf);
  if (removal) removeFunction(machine, fn, removal.noticed === true);
  const silent = faults.countDown('silent_from_access', fn.bdf) !== undefined;
  if (!faults.watches(fn.bdf)) fn.blocks &= ~BLOCK.WATCHED;
  return !silent && (fn.blocks & SILENT) === 0;
}

/** A busy function shows that in its vendor id, where the root port makes it visible (PCIe r6.1 §2.3.1). */
function showsBusy(fn: SimulatedFunction, offset: number, width: ConfigWidth): boolean {
  if (offset !== PCI_HEADER.VENDOR_ID || width === 1 || (fn.blocks & SILENT) !== BLOCK.INITIALIZING) return false;
  let top = fn.parent;
  while (top?.parent) top = top.parent;
  if (top?.topology.portType !== 'root_port') return false;
  return (top.word(top.at.pcie + PCIE.ROOT_CONTROL) & ROOT_CONTROL.rrsVisibilityEnable.mask) !== 0;
}

/** A read that is not just a look at a register. */
export function readSlowly(machine: Machine, bdf: Bdf, offset: number, width: ConfigWidth): number {
  const fn = machine.functions.get(bdf);
  const answered = fn !== undefined && answers(machine, fn);
  let value: number = ONES[width];
  if (answered) value = fn.read(offset, width);
  else if (fn && showsBusy(fn, offset, width)) value = ((ONES[width] & 0xffff_0000) | BUSY_VENDOR) >>> 0;
  if (machine.log.reads) machine.log.add(bdf, { kind: 'config_read', offset, width, value, answered });
  return value;
}

/** A write. What it does besides changing bits is told in `register-effects.ts`. */
export function writeRegister(machine: Machine, bdf: Bdf, offset: number, width: ConfigWidth, value: number): void {
  const fn = machine.functions.get(bdf);
  const watched = fn !== undefined && (fn.blocks & BLOCK.WATCHED) !== 0;
  const answered = fn !== undefined && (fn.blocks === 0 || answers(machine, fn));
  if (machine.log.writes) {
    machine.log.add(bdf, { kind: 'config_write', offset, width, value: (value & ONES[width]) >>> 0, answered });
  }
  if (!answered || (offset | 0) !== offset || offset < 0 || offset + width > fn.size) return;
  if ((offset & (width - 1)) !== 0) return;
  const shift = (offset & 3) << 3;
  const lane = ONES[width] << shift;
  change(machine, fn, offset & ~3, lane, (value << shift) & lane, watched);
}

function change(
  machine: Machine,
  fn: SimulatedFunction,
  offset: number,
  lane: number,
  written: number,
  watched: boolean,
): void {
  const index = offset >> 2;
  const { layout, words } = fn;
  const stuck = watched ? machine.faults.stuckBits(fn.bdf, offset) : 0;
  const rw = layout.rw[index]! & lane & ~stuck;
  const old = words[index]!;
  words[index] = ((old & ~rw) | (written & rw)) & ~(written & layout.w1c[index]! & ~stuck);
  const effect = layout.effect[index]!;
  if (effect !== 0) act(machine, fn, effect, { old, now: words[index], written });
}
