import { CC, CLP, isEnabled } from '../../firmware-codes.js';
import { ZPCI_KERNEL_TIMINGS } from '../../platform/timings.js';
import { type ModifyControl, type SetControl } from '../../port.js';
import * as firmware from '../machine/firmware.js';
import { type Machine } from '../machine/machine.js';
import { type SimulatedFunction } from '../machine/simulated-function.js';

/**
 * What the simulated kernel does with a function when its holder asks for a reset. Busy firmware is asked as often as the
 * kernel asks; no time passes. @returns whether it succeeded.
 *
 * Source: Linux 7.3 arch/s390/pci/pci.c:zpci_hot_reset_device, zpci_reenable_device, pci_clp.c:clp_enable_fh.
 */
export function kernelReset(machine: Machine, fn: SimulatedFunction): boolean {
  const set = (control: SetControl): number => setFunction(machine, fn, control);
  const modify = (control: ModifyControl): boolean => modifyFunction(machine, fn, control) === CC.OK;
  if (isEnabled(fn.fh)) {
    const response = set('disable');
    const already = response === CLP.ALREADY && isListed(machine, fn);
    if (response !== CLP.OK && !already) return false;
  }
  if (set('enable') !== CLP.OK) return false;
  // What was enabled stays so: the kernel looks at the handle from before, which says that there is nothing to disable.
  if (fn.mio && set('enable_mio') !== CLP.OK) return false;
  if (fn.interrupts && !modify('register_interrupts')) return false;
  if (modify('register_translation')) return true;
  set('disable');
  return false;
}

/** The handle of what was disabled before is read again (Linux 7.3 pci.c:zpci_disable_device). */
const isListed = (machine: Machine, { fid }: SimulatedFunction): boolean =>
  firmware.list(machine).functions.some((one) => one.fid === fid);

function setFunction(machine: Machine, fn: SimulatedFunction, control: SetControl): number {
  const { commandRetries } = ZPCI_KERNEL_TIMINGS;
  let { response } = firmware.set(machine, fn.fh, control);
  for (let tries = 0; response === CLP.BUSY && tries < commandRetries; tries++) {
    ({ response } = firmware.set(machine, fn.fh, control));
  }
  return response;
}

function modifyFunction(machine: Machine, fn: SimulatedFunction, control: ModifyControl): number {
  const { instructionRetries } = ZPCI_KERNEL_TIMINGS;
  let { cc } = firmware.modify(machine, fn.fh, control);
  for (let tries = 0; cc === CC.BUSY && tries < instructionRetries; tries++) {
    ({ cc } = firmware.modify(machine, fn.fh, control));
  }
  return cc;
}
