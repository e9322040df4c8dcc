import { type Bdf } from '@pci-recovery/core';
import { type AnyDescription, type MachineDescription } from './description.js';
import { badMachine, planFunction } from './plan-function.js';
import { type FunctionKind, type PlannedFunction } from './plan.js';

const BELOW_A_LINK: readonly FunctionKind[] = ['endpoint', 'legacy_endpoint', 'upstream_port', 'pcie_to_pci_bridge'];

/** What may be below what. */
const NESTING: Readonly<Partial<Record<FunctionKind, readonly FunctionKind[]>>> = {
  root_port: BELOW_A_LINK,
  downstream_port: BELOW_A_LINK,
  upstream_port: ['downstream_port', 'endpoint', 'legacy_endpoint'],
  pcie_to_pci_bridge: ['conventional'],
  rcec: ['rciep'],
};

const ON_THE_ROOT_BUS: readonly FunctionKind[] = [
  'root_port',
  'rcec',
  'rciep',
  'endpoint',
  'legacy_endpoint',
  'conventional',
];

/** Whether a function of one kind may be directly below one of another. */
export const mayBeBelow = (above: string, kind: FunctionKind): boolean =>
  NESTING[above as FunctionKind]?.includes(kind) === true;

/**
 * Checks one function and all below it, the children first.
 * @throws PciRecoveryError `ERR_PCI_SIM_BAD_MACHINE`, `ERR_PCI_BAD_BDF`.
 */
export function planTree(given: AnyDescription): PlannedFunction {
  const children = ('below' in given ? (given.below ?? []) : []) as readonly AnyDescription[];
  const collects = ('collects' in given ? (given.collects ?? []) : []) as readonly AnyDescription[];
  for (const child of [...children, ...collects]) {
    if (mayBeBelow(given.kind, child.kind)) continue;
    throw badMachine(child.bdf, `a function of kind ${child.kind} cannot be below one of kind ${given.kind}.`);
  }
  return planFunction(given, { children: children.map(planTree), collects: collects.map(planTree) });
}

/** A plan, everything below it, and everything that it collects. */
export function* everyPlan(plan: PlannedFunction): IterableIterator<PlannedFunction> {
  yield plan;
  yield* plan.virtuals;
  for (const child of plan.children) yield* everyPlan(child);
  for (const one of plan.collects) yield* everyPlan(one);
}

/** Refuses addresses that occur twice, and says who shares a device number. */
export function checkAddresses(plans: Iterable<PlannedFunction>, taken: ReadonlySet<Bdf> = new Set()): void {
  const seen = new Set<Bdf>(taken);
  const devices = new Map<string, PlannedFunction[]>();
  for (const plan of plans) {
    if (seen.has(plan.bdf)) throw badMachine(plan.bdf, 'two functions have this address.');
    seen.add(plan.bdf);
    if (plan.physical) continue;
    const device = plan.bdf.slice(0, -2);
    devices.set(device, [...(devices.get(device) ?? []), plan]);
  }
  for (const functions of devices.values())
    if (functions.length > 1) for (const plan of functions) plan.multiFunction = true;
}

/**
 * Checks the description of a machine.
 * @throws PciRecoveryError `ERR_PCI_SIM_BAD_MACHINE`, `ERR_PCI_BAD_BDF`.
 */
export function planMachine(machine: MachineDescription): PlannedFunction[] {
  const roots = [
    ...(machine.rootPorts ?? []),
    ...(machine.eventCollectors ?? []),
    ...(machine.integrated ?? []),
  ] satisfies AnyDescription[];
  for (const root of roots) {
    if (ON_THE_ROOT_BUS.includes(root.kind)) continue;
    throw badMachine(
      (root as AnyDescription).bdf,
      `a function of kind ${(root as AnyDescription).kind} needs a port above it.`,
    );
  }
  const plans = roots.map(planTree);
  checkAddresses(plans.flatMap((plan) => [...everyPlan(plan)]));
  return plans;
}
