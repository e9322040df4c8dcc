import { AER } from '@pci-recovery/pci';
import { type ResetCause } from '../bus-log.js';
import { BLOCK } from '../machine/blocks.js';
import { type Machine } from '../machine/machine.js';
import { refresh, refreshVirtuals } from '../machine/reachability.js';
import { type SimulatedFunction } from '../machine/simulated-function.js';

/** Logs in AER that a virtual function loses with its existence. */
const AER_STATE = [AER.UNCOR_STATUS, AER.COR_STATUS, ...[0, 4, 8, 12].map((n) => AER.HEADER_LOG + n)];

/**
 * A function loses what is not sticky: registers, its MSI-X table (R5.1), being frozen, and its virtual functions
 * (PCIe r6.1 §6.6.1, §6.6.2, §9.2.2).
 */
export function loseState(machine: Machine, fn: SimulatedFunction, kind: 'hot' | 'flr', cause: ResetCause): void {
  fn.timer?.[Symbol.dispose]();
  fn.timer = undefined;
  fn.blocks &= ~(BLOCK.FROZEN | BLOCK.INITIALIZING);
  fn.layout.reset(fn.words, kind);
  fn.vectors?.clear();
  machine.log.add(fn.bdf, { kind: 'function_reset', cause });
  if (fn.virtuals.length === 0) return;
  for (const virtual of fn.virtuals) if ((virtual.blocks & BLOCK.DISABLED) === 0) endVirtual(machine, virtual);
  refreshVirtuals(fn);
}

/** A virtual function ceases to exist, with all its state, sticky or not. */
function endVirtual(machine: Machine, fn: SimulatedFunction): void {
  loseState(machine, fn, 'hot', 'physical_function');
  fn.records = [];
  if (fn.at.aer !== 0) for (const register of AER_STATE) fn.words[(fn.at.aer + register) >> 2] = 0;
}

/** After a reset, or after a virtual function was enabled: it is ready when its time has come. */
export function becomeReady(machine: Machine, fn: SimulatedFunction): void {
  const never = machine.faults.strike('never_ready', fn.bdf) !== undefined;
  const ms = machine.faults.strike('ready_after', fn.bdf)?.ms ?? fn.behaviour.readyAfterMs;
  if (!never && ms <= 0) {
    ready(machine, fn);
    return;
  }
  fn.blocks |= BLOCK.INITIALIZING;
  if (!never) fn.timer = machine.clock.after(ms, () => ready(machine, fn));
}

function ready(machine: Machine, fn: SimulatedFunction): void {
  fn.timer = undefined;
  fn.blocks &= ~BLOCK.INITIALIZING;
  machine.log.add(fn.bdf, { kind: 'ready' });
  refresh(fn);
  machine.whenReady?.(fn);
}

/** Software initiates a function level reset: this function alone (PCIe r6.1 §6.6.2). */
export function functionLevelReset(machine: Machine, fn: SimulatedFunction): void {
  if (machine.faults.strike('reset_ignored', fn.bdf)) {
    machine.log.add(fn.bdf, { kind: 'reset_ignored', reset: 'flr' });
    return;
  }
  machine.log.add(fn.bdf, { kind: 'flr' });
  loseState(machine, fn, 'flr', 'flr');
  becomeReady(machine, fn);
  refresh(fn);
}

/** Software changed VF Enable or NumVFs: virtual functions come into being or cease to exist. */
export function virtualFunctionsChanged(machine: Machine, physical: SimulatedFunction): void {
  const before = physical.virtuals.map((fn) => (fn.blocks & BLOCK.DISABLED) === 0);
  refreshVirtuals(physical);
  const after = physical.virtuals.map((fn) => (fn.blocks & BLOCK.DISABLED) === 0);
  if (before.every((was, n) => was === after[n])) return;
  const enabled = after.filter(Boolean).length;
  machine.log.add(physical.bdf, { kind: 'virtual_functions', enabled });
  physical.virtuals.forEach((fn, n) => {
    if (before[n] && !after[n]) endVirtual(machine, fn);
    if (!before[n] && after[n]) becomeReady(machine, fn);
  });
}

/** Device memory loses its contents and nothing else changes: software cannot see it in configuration space (R5.1). */
export function loseMemory(machine: Machine, fn: SimulatedFunction, cause: 'bist' | 'backdoor'): void {
  fn.vectors?.clear();
  machine.log.add(fn.bdf, { kind: 'function_reset', cause });
}
