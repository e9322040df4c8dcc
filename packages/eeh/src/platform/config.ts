import { type Bdf } from '@pci-recovery/core';
import { CAPABILITY_ID, EXTENDED_CAPABILITY_ID, PCI_HEADER, STATUS } from '@pci-recovery/pci';
import { PE_STATE, type EehDevice } from '../pe/pe.js';
import { type ConfigWidth, type EehHostPort } from '../port.js';

const FIRST_EXTENDED = 0x100;
const MOST_CAPABILITIES = 48;
const MOST_EXTENDED = (4096 - 256) / 8;

/** All ones of a width. */
export const ALL_ONES: Readonly<Record<ConfigWidth, number>> = { 1: 0xff, 2: 0xffff, 4: 0xffff_ffff };

/** Whether a function answers: nobody's command and status are all ones, a virtual one's identity is. */
export const answers = (port: EehHostPort, bdf: Bdf): boolean =>
  port.readConfig(bdf, PCI_HEADER.COMMAND, 4) >>> 0 !== ALL_ONES[4];

/** Byte offset of a capability; 0: there is none. Ends on any bytes. */
export function findCapability(port: EehHostPort, bdf: Bdf, id: number): number {
  if ((port.readConfig(bdf, PCI_HEADER.STATUS, 2) & STATUS.capabilitiesList.mask) === 0) return 0;
  let at = port.readConfig(bdf, PCI_HEADER.CAPABILITIES_POINTER, 1) & ~3;
  for (let count = 0; count < MOST_CAPABILITIES && at >= 0x40 && at < 0xfc; count++) {
    const found = port.readConfig(bdf, at, 1);
    if (found === 0xff) return 0;
    if (found === id) return at;
    at = port.readConfig(bdf, at + 1, 1) & ~3;
  }
  return 0;
}

/** Byte offset of an extended capability; 0: there is none. Ends on any bytes. */
export function findExtendedCapability(port: EehHostPort, bdf: Bdf, id: number): number {
  let at = FIRST_EXTENDED;
  for (let count = 0; count < MOST_EXTENDED && at >= FIRST_EXTENDED; count++) {
    const header = port.readConfig(bdf, at, 4) >>> 0;
    if (header === 0 || header === 0xffff_ffff) return 0;
    if ((header & 0xffff) === id) return at;
    at = (header >>> 20) & 0xffc;
  }
  return 0;
}

const inBlockedPe = ({ pe }: EehDevice): boolean => pe !== undefined && (pe.state & PE_STATE.CFG_BLOCKED) !== 0;

/**
 * EEH itself must not touch a function's configuration space: its PE is in reset, or frozen and restricted. A virtual
 * function's reset goes through its own configuration space (eeh-powernv.c:pnv_eeh_cfg_blocked).
 */
const isBlocked = (device: EehDevice): boolean =>
  inBlockedPe(device) && !(device.physical && (device.pe!.state & PE_STATE.RESET) !== 0);

/** Drivers must not: blocked, virtual function or not, or lost for good (powernv/pci.c:pnv_pci_cfg_check). */
export const isBlockedForDrivers = (device: EehDevice): boolean => inBlockedPe(device) || device.removed;

/** Reads as EEH itself does: all ones while blocked. */
export const readRegister = (port: EehHostPort, device: EehDevice, offset: number, width: ConfigWidth): number =>
  isBlocked(device) ? ALL_ONES[width] : port.readConfig(device.bdf, offset, width);

/** Writes as EEH itself does: lost while blocked. */
export function writeRegister(
  port: EehHostPort,
  device: EehDevice,
  offset: number,
  width: ConfigWidth,
  value: number,
): void {
  if (!isBlocked(device)) port.writeConfig(device.bdf, offset, width, value);
}

/**
 * Registers 0x00–0x3f, sixteen double words (eeh_save_bars); none of a function that does not answer. A virtual function's
 * identity is all ones, nobody's command and status are.
 */
export function saveRegisters(port: EehHostPort, bdf: Bdf): number[] {
  const saved = Array.from({ length: 16 }, (_, index) => port.readConfig(bdf, 4 * index, 4) >>> 0);
  return saved[PCI_HEADER.COMMAND / 4] === ALL_ONES[4] ? [] : saved;
}

/** Where a function's capabilities are: looked up while it answers. Only PCI Express has extended ones. */
export function capabilitiesOf(port: EehHostPort, bdf: Bdf): EehDevice['offsets'] {
  const pcie = findCapability(port, bdf, CAPABILITY_ID.PCIE);
  return {
    pcie,
    pcix: findCapability(port, bdf, CAPABILITY_ID.PCI_X),
    aer: pcie === 0 ? 0 : findExtendedCapability(port, bdf, EXTENDED_CAPABILITY_ID.AER),
    af: findCapability(port, bdf, CAPABILITY_ID.ADVANCED_FEATURES),
  };
}
