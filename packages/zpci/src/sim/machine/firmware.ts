import { CC, CLP, FUNCTION_CONTROLS, isEnabled, PCI_STATUS } from '../../firmware-codes.js';
import {
  type ClpAnswer,
  type FunctionProperties,
  type InstructionAnswer,
  type ListedFunction,
  type ModifyControl,
  type SetControl,
} from '../../port.js';
import { type FirmwareCall } from '../faults.js';
import { detectError } from './error-state.js';
import { type Machine } from './machine.js';
import { type SimulatedFunction } from './simulated-function.js';

/** Looks into the script: what a call answers instead, or undefined. */
function scripted(machine: Machine, call: FirmwareCall, fn: SimulatedFunction | undefined): ScriptedAnswer | undefined {
  if (fn && machine.faults.strikeCall('removed_at_call', call, fn.fid)) machine.remove(fn);
  const fault = machine.faults.strikeCall('call_fails', call, fn?.fid);
  return fault && { answer: fault.answer, status: fault.status ?? 0 };
}

interface ScriptedAnswer {
  readonly answer: number | undefined;
  readonly status: number;
}

function noted<A>(machine: Machine, call: FirmwareCall, fn: SimulatedFunction | undefined, code: number, answer: A): A {
  if (machine.log.calls) machine.log.add(fn, { kind: 'firmware_call', call, answer: code });
  return answer;
}

/** CLP List PCI. */
export function list(machine: Machine): ClpAnswer & { readonly functions: readonly ListedFunction[] } {
  for (const fn of [...machine.functions()]) {
    if (machine.faults.strikeCall('removed_at_call', 'list', fn.fid)) machine.remove(fn);
  }
  const instead = scripted(machine, 'list', undefined);
  const response = instead ? (instead.answer ?? CLP.INSUFFICIENT_RESOURCES) : CLP.OK;
  const functions: ListedFunction[] = [];
  if (response === CLP.OK) {
    for (const { fid, fh, vendor, state } of machine.functions()) {
      if (state !== 'reserved') functions.push({ fid, fh, vendor, configured: state === 'configured' });
    }
  }
  return noted(machine, 'list', undefined, response, { response, functions });
}

/** CLP Query PCI Function. */
export function query(machine: Machine, fh: number): ClpAnswer & { readonly properties?: FunctionProperties } {
  const found = machine.byHandle(fh);
  const instead = scripted(machine, 'query', found);
  const fn = machine.byHandle(fh);
  const response = instead ? (instead.answer ?? CLP.INSUFFICIENT_RESOURCES) : fn ? CLP.OK : CLP.INVALID_HANDLE;
  if (!fn || response !== CLP.OK) return noted(machine, 'query', found, response, { response });
  const { fid, bdf, mio } = fn;
  return noted(machine, 'query', found, response, { response, properties: { fid, bdf, mio } });
}

/** CLP Set PCI Function. */
export function set(machine: Machine, fh: number, control: SetControl): ClpAnswer & { readonly fh: number } {
  const found = machine.byHandle(fh);
  const instead = scripted(machine, control, found);
  const fn = machine.byHandle(fh);
  const response = instead ? (instead.answer ?? CLP.INSUFFICIENT_RESOURCES) : setFunction(machine, fn, control);
  const answer = { response, fh: response === CLP.OK ? (fn?.fh ?? 0) : 0 };
  return noted(machine, control, found, response, answer);
}

function setFunction(machine: Machine, fn: SimulatedFunction | undefined, control: SetControl): number {
  if (!fn) return CLP.INVALID_HANDLE;
  if (control === 'enable') return enable(machine, fn);
  if (control === 'disable') return disable(machine, fn);
  return fn.mio && fn.enabled ? CLP.OK : CLP.WRONG_HANDLE;
}

function enable(machine: Machine, fn: SimulatedFunction): number {
  if (fn.state !== 'configured' || isEnabled(fn.fh)) return CLP.WRONG_HANDLE;
  if (fn.permanent) return CLP.PERMANENT_ERROR;
  if (fn.disabledByError) fn.loseState();
  fn.enabled = true;
  if (!machine.keepsHandles) fn.instance = (fn.instance + 1) & 0x7f;
  machine.log.add(fn, { kind: 'enabled', fh: fn.fh });
  const again = machine.faults.strike('error_when_enabled', fn.fid);
  if (again) detectError(machine, fn, again.error);
  return CLP.OK;
}

function disable(machine: Machine, fn: SimulatedFunction): number {
  if (fn.silentlyDisabled) {
    fn.silentlyDisabled = false;
    fn.loseState();
    machine.log.add(fn, { kind: 'disabled', fh: fn.fh });
    return CLP.ALREADY;
  }
  if (!fn.enabled) return CLP.WRONG_HANDLE;
  fn.enabled = false;
  if (!machine.faults.strike('reset_ignored', fn.fid)) fn.loseState();
  machine.log.add(fn, { kind: 'disabled', fh: fn.fh });
  return CLP.OK;
}

/** Modify PCI Function Controls. */
export function modify(machine: Machine, fh: number, control: ModifyControl): InstructionAnswer {
  const found = machine.byHandle(fh);
  const instead = scripted(machine, control, found);
  const fn = machine.byHandle(fh);
  const answer = instead
    ? { cc: instead.answer ?? CC.ERROR, status: instead.status }
    : fn
      ? modifyFunction(machine, fn, control)
      : { cc: CC.INVALID_HANDLE, status: 0 };
  return noted(machine, control, found, answer.cc, answer);
}

const OK: InstructionAnswer = { cc: CC.OK, status: 0 };
const refused = (status: number): InstructionAnswer => ({ cc: CC.ERROR, status });

function modifyFunction(machine: Machine, fn: SimulatedFunction, control: ModifyControl): InstructionAnswer {
  if (!fn.enabled) return refused(PCI_STATUS.NOT_ENABLED);
  if (fn.permanent) return refused(PCI_STATUS.IN_ERROR);
  switch (control) {
    case 'register_interrupts':
      machine.log.add(fn, { kind: 'interrupts_registered' });
      return OK;
    case 'register_translation':
      fn.translated = true;
      machine.log.add(fn, { kind: 'translation_registered' });
      return OK;
    case 'reset_block':
      return unblock(machine, fn);
    case 'reset_error':
      return clear(machine, fn);
  }
}

function unblock(machine: Machine, fn: SimulatedFunction): InstructionAnswer {
  if (!fn.error || !fn.blocked) return refused(PCI_STATUS.ALREADY);
  if (machine.faults.strike('stays_blocked', fn.fid)) return OK;
  fn.blocked = false;
  machine.log.add(fn, { kind: 'load_store_unblocked' });
  return OK;
}

function clear(machine: Machine, fn: SimulatedFunction): InstructionAnswer {
  if (!fn.error) return refused(PCI_STATUS.ALREADY);
  if (machine.faults.strike('stays_in_error', fn.fid)) return OK;
  machine.log.add(fn, { kind: 'dma_unblocked' });
  if (fn.blocked) machine.log.add(fn, { kind: 'load_store_unblocked' });
  fn.blocked = false;
  fn.error = false;
  return OK;
}

/** Store PCI Function Controls. */
export function controls(machine: Machine, fh: number): InstructionAnswer & { readonly controls: number } {
  const found = machine.byHandle(fh);
  const instead = scripted(machine, 'controls', found);
  const fn = machine.byHandle(fh);
  const cc = instead ? (instead.answer ?? CC.ERROR) : fn ? CC.OK : CC.INVALID_HANDLE;
  const answer = { cc, status: instead?.status ?? 0, controls: fn && cc === CC.OK ? controlsOf(fn) : 0 };
  return noted(machine, 'controls', found, cc, answer);
}

const controlsOf = (fn: SimulatedFunction): number =>
  (fn.enabled ? FUNCTION_CONTROLS.ENABLED : 0) |
  (fn.error ? FUNCTION_CONTROLS.ERROR : 0) |
  (fn.blocked ? FUNCTION_CONTROLS.BLOCKED : 0) |
  (fn.translated ? FUNCTION_CONTROLS.DMA_REGISTERED : 0);

/** SCLP Deconfigure I/O Adapter: only what is disabled. */
export function deconfigure(machine: Machine, fid: number): boolean {
  const found = machine.byFid(fid);
  const instead = scripted(machine, 'deconfigure', found);
  const fn = machine.byFid(fid);
  const done = instead ? instead.answer === 1 : fn?.state === 'configured' && !fn.enabled;
  if (done && !instead && fn) machine.setState(fn, 'standby');
  return noted(machine, 'deconfigure', found, done ? 1 : 0, done);
}
