import { requesterId } from '@pci-recovery/core';
import { AER, AER_CONTROL, AER_ROOT_STATUS, PCIE } from '@pci-recovery/pci';
import { type PciTopology, type TopologyFunction } from '@pci-recovery/pci/topology';
import { type AerRecord } from '../record.js';
import { ADVISORY_NON_FATAL, advisoryStatus } from './anfe.js';
import { type RegisterMap } from './registers.js';

/** How many functions one message can be traced to (Linux 7.3 drivers/pci/pci.h: AER_MAX_MULTI_ERR_DEVICES). */
export const MOST_SOURCES = 5;

/** Reporting of correctable, non-fatal, fatal errors and unsupported requests (Device Control 3:0). */
const REPORTING_ENABLES = 0xf;

/** What a root port or event collector received, of one kind. */
export interface ReceivedError {
  readonly root: TopologyFunction;
  readonly severity: AerRecord['severity'];
  readonly multiple: boolean;
  readonly sourceId: number;
}

/**
 * Takes Root Error Status and Error Source apart: correctable first, then uncorrectable.
 *
 * Source: Linux 7.3 drivers/pci/pcie/aer.c:aer_isr_one_error.
 */
export function receivedErrors(root: TopologyFunction, status: number, source: number): ReceivedError[] {
  const has = (flag: { readonly mask: number }): boolean => (status & flag.mask) !== 0;
  const received: ReceivedError[] = [];
  if (has(AER_ROOT_STATUS.correctableReceived)) {
    const multiple = has(AER_ROOT_STATUS.multipleCorrectableReceived);
    received.push({ root, severity: 'correctable', multiple, sourceId: source & 0xffff });
  }
  if (has(AER_ROOT_STATUS.uncorrectableReceived)) {
    const multiple = has(AER_ROOT_STATUS.multipleUncorrectableReceived);
    const severity = has(AER_ROOT_STATUS.fatalReceived) ? 'fatal' : 'nonfatal';
    received.push({ root, severity, multiple, sourceId: source >>> 16 });
  }
  return received;
}

/** Status and mask of a severity's kind. */
function statusOf(registers: RegisterMap, fn: TopologyFunction, severity: AerRecord['severity']): [number, number] {
  return severity === 'correctable'
    ? [registers.aer(fn.bdf, AER.COR_STATUS), registers.aer(fn.bdf, AER.COR_MASK)]
    : [registers.aer(fn.bdf, AER.UNCOR_STATUS), registers.aer(fn.bdf, AER.UNCOR_MASK)];
}

/** Linux 7.3 drivers/pci/pcie/aer.c:is_error_source. Bus 0 may be an id that the root lost. */
function isSource(registers: RegisterMap, fn: TopologyFunction, error: ReceivedError): boolean {
  if (error.sourceId >> 8 !== 0) {
    if (requesterId(fn.bdf) === error.sourceId) return true;
    if (!error.multiple) return false;
  }
  if ((registers.pcie(fn.bdf, PCIE.DEVICE_CONTROL) & REPORTING_ENABLES) === 0) return false;
  const [status, mask] = statusOf(registers, fn, error.severity);
  return (status & ~mask) !== 0;
}

function* candidates(topology: PciTopology, root: TopologyFunction): Generator<TopologyFunction> {
  yield root;
  if (root.portType === 'rcec') {
    for (const fn of topology.functions()) if (fn.eventCollector === root.bdf) yield fn;
  } else {
    yield* topology.below(root.bdf);
  }
}

/**
 * The functions that an error came from: by id, or by scanning status where the id was lost or several errors are
 * flagged. A single error stops at the first one; at most {@link MOST_SOURCES}.
 *
 * Source: Linux 7.3 drivers/pci/pcie/aer.c:find_source_device, find_device_iter.
 */
export function findSources(registers: RegisterMap, topology: PciTopology, error: ReceivedError): TopologyFunction[] {
  const found: TopologyFunction[] = [];
  for (const fn of candidates(topology, error.root)) {
    if (!isSource(registers, fn, error)) continue;
    found.push(fn);
    if (!error.multiple || found.length === MOST_SOURCES) break;
  }
  return found;
}

/** Whether a fatal error's link is above the function: then its configuration space is not read. */
export const linkMayBeDown = (fn: TopologyFunction): boolean =>
  fn.portType !== 'root_port' && fn.portType !== 'rcec' && fn.portType !== 'downstream_port';

/** What was read of a source. */
type Reading = Omit<AerRecord, 'origin' | 'root' | 'portType' | 'severity' | 'multiple' | 'sourceId'>;

const UNREAD: Reading = { status: 0, mask: 0, advisory: 0, accessible: false };

/** Named properties come first: V8 gives every object whose literal begins with a spread a hidden class of its own. */
const recordOf = (
  { root, multiple, sourceId }: ReceivedError,
  { portType }: TopologyFunction,
  severity: AerRecord['severity'],
  reading: Reading,
): AerRecord => ({
  origin: 'message',
  root: root.bdf,
  ...(portType ? { portType } : {}),
  severity,
  multiple,
  sourceId,
  ...reading,
});

/**
 * Reads what a source has to say; undefined when there is nothing to handle: no AER capability, or no unmasked error.
 * A non-fatal error of a function that answers all ones is escalated to fatal (R1.6); the kernel would drop it.
 *
 * Source: Linux 7.3 drivers/pci/pcie/aer.c:aer_get_device_error_info.
 */
export function readError(registers: RegisterMap, fn: TopologyFunction, error: ReceivedError): AerRecord | undefined {
  const { severity } = error;
  if (registers.of(fn.bdf).aer === 0 && registers.knows(fn.bdf)) return undefined;
  if (severity === 'fatal' && linkMayBeDown(fn)) return recordOf(error, fn, severity, UNREAD);
  if (!registers.answers(fn.bdf)) {
    return severity === 'correctable' ? undefined : recordOf(error, fn, 'fatal', UNREAD);
  }
  const [status, mask] = statusOf(registers, fn, severity);
  if ((status & ~mask) === 0) return undefined;
  const log = readLog(registers, fn, severity, status & ~mask);
  return recordOf(error, fn, severity, { status, mask, accessible: true, ...log });
}

/** First error pointer, header log, and advisory errors behind a correctable one. */
function readLog(
  registers: RegisterMap,
  { bdf }: TopologyFunction,
  severity: AerRecord['severity'],
  unmasked: number,
): Pick<AerRecord, 'advisory' | 'firstError' | 'headerLog'> {
  if (severity === 'correctable' && (unmasked & ADVISORY_NON_FATAL) === 0) return { advisory: 0 };
  const advisory =
    severity === 'correctable'
      ? advisoryStatus(
          registers.pcie(bdf, PCIE.DEVICE_STATUS),
          registers.aer(bdf, AER.UNCOR_STATUS),
          registers.aer(bdf, AER.UNCOR_MASK),
          registers.aer(bdf, AER.UNCOR_SEVERITY),
        )
      : 0;
  const firstError = registers.aer(bdf, AER.CAP_CONTROL) & AER_CONTROL.firstErrorPointer.mask;
  const { aer } = registers.of(bdf);
  const headerLog = [0, 4, 8, 12].map((offset) => registers.read32(bdf, aer + AER.HEADER_LOG + offset));
  return { advisory, firstError, headerLog };
}
