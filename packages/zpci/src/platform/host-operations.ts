import { type Awaitable, type OperationFailure, type OperationResult, type Plain } from '@pci-recovery/core';
import { type HandleFreshness } from '../procedure/host-operations.js';
import { type ZpciHostPort } from '../port.js';
import { errorClass } from '../ccdf/index.js';
import { after } from './after.js';
import { type Done, type Firmware } from './firmware.js';
import { type ZpciFunction } from './zpci-function.js';

const failure = (why: OperationFailure, detail: string): OperationResult => ({ ok: false, why, detail });

/** What an event says of its function. */
export interface Said {
  readonly fid: number;
  readonly fh: number;
  /** 0 where there is no record. */
  readonly pec: number;
  /** A survey found the error: there is no record. */
  readonly found: boolean;
}

/**
 * Whether an event's handle is still that of its function; if so, it is the function's handle from now on. And whether it
 * is over, where a survey found the function in the error state: its record may come when it was recovered already.
 */
export function refreshHandle(
  firmware: Firmware,
  fn: ZpciFunction | undefined,
  { fid, fh, pec, found }: Said,
): Awaitable<OperationResult> {
  const { fh: now, ...done } = firmware.handleOf(fid);
  if (!done.ok) return done;
  const freshness: HandleFreshness = now === undefined ? 'unknown' : now === fh && now !== 0 ? 'current' : 'stale';
  if (freshness !== 'current' || !fn) return { ok: true, value: freshness };
  fn.updateHandle(fh);
  const doubted = errorClass(pec) === 'recoverable' && (found || fn.foundWith === fh);
  return doubted
    ? after(firmware.inError(fn), (inError) => confirmed(fn, found, inError))
    : { ok: true, value: freshness };
}

/** Where firmware does not say what state it is in, it is an error. */
function confirmed(fn: ZpciFunction, found: boolean, inError: boolean | undefined): OperationResult {
  if (inError === false) return { ok: true, value: 'over' satisfies HandleFreshness };
  if (!found) fn.foundWith = undefined;
  return { ok: true, value: 'current' satisfies HandleFreshness };
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
const normalAfter = (fn: ZpciFunction, done: Awaitable<Done>): Awaitable<OperationResult> =>
  after(done, (one) => {
    if (one.ok) fn.channel = 'normal';
    return one;
  });
