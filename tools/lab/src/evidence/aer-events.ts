import { isBdf, parseBdf, type Bdf, type Severity } from '@pci-recovery/core';
import { parseTraceLine } from './trace-line.js';

/** What the trace event `ras:aer_event` says (include/ras/ras_event.h:aer_event). */
export interface AerTraceEvent {
  readonly seconds: number;
  readonly bdf: Bdf;
  readonly severity: Severity;
  /** Names of the errors; empty for a fatal one on an endpoint, whose registers are not read. */
  readonly errors: readonly string[];
}

const AER_EVENT =
  /^(\S+) PCIe Bus Error: severity=(Corrected|Fatal|Uncorrected, non-fatal), (.*?)(?:, TLP Header=.*)?$/;

/** As the event prints them. */
const SEVERITIES: Readonly<Record<string, Severity>> = {
  Corrected: 'correctable',
  'Uncorrected, non-fatal': 'nonfatal',
  Fatal: 'fatal',
};

/** The AER events in the lines of a trace. */
export function aerTraceEvents(lines: readonly string[]): readonly AerTraceEvent[] {
  return lines.flatMap((line) => {
    const parsed = parseTraceLine(line);
    if (parsed?.event !== 'aer_event') return [];
    const [, address = '', printed = '', errors = ''] = AER_EVENT.exec(parsed.text) ?? [];
    const severity = SEVERITIES[printed];
    if (!isBdf(address) || severity === undefined) return [];
    const names = errors.split('|').map((name) => name.trim());
    return {
      seconds: parsed.seconds,
      bdf: parseBdf(address),
      severity,
      errors: names.filter(Boolean),
    };
  });
}
