import { type Severity } from '@pci-recovery/core';
import { CORRECTABLE_ERRORS, setBits, UNCORRECTABLE_ERRORS, type BitTable } from '../registers/index.js';
import { type AerDetail } from './aer-lines.js';
import { type AerLogError, type LogPlace, type LogSubject } from './record.js';

type Detail<Kind extends AerDetail['kind']> = Extract<AerDetail, { kind: Kind }>;

/** The lines of one error, the first of each kind; there is one line per bit. */
export interface ErrorLines {
  readonly place: LogPlace;
  readonly subject: LogSubject;
  lastLine: number;
  readonly seen: { [Kind in Exclude<AerDetail['kind'], 'error_bit'>]?: Detail<Kind> };
  readonly bits: Map<number, Detail<'error_bit'>>;
}

/** Begins an error. */
export const startError = (place: LogPlace, subject: LogSubject): ErrorLines => ({
  place,
  subject,
  lastLine: place.line,
  seen: {},
  bits: new Map(),
});

/** Whether the line can belong to the error: each kind is there once, and either kind of first line begins anew. */
export function belongs(error: ErrorLines, detail: AerDetail): boolean {
  if (detail.kind === 'error_bit') return !error.bits.has(detail.bit);
  const started = error.bits.size > 0 || Object.keys(error.seen).length > 0;
  if (detail.kind === 'bus_error' || detail.kind === 'status_mask') return !started;
  return error.seen[detail.kind] === undefined;
}

/** Adds a line that {@link belongs}. */
export function addLine(error: ErrorLines, detail: AerDetail, line: number): void {
  error.lastLine = line;
  if (detail.kind === 'error_bit') error.bits.set(detail.bit, detail);
  else (error.seen as Record<string, AerDetail>)[detail.kind] = detail;
}

/** What kind of error it was, by the line that says so, or else by the registers. */
function severityOf({ seen }: ErrorLines): Severity | undefined {
  if (seen.bus_error) return seen.bus_error.severity;
  const status = seen.status_mask;
  if (status === undefined) return undefined;
  if (status.register === 'correctable') return 'correctable';
  const severity = seen.uncor_severity?.uncorrectableSeverity;
  // The severity register is printed of uncorrectable errors only.
  if (severity === undefined) return status.register === undefined ? 'correctable' : undefined;
  return status.status & ~status.mask & severity ? 'fatal' : 'nonfatal';
}

function tableOf(severity: Severity | undefined, { seen }: ErrorLines): BitTable | undefined {
  if (severity === 'correctable') return CORRECTABLE_ERRORS;
  return severity !== undefined || seen.status_mask?.register === 'uncorrectable' ? UNCORRECTABLE_ERRORS : undefined;
}

/** What the lines say about the hardware: registers and logs. */
function registersOf({ seen }: ErrorLines): Partial<AerLogError> {
  const status = seen.device_status ?? seen.status_mask;
  const { device_status: device, uncor_severity: severity, tlp_header: log } = seen;
  return {
    ...(device && { vendor: device.vendor, device: device.device }),
    ...(status && { status: status.status, mask: status.mask }),
    ...(severity && { uncorrectableSeverity: severity.uncorrectableSeverity }),
    ...(log && { header: log.header, flit: log.flit, prefixes: log.prefixes }),
  };
}

function bitsOf({ bits }: ErrorLines, table: BitTable | undefined): AerLogError['bits'] {
  return [...bits.values()].map(({ bit, name, first, agent, layer }) => {
    const meaning = table?.find((entry) => entry.bit === bit);
    return { bit, printed: name, first, ...(meaning && { meaning }), ...(agent && { agent }), ...(layer && { layer }) };
  });
}

/** The record that the lines make. */
export function errorRecord(error: ErrorLines): AerLogError {
  const { place, subject, lastLine, seen } = error;
  const severity = severityOf(error);
  const table = tableOf(severity, error);
  const registers = registersOf(error);
  const { status, mask = 0 } = registers;
  const bits = bitsOf(error, table);
  const printed = bits.flatMap(({ meaning }) => meaning ?? []);
  const { bus, layer = seen.layer_agent?.layer, agent = seen.layer_agent?.agent, sourceId } = seen.bus_error ?? {};
  return {
    ...place,
    ...subject,
    platform: 'aer',
    kind: 'error',
    lastLine,
    ...(severity && { severity }),
    ...(bus && { bus }),
    accessible: seen.bus_error?.accessible ?? true,
    ...(layer && { layer }),
    ...(agent && { agent }),
    ...(sourceId !== undefined && { sourceId }),
    ...registers,
    errors: status !== undefined && table ? setBits(status & ~mask, table) : printed,
    bits,
    reportedFirst: seen.reported_first !== undefined,
  };
}
