import { bdfParts, parseBdf } from '@pci-recovery/core';
import { type Machine } from '../machine/machine.js';

/** The bus below a port; 0 where nothing is on it. */
function secondaryOf(machine: Machine, port: string): number {
  const on = (above: string | undefined): boolean => above !== undefined && parseBdf(above) === parseBdf(port);
  const fn = machine.functions.find(({ description }) => on(description.port));
  const below = fn?.bdf ?? machine.description.ports?.find((one) => on(one.port))?.bdf;
  return below === undefined ? 0 : bdfParts(parseBdf(below)).bus;
}

/**
 * Configuration space of a port, 256 bytes, as far as a topology is read from it: a bridge with its buses, a root port, or a
 * downstream port below another one (PCI Express r6.1 §7.5.1.3, §7.5.3.2).
 */
export function portConfig(machine: Machine, port: string): Uint8Array {
  const bytes = new Uint8Array(256);
  const secondary = secondaryOf(machine, port);
  bytes.set([0x36, 0x1b, 0x0c, 0x00, 0x07, 0x01, 0x10, 0x00]);
  bytes[0x0e] = 1;
  bytes.set([bdfParts(parseBdf(port)).bus, secondary, secondary], 0x18);
  bytes[0x34] = 0x40;
  bytes.set([0x10, 0, machine.portAbove(port) === undefined ? 0x42 : 0x62, 0], 0x40);
  return bytes;
}
