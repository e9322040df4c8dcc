import { BRIDGE_CONTROL, LINK_CONTROL, PCI_HEADER, PCIE } from '@pci-recovery/pci';
import { type ResetCause } from '../bus-log.js';
import { BLOCK } from '../machine/blocks.js';
import { type Machine } from '../machine/machine.js';
import { refresh, refreshBelow } from '../machine/reachability.js';
import { type SimulatedFunction } from '../machine/simulated-function.js';
import { removeFunction } from '../machine/hotplug.js';
import { becomeReady, loseState } from './function-state.js';
import { setLink } from './link.js';

/** Puts everything below a bridge into reset, and keeps it there. */
function holdBelow(machine: Machine, bridge: SimulatedFunction, cause: ResetCause): void {
  for (const fn of [...bridge.children]) {
    if ((fn.blocks & BLOCK.ABSENT) !== 0) continue;
    const removal = machine.faults.countDown('removed_at_reset', fn.bdf);
    if (removal) {
      removeFunction(machine, fn, removal.noticed === true);
      continue;
    }
    fn.blocks |= BLOCK.IN_RESET;
    loseState(machine, fn, 'hot', cause);
    setLink(machine, fn, false);
    holdBelow(machine, fn, cause);
  }
}

/** Whether software keeps everything below a bridge in reset. */
function held(bridge: SimulatedFunction): boolean {
  if ((bridge.word(PCI_HEADER.BRIDGE_CONTROL) & BRIDGE_CONTROL.secondaryBusReset.mask) !== 0) return true;
  return (
    bridge.link !== undefined && (bridge.word(bridge.at.pcie + PCIE.LINK_CONTROL) & LINK_CONTROL.linkDisable.mask) !== 0
  );
}

/** Ends the reset below a bridge, unless something else holds it: first the link comes up, then the functions. */
export function releaseBelow(machine: Machine, bridge: SimulatedFunction): void {
  if (held(bridge)) return;
  const { link } = bridge;
  if (!link) {
    leaveBelow(machine, bridge);
    return;
  }
  if (!bridge.children.some((fn) => (fn.blocks & BLOCK.ABSENT) === 0)) return;
  if (machine.faults.strike('link_stays_down', bridge.bdf)) return;
  const up = (): void => {
    setLink(machine, bridge, true);
    leaveBelow(machine, bridge);
  };
  const ms = bridge.behaviour.linkUpAfterMs;
  link.timer?.[Symbol.dispose]();
  if (ms > 0) link.timer = machine.clock.after(ms, up);
  else up();
}

function leaveBelow(machine: Machine, bridge: SimulatedFunction): void {
  for (const fn of [...bridge.children]) {
    if ((fn.blocks & BLOCK.IN_RESET) === 0) continue;
    fn.blocks &= ~BLOCK.IN_RESET;
    becomeReady(machine, fn);
    releaseBelow(machine, fn);
  }
  refreshBelow(bridge);
}

/** Software sets or clears Secondary Bus Reset (PCIe r6.1 §7.5.1.3.10, §6.6.1). */
export function secondaryBusReset(machine: Machine, bridge: SimulatedFunction, assert: boolean): void {
  const { bdf } = bridge;
  if (assert) {
    bridge.ignoresReset = machine.faults.strike('reset_ignored', bdf) !== undefined;
    if (bridge.ignoresReset) {
      machine.log.add(bdf, { kind: 'reset_ignored', reset: 'secondary_bus_reset' });
      return;
    }
    bridge.assertedAt = machine.clock.monotonic();
    machine.log.add(bdf, { kind: 'secondary_bus_reset_asserted' });
    setLink(machine, bridge, false);
    holdBelow(machine, bridge, 'secondary_bus_reset');
    refreshBelow(bridge);
    return;
  }
  if (bridge.ignoresReset) {
    bridge.ignoresReset = false;
    return;
  }
  const now = machine.clock.monotonic();
  machine.log.add(bdf, { kind: 'secondary_bus_reset_deasserted', held: now - bridge.assertedAt });
  releaseBelow(machine, bridge);
}

/** The link below a port goes down, which resets everything below (PCIe r6.1 §6.6.1), and stays down. */
export function linkDown(machine: Machine, port: SimulatedFunction): void {
  setLink(machine, port, false);
  holdBelow(machine, port, 'link_down');
  refreshBelow(port);
}

/** A function answers no more until a reset reaches it. */
export function freeze(machine: Machine, fn: SimulatedFunction): void {
  fn.blocks |= BLOCK.FROZEN;
  machine.log.add(fn.bdf, { kind: 'frozen' });
  refresh(fn);
}
