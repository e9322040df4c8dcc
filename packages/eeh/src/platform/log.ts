import { PCI_HEADER } from '@pci-recovery/pci';
import { PE_STATE, type EehDevice, type Pe } from '../pe/pe.js';
import { walkDevices } from '../pe/tree.js';
import { readRegister } from './config.js';
import { thaw } from './control.js';
import { probeUnknown } from './probe.js';
import { restoreRegisters } from './restore.js';
import { type EehLog, type LoggedRegisters, type Surroundings } from './surroundings.js';
import { waitFor, type Waiting } from './waiting.js';

/** Double words of the PCI-X, PCI Express and AER capabilities that are logged. */
const PCIX_DWORDS = 2;
const PCIE_DWORDS = 9;
const AER_DWORDS = 14;
/** Words that only bridges have. */
const WORDS_OF_BRIDGES: readonly number[] = [PCI_HEADER.SECONDARY_STATUS, PCI_HEADER.BRIDGE_CONTROL];

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
    if (around.ops.thawsForLog || severity === 'permanent') yield* waitFor(thaw(around, pe, 'mmio'));
    if (around.ops.configureBridges) yield* around.ops.configureBridges(pe);
    if ((pe.state & PE_STATE.CFG_BLOCKED) === 0) {
      probeUnknown(around, pe);
      yield* restoreRegisters(around, pe);
      functions = walkDevices(pe).map((device) => registersOf(around, device));
    }
  }
  const blob = around.ops.takeLog(pe, severity);
  return blob ? { pe: pe.name, severity, blob, functions } : { pe: pe.name, severity, functions };
}

/** Where a function's logged registers are: the same all its life. */
interface LoggedPlaces {
  readonly offsets: readonly number[];
  readonly widths: readonly (2 | 4)[];
}

const places = new WeakMap<EehDevice['offsets'], LoggedPlaces>();

/** Linux eeh_dump_dev_log. */
function registersOf({ port }: Surroundings, device: EehDevice): LoggedRegisters {
  let known = places.get(device.offsets);
  if (!known) places.set(device.offsets, (known = placesOf(device)));
  const { offsets, widths } = known;
  const values = offsets.map((offset, index) => readRegister(port, device, offset, widths[index]!) >>> 0);
  return { bdf: device.bdf, offsets, values };
}

function placesOf({ bridge, offsets: { pcix, pcie, aer } }: EehDevice): LoggedPlaces {
  const dwords = (start: number, count: number): number[] =>
    start === 0 ? [] : Array.from({ length: count }, (_, index) => start + 4 * index);
  const offsets = [
    PCI_HEADER.VENDOR_ID,
    PCI_HEADER.COMMAND,
    ...(bridge ? WORDS_OF_BRIDGES : []),
    ...dwords(pcix, PCIX_DWORDS),
    ...dwords(pcie, PCIE_DWORDS),
    ...dwords(aer, AER_DWORDS),
  ];
  return { offsets, widths: offsets.map((offset) => (WORDS_OF_BRIDGES.includes(offset) ? 2 : 4)) };
}
