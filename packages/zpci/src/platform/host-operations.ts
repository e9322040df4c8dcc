import { type OperationFailure, type OperationResult, type Plain } from '@pci-recovery/core';
import { type HandleFreshness } from '../procedure/host-operations.js';
import { type ZpciHostPort } from '../port.js';
import { type Firmware } from './firmware.js';
import { type ZpciFunction } from './zpci-function.js';

const DONE: OperationResult = { ok: true };

const failure = (why: OperationFailure, detail: string): OperationResult => ({ ok: false, why, detail });

/** Whether an event's handle is still that of its function; if so, it is the function's handle from now on. */
export function refreshHandle(
  firmware: Firmware,
  fn: ZpciFunction | undefined,
  fid: number,
  fh: number,
): OperationResult {
  const { fh: now, ...done } = firmware.handleOf(fid);
  if (!done.ok) return done;
  const freshness: HandleFreshness = now === undefined ? 'unknown' : now === fh && now !== 0 ? 'current' : 'stale';
  if (freshness === 'current') fn?.updateHandle(fh);
  return { ok: true, value: freshness };
}

/** Keeps a record, which came as hexadecimal digits. */
export function storeRecord(fn: ZpciFunction, record: Plain | undefined): OperationResult {
  if (typeof record === 'string') return { ok: true, value: fn.pending.store(Buffer.from(record, 'hex')) };
  return { ok: true, value: fn.pending.mediated ? 'stored' : 'not_mediated' };
}

/**
 * Lets register accesses through, DMA not. Nothing is tried at a function that the event disabled.
 * Linux 7.3 arch/s390/pci/pci_event.c:zpci_event_do_error_state_clear, pci.c:zpci_reset_load_store_blocked.
 */
export async function unblockLoadStore(firmware: Firmware, fn: ZpciFunction): Promise<OperationResult> {
  if (!fn.enabled) return failure('refused', 'The function is disabled');
  return firmware.modify(fn, 'reset_block');
}

/** Linux 7.3 arch/s390/pci/pci.c:zpci_clear_error_state. */
export async function clearErrorState(firmware: Firmware, fn: ZpciFunction): Promise<OperationResult> {
  const cleared = await firmware.modify(fn, 'reset_error');
  if (!cleared.ok) return cleared;
  fn.channel = 'normal';
  return DONE;
}

/** Linux 7.3 arch/s390/pci/pci_event.c:zpci_event_do_reset. */
export async function hotReset(firmware: Firmware, port: ZpciHostPort, fn: ZpciFunction): Promise<OperationResult> {
  const reset = await firmware.hotReset(fn, port.usesInterrupts(fn.bdf));
  if (!reset.ok) return reset;
  fn.channel = 'normal';
  return DONE;
}
