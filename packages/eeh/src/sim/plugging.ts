import { bdfParts, parseBdf, type Bdf } from '@pci-recovery/core';
import { answers } from './access.js';
import { enumerate, functionsBelow, functionsOnBus, type Machine, type SimulatedFunction } from './machine.js';

/** Firmware knows it, software does not. */
export const isUnprobed = ({ description }: SimulatedFunction): boolean =>
  description.kind === 'endpoint' && description.unprobed === true;

/** Software lets a function go, with everything below it and its virtual functions. */
export function remove(machine: Machine, bdf: Bdf): void {
  const fn = machine.functions.get(bdf);
  if (!fn) return;
  for (const one of [...functionsBelow(fn), fn]) forget(machine, one);
  enumerate(machine);
}

/** Software looks for functions on a bus, and below the bridges that it knows. */
export function rescan(machine: Machine, phb: number, bus: number): void {
  const bridge = machine.bridges.get(phb);
  for (const fn of bridge ? functionsOnBus(bridge, bus) : [])
    if (!fn.physical && (bdfParts(fn.bdf).bus === bus || above(machine, fn)?.known)) learn(machine, fn);
  enumerate(machine);
}

/** Software brings a virtual function back; its physical one must be known. */
export function addVirtual(machine: Machine, bdf: Bdf): void {
  const fn = machine.functions.get(bdf);
  if (fn?.physical && machine.functions.get(fn.physical)?.known) learn(machine, fn);
  enumerate(machine);
}

function above(machine: Machine, fn: SimulatedFunction): SimulatedFunction | undefined {
  const { bus } = bdfParts(fn.bdf);
  return [...machine.functions.values()].find((one) => one.pe.phb === fn.pe.phb && one.secondary === bus);
}

function forget(machine: Machine, fn: SimulatedFunction): void {
  const functions = [...machine.functions.values()].filter(({ physical }) => physical === fn.bdf);
  for (const one of [...functions, fn]) {
    if (!one.known) continue;
    one.known = false;
    machine.witness.add({ kind: 'removed', functions: [one.bdf] });
  }
}

function learn(machine: Machine, fn: SimulatedFunction): void {
  const hidden = machine.faults.strike('not_found', ({ bdf }) => parseBdf(bdf) === fn.bdf) !== undefined;
  if (fn.known || hidden || isUnprobed(fn) || !answers(machine, fn)) return;
  fn.known = true;
  fn.generation++;
  machine.witness.add({ kind: 'added', functions: [fn.bdf] });
}
