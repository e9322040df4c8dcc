import { PCI_HEADER, SRIOV, SRIOV_CONTROL } from '@pci-recovery/pci';
import { BLOCK, SILENT } from './blocks.js';
import { type SimulatedFunction } from './simulated-function.js';

/**
 * Whether the bus numbers of a bridge lead to `fn`. Where it is the `last` one on the way, `fn` has to be on its
 * secondary bus, but for virtual functions, which may be on a higher bus than their device (PCIe r6.1 §9.2.1.2).
 */
function leadsTo(bridge: SimulatedFunction, fn: SimulatedFunction, last: boolean): boolean {
  const numbers = bridge.dword(PCI_HEADER.PRIMARY_BUS);
  const secondary = (numbers >>> 8) & 0xff;
  const subordinate = (numbers >>> 16) & 0xff;
  if (last && fn.physical === undefined) return fn.bus === secondary;
  return fn.bus >= secondary && fn.bus <= subordinate;
}

/**
 * Whether configuration requests get to a function: every bridge above passes them on. Links need no look: what is below
 * one that is down is in reset.
 */
function reachable(fn: SimulatedFunction): boolean {
  let last = true;
  for (let bridge = fn.parent; bridge; bridge = bridge.parent) {
    if ((bridge.blocks & SILENT) !== 0 || !leadsTo(bridge, fn, last)) return false;
    last = false;
  }
  return true;
}

const setBlock = (fn: SimulatedFunction, block: number, on: boolean): void => {
  fn.blocks = on ? fn.blocks | block : fn.blocks & ~block;
};

/** Whether the physical function has enabled this virtual function. */
function enabled(physical: SimulatedFunction, index: number): boolean {
  const at = physical.at.sriov;
  return (
    (physical.word(at + SRIOV.CONTROL) & SRIOV_CONTROL.vfEnable.mask) !== 0 && index < physical.word(at + SRIOV.NUM_VFS)
  );
}

/** Says again who can be reached, from `fn` downwards: after anything on the way there changed. */
export function refresh(fn: SimulatedFunction): void {
  setBlock(fn, BLOCK.UNREACHABLE, !reachable(fn));
  refreshVirtuals(fn);
  refreshBelow(fn);
}

/** As {@link refresh}, for everything below a bridge. */
export function refreshBelow(bridge: SimulatedFunction): void {
  for (const child of bridge.children) refresh(child);
}

/** Says again which virtual functions there are, and whether they can be reached. */
export function refreshVirtuals(physical: SimulatedFunction): void {
  for (let n = 0; n < physical.virtuals.length; n++) {
    const virtual = physical.virtuals[n]!;
    setBlock(virtual, BLOCK.DISABLED, !enabled(physical, n));
    setBlock(virtual, BLOCK.UNREACHABLE, !reachable(virtual));
  }
}
