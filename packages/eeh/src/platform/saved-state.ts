import { PCI_HEADER } from '@pci-recovery/pci';
import { PE_STATE, type EehDevice, type Pe } from '../pe/pe.js';
import { walkDevices, walkPes } from '../pe/tree.js';
import { readRegister, saveRegisters, writeRegister } from './config.js';
import { restoreRegisters } from './restore.js';
import { type Surroundings } from './surroundings.js';
import { type Waiting } from './waiting.js';

/** Double word of command and status. */
const COMMAND_DWORD = 1;

const isRestricted = (pe: Pe | undefined): boolean => ((pe?.state ?? 0) & PE_STATE.CFG_RESTRICTED) !== 0;

/** Registers 0x00–0x3f of functions as they were before a reset that nobody is told of. */
export type SavedState = ReadonlyMap<EehDevice, readonly number[]>;

/**
 * Keeps the registers of everything in a PE and below it, but of those that must not be touched while frozen, or cannot be seen
 * then (pSeries, P7IOC): the kernel keeps their all ones, and writes them back. It keeps those of capabilities too (PCI Express,
 * MSI-X): here they are left to whoever the PE is handed to.
 *
 * Source: Linux 7.3 arch/powerpc/kernel/eeh_driver.c:eeh_dev_save_state.
 */
export function saveState({ port }: Surroundings, root: Pe): SavedState {
  const saved = new Map<EehDevice, readonly number[]>();
  for (const device of walkDevices(root)) {
    if (!device.present || isRestricted(device.pe)) continue;
    const dwords = saveRegisters(port, device.bdf);
    if (dwords.length > 0) saved.set(device, dwords);
  }
  return saved;
}

/**
 * Writes them back, from the last double word to the first; of functions that must not be touched what they had when they were
 * probed, which the others that are not kept got in the reset (eeh_driver.c:eeh_dev_restore_state, drivers/pci/pci.c:pci_restore_config_space).
 */
export function* restoreState(around: Surroundings, root: Pe, saved: SavedState): Waiting<void> {
  for (const [device, dwords] of saved) restoreDwords(around, device, dwords);
  for (const pe of walkPes(root)) if (isRestricted(pe)) yield* restoreRegisters(around, pe);
}

function restoreDwords({ port }: Surroundings, device: EehDevice, dwords: readonly number[]): void {
  for (let index = dwords.length - 1; index >= 0; index--) {
    const value = dwords[index]!;
    if (readRegister(port, device, 4 * index, 4) >>> 0 === value) continue;
    // The status half would be cleared by writing it.
    if (index === COMMAND_DWORD) writeRegister(port, device, PCI_HEADER.COMMAND, 2, value & 0xffff);
    else writeRegister(port, device, 4 * index, 4, value);
  }
}
