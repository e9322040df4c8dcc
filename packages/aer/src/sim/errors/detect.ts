import { PciRecoveryError, type Bdf } from '@pci-recovery/core';
import { type ErrorMessageKind } from '../bus-log.js';
import { BLOCK } from '../machine/blocks.js';
import { type Machine } from '../machine/machine.js';
import { type SimulatedFunction } from '../machine/simulated-function.js';
import { freeze, linkDown } from '../resets/bus-reset.js';
import { readDetection, type DetectedErrors, type Detection } from './detection.js';
import { reportErrors } from './report.js';
import { sendMessage } from './route.js';

/** A message that was sent for a detected error. */
export interface SentMessage {
  /** Who sent it. */
  readonly bdf: Bdf;
  readonly message: ErrorMessageKind;
  /** It got to a root port or event collector. */
  readonly received: boolean;
}

function refuse(fn: SimulatedFunction, message: string, context: Readonly<Record<string, number>> = {}): never {
  throw new PciRecoveryError('ERR_PCI_SIM_CANNOT_DETECT', `${fn.bdf} ${message}`, {
    context: { bdf: fn.bdf, ...context },
  });
}

/** A function detects only what it implements, and only while it is there and has power. */
function check(fn: SimulatedFunction, { uncorrectable, correctable }: DetectedErrors): void {
  const { errors } = fn.behaviour;
  if (fn.at.pcie === 0) refuse(fn, 'is a conventional function: it has no error messages.');
  if ((fn.blocks & (BLOCK.ABSENT | BLOCK.DISABLED)) !== 0) refuse(fn, 'is not there, so it detects nothing.');
  const unknown = {
    uncorrectable: uncorrectable & ~errors.uncorrectable,
    correctable: correctable & ~errors.correctable,
  };
  if ((unknown.uncorrectable | unknown.correctable) !== 0) {
    refuse(fn, 'does not implement all of these errors.', {
      uncorrectable: unknown.uncorrectable >>> 0,
      correctable: unknown.correctable >>> 0,
    });
  }
}

/** All functions with the same bus and device number, the lowest first; `fn` alone when it is a virtual one. */
function deviceOf(machine: Machine, fn: SimulatedFunction): SimulatedFunction[] {
  if (fn.physical) return [fn];
  const device = fn.bdf.slice(0, -1);
  const functions: SimulatedFunction[] = [];
  for (let n = 0; n < 8; n++) {
    const other = machine.functions.get(`${device}${n}` as Bdf);
    if (other && other.at.pcie !== 0 && !other.physical && (other.blocks & BLOCK.ABSENT) === 0) functions.push(other);
  }
  return functions;
}

/** What a fatal error does to the function that has it. */
function consequence(machine: Machine, fn: SimulatedFunction): void {
  const { onFatal } = fn.behaviour;
  if (onFatal === 'answering') return;
  const port = fn.parent;
  if (onFatal === 'link_down' && port?.link) linkDown(machine, port);
  else freeze(machine, fn);
}

/**
 * A function (or its whole device) detects errors.
 * @returns the messages that were sent: one of a class for the device.
 * @throws PciRecoveryError `ERR_PCI_SIM_CANNOT_DETECT` when it does not implement them or is not there; those of
 *   {@link readDetection}.
 */
export function detectErrors(machine: Machine, fn: SimulatedFunction, given: Detection): SentMessage[] {
  const errors = readDetection(given);
  const { uncorrectable, correctable } = errors;
  const functions = given.wholeDevice === true ? deviceOf(machine, fn) : [fn];
  for (const one of functions) check(one, errors);
  const sent: SentMessage[] = [];
  const fatal: SimulatedFunction[] = [];
  for (const one of functions) {
    const reported = reportErrors(one, errors);
    machine.log.add(one.bdf, { kind: 'error_detected', uncorrectable, correctable, advisory: reported.advisory });
    for (const message of reported.messages) {
      if (sent.some((other) => other.message === message)) continue;
      sent.push({ bdf: one.bdf, message, received: sendMessage(machine, one, message) });
    }
    if (reported.fatal) fatal.push(one);
  }
  for (const one of fatal) consequence(machine, one);
  return sent;
}
