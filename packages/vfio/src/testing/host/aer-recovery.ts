import { parseBdf, type Bdf } from '@pci-recovery/core';
import { AER, PCIE, setBits, CORRECTABLE_ERRORS, UNCORRECTABLE_ERRORS } from '@pci-recovery/pci';
import { type PciFunction } from '../machine/pci-function.js';
import { type AerSeverity } from './aer-counters.js';
import { handlesErrors, signalError, type ErrorSource, type Host } from './host.js';
import { type HostSteps } from './recovery-steps.js';

/** An AER error. */
export interface AerErrorDescription {
  readonly severity: AerSeverity;
  /** Status bits. Default: a bad TLP, a completion timeout, a malformed TLP. */
  readonly status?: number;
  /** Header of the offending TLP, four dwords. */
  readonly tlpHeader?: readonly number[];
  /** Whether the host's reset of the link works. Default: yes. */
  readonly linkReset?: 'works' | 'fails';
  /** How long the host's reset of the link takes, milliseconds. Default 140. */
  readonly linkResetMs?: number;
}

const DEFAULT_STATUS = { correctable: 1 << 6, nonfatal: 1 << 14, fatal: 1 << 18 } as const;
const REPORTING = { correctable: 1, nonfatal: 2, fatal: 4 } as const;
const SERR = 0x100;
const TRACE_SEVERITY = { correctable: 'Corrected', nonfatal: 'Uncorrected, non-fatal', fatal: 'Fatal' } as const;

/** A function reports what Device Control, or for uncorrectable errors SERR#, lets it (PCIe r6.1 §6.2.5). */
function reports({ command }: PciFunction, severity: AerSeverity, control: number): boolean {
  return (control & REPORTING[severity]) !== 0 || (severity !== 'correctable' && (command & SERR) !== 0);
}

/** The hardware's part: status, header log, Device Status. Whether a message goes out. */
function raise(subject: PciFunction, { severity, status, tlpHeader }: AerErrorDescription): boolean {
  const { aer, pcie } = subject.layout;
  if (aer === undefined || pcie === undefined || subject.silence) return false;
  const bits = status ?? DEFAULT_STATUS[severity];
  const correctable = severity === 'correctable';
  const at = aer + (correctable ? AER.COR_STATUS : AER.UNCOR_STATUS);
  const masked = subject.u32(aer + (correctable ? AER.COR_MASK : AER.UNCOR_MASK));
  subject.poke32(at, subject.u32(at) | bits);
  tlpHeader?.forEach((dword, i) => subject.poke32(aer + AER.HEADER_LOG + 4 * i, dword));
  const deviceStatus = pcie + PCIE.DEVICE_STATUS;
  subject.poke16(deviceStatus, subject.u16(deviceStatus) | REPORTING[severity]);
  const unmasked = (bits & ~masked) >>> 0;
  return unmasked !== 0 && reports(subject, severity, subject.u16(pcie + PCIE.DEVICE_CONTROL));
}

/** The root port above, whose counters move as well. */
function rootPortOf({ machine }: Host, port: string | undefined): Bdf | undefined {
  let root = port;
  for (let above = port; above !== undefined; above = machine.portAbove(above)) root = above;
  return root === undefined ? undefined : parseBdf(root);
}

/** Counters, trace event and log. Of a fatal error of an endpoint no status is read: its link may be down. */
function record(host: Host, source: ErrorSource, error: AerErrorDescription): void {
  const { severity, tlpHeader } = error;
  const { bdf, subject } = source;
  const bits = severity === 'fatal' && subject ? 0 : (error.status ?? DEFAULT_STATUS[severity]);
  host.counters.count(bdf, severity, bits);
  const root = rootPortOf(host, subject ? subject.description.port : bdf);
  if (root !== undefined && root !== bdf) host.counters.count(root, severity, 0);
  const table = severity === 'correctable' ? CORRECTABLE_ERRORS : UNCORRECTABLE_ERRORS;
  const names = setBits(bits, table).map(({ name }) => name);
  const header = tlpHeader ? `{${tlpHeader.map((dword) => `0x${dword.toString(16)}`).join(',')}}` : 'Not available';
  host.streams.trace(
    `${bdf} PCIe Bus Error: severity=${TRACE_SEVERITY[severity]}, ${names.join('|')}, TLP Header=${header}`,
  );
  host.streams.log(`pcieport ${root ?? bdf}: AER: ${severity} error message received from ${bdf}`);
}

/** Whom a recovery concerns: all below the port; the device itself where there is none (drivers/pci/pcie/err.c). */
function scopeOf({ machine }: Host, { bdf, subject }: ErrorSource): readonly PciFunction[] {
  const port = subject ? subject.description.port : bdf;
  if (port === undefined) return subject ? [subject] : [];
  return machine.present.filter(({ description }) => machine.isBelow(description.port, port));
}

/** Status of the detecting device is cleared when all went well: what is not fatal, and Device Status. */
function clearStatus(subject: PciFunction | undefined): void {
  const { aer, pcie } = subject?.layout ?? {};
  if (!subject || aer === undefined || pcie === undefined || subject.silence) return;
  const severity = subject.u32(aer + AER.UNCOR_SEVERITY);
  subject.poke32(aer + AER.UNCOR_STATUS, subject.u32(aer + AER.UNCOR_STATUS) & severity);
  subject.poke16(pcie + PCIE.DEVICE_STATUS, 0);
}

function clearCorrectable(subject: PciFunction | undefined): void {
  const { aer, pcie } = subject?.layout ?? {};
  if (!subject || aer === undefined || pcie === undefined) return;
  subject.poke32(aer + AER.COR_STATUS, 0);
  subject.poke16(pcie + PCIE.DEVICE_STATUS, 0);
}

/** error_detected to everybody in walk order. @returns whether anybody has no handler: that fails the recovery */
function notify(host: Host, scope: readonly PciFunction[]): boolean {
  let unable = false;
  for (const subject of scope) {
    if (!handlesErrors(subject)) {
      unable = true;
      continue;
    }
    signalError(host, subject);
    host.uevents.error(subject, 'BEGIN_RECOVERY');
  }
  return unable;
}

/** perm_failure to everybody: the eventfd is signalled again, and the uevent is about all, driverless ones too. */
function giveUp(host: Host, scope: readonly PciFunction[]): void {
  for (const subject of scope) {
    signalError(host, subject);
    host.uevents.error(subject, 'FAILED_RECOVERY');
  }
}

/**
 * What Linux does about an AER error (drivers/pci/pcie/aer.c, err.c:pcie_do_recovery; the order is the lab's):
 * `raised`, `recorded`, `notified`, then for a fatal error `reset` — from `notified` on configuration accesses wait and `try`
 * resets are refused — and `recovered` or `failed`, and after a success `cleared`.
 */
export function* aerRecovery(host: Host, source: ErrorSource, error: AerErrorDescription): HostSteps {
  const reported = source.subject ? raise(source.subject, error) : true;
  yield { at: 'raised', then: 0 };
  if (!reported) return;
  record(host, source, error);
  yield { at: 'recorded', then: 0 };
  if (error.severity === 'correctable') {
    clearCorrectable(source.subject);
    yield { at: 'cleared', then: 0 };
    return;
  }
  const scope = scopeOf(host, source);
  const fatal = error.severity === 'fatal';
  // The locks are taken right behind the callbacks: no listener is fast enough to get in between.
  const opens = fatal
    ? scope.flatMap(({ deviceLock, configAccess }) => [deviceLock.close(), configAccess.close()])
    : [];
  let failed = notify(host, scope);
  yield { at: 'notified', then: fatal ? (error.linkResetMs ?? 140) : 0 };
  if (fatal) {
    if (error.linkReset === 'fails') failed = true;
    else for (const subject of scope) subject.reset();
    for (const open of opens) open();
    yield { at: 'reset', then: 0 };
  }
  if (failed) {
    giveUp(host, scope);
    yield { at: 'failed', then: 0 };
    return;
  }
  for (const subject of scope) host.uevents.error(subject, 'SUCCESSFUL_RECOVERY');
  yield { at: 'recovered', then: 0 };
  clearStatus(source.subject);
  yield { at: 'cleared', then: 0 };
}
