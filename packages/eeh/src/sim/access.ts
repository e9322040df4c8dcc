import { COMMAND, PCI_HEADER } from '@pci-recovery/pci';
import { bridgeOf, type Machine, type SimulatedFunction } from './machine.js';

const command = (fn: SimulatedFunction): number => fn.registers.read(PCI_HEADER.COMMAND, 2);

/** A function would answer a configuration request now. */
export function answers(machine: Machine, fn: SimulatedFunction): boolean {
  if (!fn.there || fn.inReset) return false;
  if (fn.silentUntil > 0 && machine.clock.monotonic() < fn.silentUntil) return false;
  return bridgeOf(machine, fn).state === 'working';
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

/** Configuration requests reach it: a P7IOC and the hypervisor of pSeries let none through to a frozen PE. */
export function letsConfig(machine: Machine, fn: SimulatedFunction): boolean {
  const blocks = machine.flavour === 'rtas' || bridgeOf(machine, fn).model === 'p7ioc';
  return answers(machine, fn) && !(blocks && fn.pe.mmioFrozen);
}
