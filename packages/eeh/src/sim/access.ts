import { COMMAND, PCI_HEADER } from '@pci-recovery/pci';
import { type Machine, type SimulatedFunction } from './machine.js';

const command = (fn: SimulatedFunction): number => fn.registers.read(PCI_HEADER.COMMAND, 2);

/** A function would answer a configuration request now. */
export function answers(machine: Machine, fn: SimulatedFunction): boolean {
  if (!fn.there || fn.inReset) return false;
  if (fn.silentUntil > 0 && machine.clock.monotonic() < fn.silentUntil) return false;
  return fn.hostBridge.state === 'working';
}

/** Loads and stores reach its memory. */
export function letsMemory(machine: Machine, fn: SimulatedFunction): boolean {
  if (!answers(machine, fn) || fn.pe.mmioFrozen || fn.pe.inReset) return false;
  return fn.physical !== undefined || (command(fn) & COMMAND.memorySpace.mask) !== 0;
}

/** It reaches main memory. */
export function letsDma(machine: Machine, fn: SimulatedFunction): boolean {
  if (!answers(machine, fn) || fn.pe.dmaFrozen) return false;
  return fn.physical !== undefined || (command(fn) & COMMAND.busMaster.mask) !== 0;
}

/** Configuration requests reach it. */
export const letsConfig = (machine: Machine, fn: SimulatedFunction): boolean =>
  answers(machine, fn) && !(fn.pe.mmioFrozen && fn.hostBridge.blocksConfig);
