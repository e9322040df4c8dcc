import { PCI_HEADER } from '@pci-recovery/pci';
import { PE_STATE, type EehDevice, type Pe } from '../pe/pe.js';
import { walkDevices } from '../pe/tree.js';
import { readRegister } from './config.js';
import { thaw } from './control.js';
import { restoreRegisters } from './restore.js';
import { type EehLog, type LoggedRegisters, type Surroundings } from './surroundings.js';

/** Double words of the PCI-X, PCI Express and AER capabilities that are logged. */
const PCIX_DWORDS = 2;
const PCIE_DWORDS = 9;
const AER_DWORDS = 14;

/**
 * Takes a log, with the side effects that this has: register access is thawed where configuration space cannot be read
 * otherwise, and always before the functions are removed for good, so that their drivers can quiesce them; bridges are
 * configured and registers restored. A host bridge's own PE is not touched: it would answer all ones.
 *
 * Source: Linux 7.3 arch/powerpc/kernel/eeh.c:eeh_slot_error_detail.
 */
export async function takeLog(around: Surroundings, pe: Pe, severity: 'temporary' | 'permanent'): Promise<EehLog> {
  let functions: LoggedRegisters[] = [];
  if (pe.type !== 'phb') {
    if (around.ops.thawsForLog || severity === 'permanent') await thaw(around, pe, 'mmio');
    await around.ops.configureBridges(pe);
    if ((pe.state & PE_STATE.CFG_BLOCKED) === 0) {
      await restoreRegisters(around, pe);
      functions = [...walkDevices(pe)].map((device) => registersOf(around, device));
    }
  }
  const blob = around.ops.takeLog(pe, severity);
  return { pe: pe.name, severity, ...(blob && { blob }), functions };
}

/** Linux eeh_dump_dev_log. */
function registersOf({ port }: Surroundings, device: EehDevice): LoggedRegisters {
  const { pcix, pcie, aer } = device.offsets;
  const dwords = (start: number, count: number): [number, 4][] =>
    start === 0 ? [] : Array.from({ length: count }, (_, index) => [start + 4 * index, 4]);
  const wanted: [offset: number, width: 2 | 4][] = [
    [PCI_HEADER.VENDOR_ID, 4],
    [PCI_HEADER.COMMAND, 4],
    ...(device.bridge
      ? ([
          [PCI_HEADER.SECONDARY_STATUS, 2],
          [PCI_HEADER.BRIDGE_CONTROL, 2],
        ] as [number, 2][])
      : []),
    ...dwords(pcix, PCIX_DWORDS),
    ...dwords(pcie, PCIE_DWORDS),
    ...dwords(aer, AER_DWORDS),
  ];
  const registers = wanted.map(([offset, width]) => [offset, readRegister(port, device, offset, width) >>> 0] as const);
  return { bdf: device.bdf, registers };
}
