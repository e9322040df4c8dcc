import { errno } from '../kernel/outcome.js';
import { type Machine } from '../machine/machine.js';
import { type PciFunction } from '../machine/pci-function.js';

/** Methods that reset the whole bus, and so need no configuration access to the function. */
const BY_BUS = new Set(['bus', 'cxl_bus', 'acpi', 'device_specific']);

/** Whether a method works now: FLR and the like are ENOTTY while configuration space cannot be read (R2.9). */
const works = (method: string, { silence }: PciFunction): boolean =>
  silence === undefined || (silence !== 'gone' && BY_BUS.has(method));

/** The hardware side of a reset: registers and memory as after power-on, and s390 firmware unblocks the function. */
export function resetHardware(machine: Machine, subject: PciFunction): void {
  if (subject.silence === 'blocked') subject.silence = undefined;
  subject.reset();
  const zpci = machine.zpciOf(subject);
  if (zpci) zpci.fh = (zpci.fh | 0x8000_0000) >>> 0;
}

/**
 * __pci_reset_function_locked between pci_save_state and pci_restore_state (drivers/pci/pci.c:pci_try_reset_function).
 * What was saved last, while it could be read, is restored.
 */
export function resetFunction(machine: Machine, subject: PciFunction): number {
  const method = subject.resetMethods.find((each) => works(each, subject));
  if (method === undefined) return errno('ENOTTY');
  subject.save();
  resetHardware(machine, subject);
  subject.restore();
  return 0;
}
