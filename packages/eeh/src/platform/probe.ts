import { PE_STATE, type EehDevice, type Pe } from '../pe/pe.js';
import { walkDevices } from '../pe/tree.js';
import { capabilitiesOf, saveRegisters } from './config.js';
import { type Surroundings } from './surroundings.js';

/**
 * Broadcom network cards whose configuration space must not be touched while frozen, or the whole host bridge is fenced
 * (eeh-powernv.c:pnv_eeh_probe). Device id << 16 | vendor id.
 */
const RESTRICTED: ReadonlySet<number> = new Set([0x1656_14e4, 0x1657_14e4, 0x168a_14e4, 0x168e_14e4]);

/** Bus Master Enable (Command bit 2), in the double word of command and status. */
const BUS_MASTER = 0x4;
const COMMAND_DWORD = 1;

/**
 * Keeps the registers of a function of a PE, and where its capabilities are. Where nobody answers they stay unknown, and nothing
 * is written over them: it may be frozen, and blocked, before anybody looked.
 */
export function probeRegisters({ port, ops }: Pick<Surroundings, 'port' | 'ops'>, device: EehDevice): void {
  const saved = saveRegisters(port, device.bdf);
  device.saved = device.bridge ? saved.map(withBusMaster) : saved;
  device.offsets = capabilitiesOf(port, device.bdf);
  if (ops.flavour === 'opal' && device.pe && RESTRICTED.has(saved[0]!)) device.pe.state |= PE_STATE.CFG_RESTRICTED;
}

/** A bridge must be able to fetch its own table entries after a reset (eeh_save_bars). */
const withBusMaster = (dword: number, index: number): number =>
  index === COMMAND_DWORD ? (dword | BUS_MASTER) >>> 0 : dword;

/** Tries again with those of a PE and below it that are unknown: before they are restored, or reset. */
export function probeUnknown(around: Pick<Surroundings, 'port' | 'ops'>, root: Pe): void {
  for (const device of walkDevices(root))
    if (device.present && device.saved.length === 0) probeRegisters(around, device);
}
