import { LINK_STATUS, PCIE } from '@pci-recovery/pci';
import { type Machine } from '../machine/machine.js';
import { type SimulatedFunction } from '../machine/simulated-function.js';

/** Sets the state of the link below a port, and Data Link Layer Link Active with it. */
export function setLink(machine: Machine, port: SimulatedFunction, up: boolean): void {
  const { link } = port;
  if (!link) return;
  link.timer?.[Symbol.dispose]();
  link.timer = undefined;
  if (link.up === up) return;
  link.up = up;
  const active = LINK_STATUS.dataLinkLayerActive.mask << 16;
  port.change(port.at.pcie + PCIE.LINK_CONTROL, up ? 0 : active, up ? active : 0);
  machine.log.add(port.bdf, { kind: up ? 'link_up' : 'link_down' });
}
