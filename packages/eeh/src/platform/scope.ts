import { type Capability, type Member } from '@pci-recovery/core';
import { isActionable, type EehDevice, type Pe } from '../pe/pe.js';
import { walkDevices } from '../pe/tree.js';
import { type EehHostPort } from '../port.js';
import { type EehFunction, type EehScope } from '../scope.js';

const NO_HANDLERS: Member['handles'] = new Set();

/** What is lost together with the hub of all host bridges goes by this name. */
export const HUB = 'IOC';

/** The scope of PEs: their functions and those of the PEs below them, in walk order. */
export function scopeOfPes(
  port: EehHostPort,
  id: string,
  pes: readonly Pe[],
  capabilities: Readonly<Record<string, Capability>>,
): EehScope {
  const devices = pes.length === 1 ? walkDevices(pes[0]!) : pes.flatMap(walkDevices);
  const present = devices.filter((device) => device.present);
  return {
    id,
    wholePhb: pes.some((pe) => pe.type === 'phb'),
    walk: devices.map(functionOf),
    members: present.map((device) => memberOf(port, device)),
    capabilities,
  };
}

const functionOf = (device: EehDevice): EehFunction => ({
  bdf: device.bdf,
  generation: device.generation,
  device: device.present,
  actionable: isActionable(device),
});

const memberOf = (port: EehHostPort, { bdf, generation, bridge, channel }: EehDevice): Member => ({
  bdf,
  generation,
  bridge,
  channel,
  driver: port.topology.get(bdf)?.driver !== undefined,
  handles: NO_HANDLERS,
});
