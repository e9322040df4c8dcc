import { parseBdf } from '@pci-recovery/core';
import { type Machine } from '../machine/machine.js';
import { type PciFunction } from '../machine/pci-function.js';

/** Path of a device below `/sys`: `/devices/pci0000:00/<port>/…/<function>`. */
export function pathOfDevice(machine: Machine, { bdf, description }: PciFunction): string {
  const ports: string[] = [];
  for (let port = description.port; port !== undefined; port = machine.portAbove(port)) ports.unshift(parseBdf(port));
  const root = (ports[0] ?? bdf).slice(0, -5);
  return ['/devices', `pci${root}`, ...ports, bdf].join('/');
}
