import { AER, BRIDGE_CONTROL, COMMAND, MSIX, MSIX_CONTROL, PCI_HEADER, PCIE, ROOT_CONTROL } from '@pci-recovery/pci';
import { type SimulatedFunction } from './simulated-function.js';

/** Correctable, non-fatal, fatal and unsupported request reporting. */
const REPORTING = 0xf;
const ROOT_INTERRUPTS = 0x7;
const FIRST_BASE_ADDRESS = 0xe000_0000;

/** Where BAR 0 of a function is put: by its routing id, so that no two overlap. */
const baseAddress = (fn: SimulatedFunction): number => (FIRST_BASE_ADDRESS + fn.requester * 0x1_0000) >>> 0;

/** Brings a function into the state that firmware and Linux leave it in (Linux 7.3 drivers/pci/probe.c, pcie/aer.c). */
export function configure(fn: SimulatedFunction): void {
  const { bridge, portType, physicalFunction } = fn.topology;
  if (physicalFunction) fn.setWord(PCI_HEADER.COMMAND, COMMAND.busMaster.mask);
  else fn.setWord(PCI_HEADER.COMMAND, COMMAND.memorySpace.mask | COMMAND.busMaster.mask);
  if (bridge) fn.setWord(PCI_HEADER.BRIDGE_CONTROL, BRIDGE_CONTROL.serrEnable.mask);
  else if (!physicalFunction) fn.words[PCI_HEADER.BASE_ADDRESS_0 >> 2] = baseAddress(fn) & fn.layout.rw[4]!;
  if (fn.at.pcie !== 0 && !physicalFunction) fn.setWord(fn.at.pcie + PCIE.DEVICE_CONTROL, REPORTING);
  if (portType === 'root_port' || portType === 'rcec') configureRoot(fn);
  if (fn.vectors) configureVectors(fn);
}

function configureRoot(fn: SimulatedFunction): void {
  fn.setWord(fn.at.pcie + PCIE.ROOT_CONTROL, ROOT_CONTROL.rrsVisibilityEnable.mask);
  if (fn.at.aer !== 0) fn.change(fn.at.aer + AER.ROOT_COMMAND, 0, ROOT_INTERRUPTS);
}

function configureVectors(fn: SimulatedFunction): void {
  fn.vectors!.configure();
  const at = fn.at.msix;
  if (at !== 0) fn.setWord(at + MSIX.CONTROL, MSIX_CONTROL.enable.mask);
}
