import { type Awaitable, type OperationFailure, type OperationResult, type Plain } from '@pci-recovery/core';
import { type HandleFreshness } from '../procedure/host-operations.js';
import { type ZpciHostPort } from '../port.js';
import { type Done, type Firmware } from './firmware.js';
import { type ZpciFunction } from './zpci-function.js';

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
export function unblockLoadStore(firmware: Firmware, fn: ZpciFunction): Awaitable<OperationResult> {
  if (!fn.enabled) return failure('refused', 'The function is disabled');
  return firmware.modify(fn, 'reset_block');
}

/** Linux 7.3 arch/s390/pci/pci.c:zpci_clear_error_state. */
export const clearErrorState = (firmware: Firmware, fn: ZpciFunction): Awaitable<OperationResult> =>
  normalAfter(fn, firmware.modify(fn, 'reset_error'));

/** Linux 7.3 arch/s390/pci/pci_event.c:zpci_event_do_reset. */
export const hotReset = (firmware: Firmware, port: ZpciHostPort, fn: ZpciFunction): Awaitable<OperationResult> =>
  normalAfter(fn, firmware.hotReset(fn, port.usesInterrupts(fn.bdf)));

/** The channel is normal again after success. */
function normalAfter(fn: ZpciFunction, done: Awaitable<Done>): Awaitable<OperationResult> {
  if (done instanceof Promise) return done.then((one) => normalAfter(fn, one));
  if (done.ok) fn.channel = 'normal';
  return done;
}
