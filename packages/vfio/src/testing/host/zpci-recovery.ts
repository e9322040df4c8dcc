import { type PciFunction } from '../machine/pci-function.js';
import { type Zpci } from '../machine/zpci.js';
import { handlesErrors, signalError, type Host } from './host.js';
import { type HostSteps } from './recovery-steps.js';

/** An error event of s390 firmware: its record (CCDF), as a whole or by what is in it. */
export interface ZpciErrorDescription {
  /** Platform event code. Default 0x3a. */
  readonly pec?: number;
  /** Failing address. */
  readonly address?: bigint;
  /** Function handle, when it is not the function's own: a stale event. */
  readonly fh?: number;
  /** The 32-bit word of flags (ett, mvn, dmaas, q, rw). Default: a read by DMA. */
  readonly word?: number;
  /** The whole record, 32 bytes, instead. */
  readonly record?: Uint8Array;
  /** How long the host's handler goes on after it signalled, milliseconds: resets are EAGAIN meanwhile. Default 12. */
  readonly handlerMs?: number;
}

const RECORD_BYTES = 32;
/** Events of the measurement block. */
const IGNORED: readonly number[] = [0x2a, 0x2b, 0x2c];
const PERMANENT: readonly number[] = [0x3b, 0x40];

/** A record as firmware writes it, big-endian (arch/s390/include/asm/pci.h: struct zpci_ccdf_err). */
export function ccdfRecord({ fh, fid }: Zpci, error: ZpciErrorDescription): Uint8Array {
  if (error.record) return error.record.slice(0, RECORD_BYTES);
  const bytes = new Uint8Array(RECORD_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(4, error.fh ?? fh);
  view.setUint32(8, fid);
  view.setUint32(12, error.word ?? 1);
  view.setBigUint64(16, error.address ?? 0n);
  view.setUint16(30, error.pec ?? 0x3a);
  return bytes;
}

/** Whether the record is kept for user space, which then drives the rest. */
function tell(host: Host, zpci: Zpci, record: Uint8Array): boolean {
  const mediated = zpci.store(record);
  if (zpci.dropped > 0 && zpci.pending === 4)
    host.streams.log(`${zpci.subject.bdf}: Maximum number (4) of pending error events queued`);
  signalError(host, zpci.subject);
  return mediated;
}

/** arch/s390/pci/pci_event.c:zpci_event_io_failure. */
function* permanent(host: Host, zpci: Zpci, record: Uint8Array): HostSteps {
  zpci.channel = 'perm_failure';
  tell(host, zpci, record);
  yield { at: 'permanent', then: 0 };
}

/** The kernel recovers by itself, while nobody holds the function through VFIO. */
function* automatic(host: Host, zpci: Zpci): HostSteps {
  const { subject } = zpci;
  subject.silence = undefined;
  yield { at: 'unblocked', then: 0 };
  zpci.channel = 'normal';
  host.uevents.error(subject, 'SUCCESSFUL_RECOVERY');
  yield { at: 'recovered', then: 0 };
}

const fhOf = (record: Uint8Array): number => new DataView(record.buffer, record.byteOffset).getUint32(4);
const pecOf = (record: Uint8Array): number => new DataView(record.buffer, record.byteOffset).getUint16(30);

/**
 * What Linux does about an error event of s390 (arch/s390/pci/pci_event.c:__zpci_event_error,
 * zpci_event_attempt_error_recovery): `raised`, then `ignored`, `stale`, `permanent`, or `notified` — with the device lock
 * held, so a reset that comes at once is EAGAIN — and `left` (mediated: user space goes on), or `unblocked`, `recovered`.
 */
export function* zpciRecovery(host: Host, zpci: Zpci, error: ZpciErrorDescription): HostSteps {
  const { subject } = zpci;
  const record = ccdfRecord(zpci, error);
  const pec = pecOf(record);
  const stale = fhOf(record) !== zpci.fh;
  if (!IGNORED.includes(pec) && !stale) subject.silence = 'blocked';
  yield { at: 'raised', then: 0 };
  if (stale) {
    zpci.stale++;
    yield { at: 'stale', then: 0 };
    return;
  }
  host.streams.log(
    `zpci: ${subject.bdf}: Event 0x${pec.toString(16)} reports an error for PCI function 0x${zpci.fid.toString(16)}`,
  );
  if (IGNORED.includes(pec)) {
    yield { at: 'ignored', then: 0 };
    return;
  }
  if (PERMANENT.includes(pec)) yield* permanent(host, zpci, record);
  else yield* attempt(host, zpci, record, error.handlerMs ?? 12);
}

function* attempt(host: Host, zpci: Zpci, record: Uint8Array, handlerMs: number): HostSteps {
  const { subject } = zpci;
  if (zpci.channel === 'perm_failure' || !canRecover(subject)) {
    yield* permanent(host, zpci, record);
    return;
  }
  zpci.channel = 'frozen';
  const unlock = subject.deviceLock.close();
  const mediated = tell(host, zpci, record);
  host.uevents.error(subject, 'BEGIN_RECOVERY');
  yield { at: 'notified', then: handlerMs };
  if (mediated) {
    host.streams.log(`zpci: ${subject.bdf}: Leaving recovery of pass-through device to user-space`);
    unlock();
    yield { at: 'left', then: 0 };
    return;
  }
  yield* automatic(host, zpci);
  unlock();
}

const canRecover = (subject: PciFunction): boolean => handlesErrors(subject);
