import { PCIE, PCI_HEADER } from '@pci-recovery/pci';
import { type PciFunction } from './pci-function.js';

const SERR = 0x100;
const ERROR_REPORTING = 0x000f;

/** What the kernel sets up as it finds a function: reporting of errors (drivers/pci/pcie/aer.c:pci_enable_pcie_error_reporting). */
export function boot(subject: PciFunction): void {
  const { pcie, aer } = subject.layout;
  if (pcie === undefined || aer === undefined) return;
  const at = pcie + PCIE.DEVICE_CONTROL;
  subject.poke16(at, subject.u16(at) | ERROR_REPORTING);
  subject.poke16(PCI_HEADER.COMMAND, subject.command | SERR);
}
