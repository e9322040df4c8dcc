import { PCI_HEADER } from '@pci-recovery/pci';
import { PE_STATE, type EehDevice, type Pe } from '../pe/pe.js';
import { walkDevices } from '../pe/tree.js';
import { readRegister } from './config.js';
import { thaw } from './control.js';
import { restoreRegisters } from './restore.js';
import { type EehLog, type LoggedRegisters, type Surroundings } from './surroundings.js';
import { type Waiting } from './waiting.js';

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
export function* takeLog(around: Surroundings, pe: Pe, severity: 'temporary' | 'permanent'): Waiting<EehLog> {
  let functions: LoggedRegisters[] = [];
  if (pe.type !== 'phb') {
    if (around.ops.thawsForLog || severity === 'permanent') yield* thaw(around, pe, 'mmio');
    yield* around.ops.configureBridges(pe);
    if ((pe.state & PE_STATE.CFG_BLOCKED) === 0) {
      yield* restoreRegisters(around, pe);
      functions = walkDevices(pe).map((device) => registersOf(around, device));
    }
  }
  const blob = around.ops.takeLog(pe, severity);
  return blob ? { pe: pe.name, severity, blob, functions } : { pe: pe.name, severity, functions };
}

type LoggedPlace = readonly [offset: number, width: 2 | 4];

/** Where a function's logged registers are: the same all its life. */
const places = new WeakMap<EehDevice['offsets'], readonly LoggedPlace[]>();

/** Linux eeh_dump_dev_log. */
function registersOf({ port }: Surroundings, device: EehDevice): LoggedRegisters {
  let wanted = places.get(device.offsets);
  if (!wanted) places.set(device.offsets, (wanted = placesOf(device)));
  const registers = wanted.map(([offset, width]) => [offset, readRegister(port, device, offset, width) >>> 0] as const);
  return { bdf: device.bdf, registers };
}

function placesOf({ bridge, offsets }: EehDevice): readonly LoggedPlace[] {
  const { pcix, pcie, aer } = offsets;
  const dwords = (start: number, count: number): LoggedPlace[] =>
    start === 0 ? [] : Array.from({ length: count }, (_, index) => [start + 4 * index, 4]);
  const ofBridges: LoggedPlace[] = [
    [PCI_HEADER.SECONDARY_STATUS, 2],
    [PCI_HEADER.BRIDGE_CONTROL, 2],
  ];
  return [
    [PCI_HEADER.VENDOR_ID, 4],
    [PCI_HEADER.COMMAND, 4],
    ...(bridge ? ofBridges : []),
    ...dwords(pcix, PCIX_DWORDS),
    ...dwords(pcie, PCIE_DWORDS),
    ...dwords(aer, AER_DWORDS),
  ];
}
