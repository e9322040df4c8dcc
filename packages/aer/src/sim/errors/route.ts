import { BRIDGE_CONTROL, COMMAND, DEVICE_CONTROL, PCI_HEADER, PCIE, STATUS } from '@pci-recovery/pci';
import { type ErrorMessageKind } from '../bus-log.js';
import { SILENT } from '../machine/blocks.js';
import { type Machine } from '../machine/machine.js';
import { type SimulatedFunction } from '../machine/simulated-function.js';
import { receiveMessage } from './root.js';

/** Where a message got to. */
interface Arrival {
  readonly root?: SimulatedFunction;
  /** Who did not pass it on. */
  readonly lostAt?: SimulatedFunction;
}

const isRoot = (fn: SimulatedFunction): boolean =>
  fn.topology.portType === 'root_port' || fn.topology.portType === 'rcec';

/**
 * Whether a bridge passes a message from its secondary side on (PCIe r6.1 §6.2.6, Figure 6-3): Bridge Control SERR#
 * Enable for all; for the uncorrectable ones also its own SERR# Enable or reporting enable. Sets Received System Error
 * on the way in and Signaled System Error on the way out.
 */
function forwards(bridge: SimulatedFunction, message: ErrorMessageKind): boolean {
  const fatalOrNot = message !== 'ERR_COR';
  if (fatalOrNot) bridge.setWord(PCI_HEADER.SECONDARY_STATUS, STATUS.systemError.mask);
  if ((bridge.word(PCI_HEADER.BRIDGE_CONTROL) & BRIDGE_CONTROL.serrEnable.mask) === 0) return false;
  if (!fatalOrNot) return true;
  const systemError = (bridge.word(PCI_HEADER.COMMAND) & COMMAND.serrEnable.mask) !== 0;
  if (systemError) bridge.setWord(PCI_HEADER.STATUS, STATUS.systemError.mask);
  const enable = message === 'ERR_FATAL' ? DEVICE_CONTROL.fatalReportingEnable : DEVICE_CONTROL.nonFatalReportingEnable;
  return (
    systemError || (bridge.at.pcie !== 0 && (bridge.word(bridge.at.pcie + PCIE.DEVICE_CONTROL) & enable.mask) !== 0)
  );
}

function travel(source: SimulatedFunction, message: ErrorMessageKind): Arrival {
  if (isRoot(source)) return { root: source };
  if (source.topology.portType === 'rciep') {
    const { collector } = source;
    return collector && (collector.blocks & SILENT) === 0 ? { root: collector } : { lostAt: collector ?? source };
  }
  for (let bridge = source.parent; bridge; bridge = bridge.parent) {
    if ((bridge.blocks & SILENT) !== 0 || bridge.link?.up === false || !forwards(bridge, message)) {
      return { lostAt: bridge };
    }
    if (isRoot(bridge)) return { root: bridge };
  }
  return { lostAt: source };
}

/** Sends a message from a function to its root port, or from an RCiEP to its event collector. */
export function sendMessage(machine: Machine, source: SimulatedFunction, message: ErrorMessageKind): boolean {
  const lost = machine.faults.strike('message_lost', source.bdf) !== undefined;
  const { root, lostAt } = lost ? { root: undefined, lostAt: source } : travel(source, message);
  machine.log.add(source.bdf, {
    kind: 'message',
    message,
    ...(root ? { root: root.bdf } : {}),
    ...(lostAt ? { lostAt: lostAt.bdf } : {}),
  });
  if (root) receiveMessage(machine, root, source.requester, message);
  return root !== undefined;
}
