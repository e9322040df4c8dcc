import { type Bdf } from '@pci-recovery/core';
import { PCI_HEADER } from '@pci-recovery/pci';
import { setLink } from '../resets/link.js';
import { BLOCK } from './blocks.js';
import { buildTree, everyFunction } from './build-function.js';
import { type AnyDescription } from './description.js';
import { type Machine } from './machine.js';
import { badMachine } from './plan-function.js';
import { checkAddresses, everyPlan, mayBeBelow, planTree } from './plan-machine.js';
import { refresh } from './reachability.js';
import { type SimulatedFunction } from './simulated-function.js';

/** Surprise removal of a function and everything below it. `noticed`: software sees it in the topology at once. */
export function removeFunction(machine: Machine, root: SimulatedFunction, noticed: boolean): void {
  const gone = [...everyFunction(root)];
  for (const fn of gone) {
    if ((fn.blocks & BLOCK.ABSENT) === 0) machine.log.add(fn.bdf, { kind: 'removed' });
    fn.blocks |= BLOCK.ABSENT;
    fn.timer?.[Symbol.dispose]();
    fn.timer = undefined;
    fn.link?.timer?.[Symbol.dispose]();
    if (noticed) machine.forget(fn);
  }
  const { parent } = root;
  if (parent && parent.children.every((fn) => (fn.blocks & BLOCK.ABSENT) !== 0)) setLink(machine, parent, false);
}

/**
 * Plugs a function, with everything below it, in below a port: a new generation at its address.
 * @throws PciRecoveryError `ERR_PCI_SIM_BAD_MACHINE` when it cannot be there; `ERR_PCI_BAD_BDF`.
 */
export function plugFunction(
  machine: Machine,
  port: SimulatedFunction,
  description: AnyDescription,
  configured: boolean,
): void {
  const { portType } = port.topology;
  if (portType === undefined || !mayBeBelow(portType, description.kind))
    throw badMachine(description.bdf, `it cannot be plugged in below ${port.bdf}.`);
  const plan = planTree(description);
  const secondary = (port.dword(PCI_HEADER.PRIMARY_BUS) >>> 8) & 0xff;
  if (plan.bus !== secondary) throw badMachine(plan.bdf, `the bus below ${port.bdf} is number ${secondary}.`);
  const present = [...machine.functions.values()].filter((fn) => (fn.blocks & BLOCK.ABSENT) === 0);
  checkAddresses(everyPlan(plan), new Set<Bdf>(present.map((fn) => fn.bdf)));
  const root = buildTree(plan, configured, port);
  const before = port.children.findIndex((fn) => fn.bdf === root.bdf);
  if (before >= 0) port.children.splice(before, 1);
  port.children.push(root);
  machine.add(root);
  for (const fn of everyFunction(root)) machine.log.add(fn.bdf, { kind: 'plugged', generation: fn.generation });
  setLink(machine, port, true);
  refresh(port);
}
