import { AER, BIST, BRIDGE_CONTROL, DEVICE_CAPABILITIES, DEVICE_CONTROL, LINK_CONTROL, PCIE } from '@pci-recovery/pci';
import { EFFECT } from './access/access-row.js';
import { type StatusRegister } from './bus-log.js';
import { serveRecords } from './errors/header-log.js';
import { interrupt, interruptCondition } from './errors/root.js';
import { type Machine } from './machine/machine.js';
import { refreshBelow } from './machine/reachability.js';
import { type SimulatedFunction } from './machine/simulated-function.js';
import { linkDown, releaseBelow, secondaryBusReset } from './resets/bus-reset.js';
import { functionLevelReset, loseMemory, virtualFunctionsChanged } from './resets/function-state.js';

const SBR = BRIDGE_CONTROL.secondaryBusReset.mask << 16;
const FLR = DEVICE_CONTROL.functionLevelResetOrBridgeRetry.mask;
const BIST_START = BIST.start.mask << 24;
const BIST_CAPABLE = BIST.capable.mask << 24;

/** A write to a dword that hardware acts upon: what it was, what it is now, and the bits as they were written. */
export interface RegisterWrite {
  readonly old: number;
  readonly now: number;
  readonly written: number;
}

/** Does what a write to a register of this effect does besides changing its bits. */
export function act(machine: Machine, fn: SimulatedFunction, effect: number, write: RegisterWrite): void {
  const { old, now, written } = write;
  switch (effect) {
    case EFFECT.BIST:
      if ((written & BIST_START) !== 0 && (now & BIST_CAPABLE) !== 0) loseMemory(machine, fn, 'bist');
      return;
    case EFFECT.BUS_NUMBERS:
      refreshBelow(fn);
      return;
    case EFFECT.BRIDGE_CONTROL:
      if (((old ^ now) & SBR) !== 0) secondaryBusReset(machine, fn, (now & SBR) !== 0);
      return;
    case EFFECT.DEVICE_CONTROL:
      cleared(machine, fn, 'DEVICE_STATUS', (old & ~now) >>> 16);
      if ((written & FLR) !== 0 && canFlr(fn)) functionLevelReset(machine, fn);
      return;
    case EFFECT.LINK_CONTROL:
      linkControl(machine, fn, write);
      return;
    case EFFECT.SRIOV_CONTROL:
    case EFFECT.SRIOV_NUM_VFS:
      virtualFunctionsChanged(machine, fn);
      return;
    default:
      actOnErrors(machine, fn, effect, write);
  }
}

function actOnErrors(machine: Machine, fn: SimulatedFunction, effect: number, { old, now }: RegisterWrite): void {
  switch (effect) {
    case EFFECT.UNCOR_STATUS:
      cleared(machine, fn, 'UNCOR_STATUS', (old & ~now) >>> 0);
      serveRecords(fn);
      return;
    case EFFECT.COR_STATUS:
      cleared(machine, fn, 'COR_STATUS', old & ~now);
      return;
    case EFFECT.ROOT_STATUS:
      cleared(machine, fn, 'ROOT_STATUS', old & ~now);
      return;
    case EFFECT.ROOT_COMMAND: {
      const status = fn.dword(fn.at.aer + AER.ROOT_STATUS);
      if (!interruptCondition(old, status) && interruptCondition(now, status)) interrupt(machine, fn);
      return;
    }
  }
}

function cleared(machine: Machine, fn: SimulatedFunction, register: StatusRegister, bits: number): void {
  if (bits !== 0) machine.log.add(fn.bdf, { kind: 'status_cleared', register, bits });
}

/** A bridge has no function level reset: bit 15 means something else there. */
const canFlr = (fn: SimulatedFunction): boolean =>
  !fn.topology.bridge &&
  (fn.dword(fn.at.pcie + PCIE.DEVICE_CAPABILITIES) & DEVICE_CAPABILITIES.functionLevelReset.mask) !== 0;

/** Link Disable takes the link down; its end, or Retrain Link while it is down, brings it up. */
function linkControl(machine: Machine, fn: SimulatedFunction, { old, now, written }: RegisterWrite): void {
  if (!fn.link) return;
  const disable = LINK_CONTROL.linkDisable.mask;
  if ((now & ~old & disable) !== 0) linkDown(machine, fn);
  else if ((old & ~now & disable) !== 0) releaseBelow(machine, fn);
  else if ((written & LINK_CONTROL.retrainLink.mask) !== 0 && !fn.link.up) releaseBelow(machine, fn);
}
