import { AER, AER_ROOT_COMMAND as COMMAND, AER_ROOT_STATUS as STATUS } from '@pci-recovery/pci';
import { type ErrorMessageKind } from '../bus-log.js';
import { type Machine } from '../machine/machine.js';
import { type SimulatedFunction } from '../machine/simulated-function.js';

/** Whether any kind of message that was received may interrupt (PCIe r6.1 §6.2.4.1.2). */
export function interruptCondition(command: number, status: number): boolean {
  return (
    ((status & STATUS.correctableReceived.mask) !== 0 && (command & COMMAND.correctableReportingEnable.mask) !== 0) ||
    ((status & STATUS.nonFatalReceived.mask) !== 0 && (command & COMMAND.nonFatalReportingEnable.mask) !== 0) ||
    ((status & STATUS.fatalReceived.mask) !== 0 && (command & COMMAND.fatalReportingEnable.mask) !== 0)
  );
}

/** The Root Error Status after one more message (PCIe r6.1 §7.8.4.10). */
function received(status: number, message: ErrorMessageKind): number {
  if (message === 'ERR_COR') {
    const again = (status & STATUS.correctableReceived.mask) !== 0;
    return status | (again ? STATUS.multipleCorrectableReceived : STATUS.correctableReceived).mask;
  }
  const fatal = message === 'ERR_FATAL';
  const kind = (fatal ? STATUS.fatalReceived : STATUS.nonFatalReceived).mask;
  if (status & STATUS.uncorrectableReceived.mask) return status | kind | STATUS.multipleUncorrectableReceived.mask;
  const first = fatal ? STATUS.firstUncorrectableFatal.mask : 0;
  return status | kind | first | STATUS.uncorrectableReceived.mask;
}

/** A root port or event collector receives a message: status, source id of the first of its class, interrupt. */
export function receiveMessage(
  machine: Machine,
  root: SimulatedFunction,
  requester: number,
  message: ErrorMessageKind,
): void {
  const { aer } = root.at;
  if (aer === 0) return;
  const before = root.dword(aer + AER.ROOT_STATUS);
  const after = received(before, message);
  if (message === 'ERR_COR') {
    if (!(before & STATUS.correctableReceived.mask)) root.change(aer + AER.ERROR_SOURCE, 0xffff, requester);
  } else if (!(before & STATUS.uncorrectableReceived.mask)) {
    root.change(aer + AER.ERROR_SOURCE, 0xffff_0000, requester << 16);
  }
  root.change(aer + AER.ROOT_STATUS, 0, after);
  const command = root.dword(aer + AER.ROOT_COMMAND);
  if (!interruptCondition(command, before) && interruptCondition(command, after)) interrupt(machine, root);
}

/** Sends the interrupt. */
export function interrupt(machine: Machine, root: SimulatedFunction): void {
  if (machine.faults.strike('interrupt_lost', root.bdf)) {
    machine.log.add(root.bdf, { kind: 'interrupt_lost' });
    return;
  }
  machine.log.add(root.bdf, { kind: 'interrupt' });
  machine.interrupts.raise(root.bdf);
}
