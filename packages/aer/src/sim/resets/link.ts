import { LINK_CAPABILITIES, LINK_STATUS, PCIE } from '@pci-recovery/pci';
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
  showLink(port);
  machine.log.add(port.bdf, { kind: up ? 'link_up' : 'link_down' });
}

/** Data Link Layer Link Active says how the link is, where the port can say it. */
export function showLink(port: SimulatedFunction): void {
  const { pcie } = port.at;
  if (!(port.dword(pcie + PCIE.LINK_CAPABILITIES) & LINK_CAPABILITIES.linkActiveReporting.mask)) return;
  const active = LINK_STATUS.dataLinkLayerActive.mask << 16;
  port.change(pcie + PCIE.LINK_CONTROL, active, port.link?.up ? active : 0);
}
