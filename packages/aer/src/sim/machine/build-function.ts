import { CAPABILITY_ID, CONFIG_SIZE, EXTENDED_CAPABILITY_ID, PCI_HEADER } from '@pci-recovery/pci';
import { type TopologyFunction } from '@pci-recovery/pci/topology';
import { capabilityOffsets, offsetOf } from '../access/capability-offsets.js';
import { layoutOf } from '../access/layout-of.js';
import { dumpedFunction } from '../dump/dumped-function.js';
import { showLink } from '../resets/link.js';
import { VectorTable } from '../vector-table.js';
import { configure } from './configured.js';
import { BAR_SIZE, imageOf, PENDING_OFFSET, TABLE_OFFSET } from './image.js';
import { type PlannedFunction, portTypeOfKind } from './plan.js';
import { SimulatedFunction } from './simulated-function.js';

const BAR_RW = (~(BAR_SIZE - 1) >>> 0) & 0xffff_fff0;

function topologyOf(plan: PlannedFunction): TopologyFunction {
  const portType = portTypeOfKind(plan.kind);
  return {
    bdf: plan.bdf,
    bridge: plan.bridge,
    ...(portType ? { portType } : {}),
    ...(plan.bridge ? { secondary: plan.secondary, subordinate: plan.subordinate } : {}),
    ...(plan.physical ? { physicalFunction: plan.physical.bdf } : {}),
    ...(plan.collector ? { eventCollector: plan.collector.bdf } : {}),
    ...(plan.driver === undefined ? {} : { driver: plan.driver }),
  };
}

/** Makes the function of a plan, alone; in the state that firmware and Linux leave when `configured`. */
function single(plan: PlannedFunction, configured: boolean): SimulatedFunction {
  if (plan.registers) return fromRegisters(plan, plan.registers);
  const { words } = imageOf(plan);
  const found = capabilityOffsets(words);
  const layout = layoutOf(words, found, {
    virtual: plan.physical !== undefined,
    errors: plan.errors,
    baseAddresses: plan.bridge || plan.physical ? [] : [BAR_RW],
  });
  const at = {
    pcie: offsetOf(found.capabilities, CAPABILITY_ID.PCIE),
    aer: offsetOf(found.extended, EXTENDED_CAPABILITY_ID.AER),
    sriov: offsetOf(found.extended, EXTENDED_CAPABILITY_ID.SRIOV),
    msix: offsetOf(found.capabilities, CAPABILITY_ID.MSIX),
  };
  const size = plan.kind === 'conventional' ? CONFIG_SIZE.conventional : CONFIG_SIZE.extended;
  const fn = new SimulatedFunction(topologyOf(plan), words, layout, at, plan, size);
  if (plan.kind === 'root_port' || plan.kind === 'downstream_port') fn.link = { up: plan.children.length > 0 };
  if (plan.msixVectors > 0) {
    const table = { bar: 0, offset: TABLE_OFFSET };
    fn.vectors = new VectorTable(plan.msixVectors, table, { bar: 0, offset: PENDING_OFFSET });
  }
  if (configured) configure(fn);
  return fn;
}

/** A real function's registers, at this place of the tree. */
function fromRegisters(plan: PlannedFunction, registers: Uint8Array): SimulatedFunction {
  const bytes = Uint8Array.from(registers);
  if (plan.bridge) bytes.set([plan.bus, plan.secondary, plan.subordinate], PCI_HEADER.PRIMARY_BUS);
  const fn = dumpedFunction(bytes, topologyOf(plan), plan);
  if (fn.link) {
    fn.link.up = plan.children.length > 0;
    showLink(fn);
  }
  return fn;
}

/** Makes the functions of a plan and of everything below it, linked to each other. */
export function buildTree(plan: PlannedFunction, configured: boolean, parent?: SimulatedFunction): SimulatedFunction {
  const fn = single(plan, configured);
  fn.parent = parent;
  for (const virtual of plan.virtuals) {
    const made = single(virtual, configured);
    made.parent = parent;
    made.physical = fn;
    fn.virtuals.push(made);
  }
  for (const child of plan.children) fn.children.push(buildTree(child, configured, fn));
  return fn;
}

/** A function, its virtual functions, and everything below it. */
export function* everyFunction(fn: SimulatedFunction): IterableIterator<SimulatedFunction> {
  yield fn;
  yield* fn.virtuals;
  for (const child of fn.children) yield* everyFunction(child);
}
