import { type AerTraceEvent, type Lost } from '@pci-recovery/core/linux';
import { isSysfsBdf } from '../sysfs/sysfs.js';

/** What a line of a trace pipe says: an event, a loss, something that is not ours, or nothing that can be read. */
export type TraceLine = AerTraceEvent | Lost | 'other' | 'unreadable';

/** Longest line that is looked at. */
export const LONGEST_TRACE_LINE = 4096;

const LOST = /^CPU:\d{1,6} \[LOST (?:(\d{1,15}) )?EVENTS\]$/;
/** Process, processor, flags, time; then the event, whose name no process can forge a second time behind it. */
const EVENT = /^.{1,64}? {1,16}\[\d{1,6}\] .{0,32}?\d{1,12}\.\d{1,9}: aer_event: (.*)$/;
const MESSAGE =
  /^(\S{1,32}) (?:PCIe|CXL|\S{1,16}) Bus Error: severity=(Corrected|Fatal|Uncorrected(?:, non-fatal)?), (.{0,2048}?)(?:, TLP Header=(.{0,1024}))?$/;
const SEVERITIES: Readonly<Record<string, AerTraceEvent['severity']>> = { Corrected: 'corrected', Fatal: 'fatal' };

/** More dwords than any log has: 14 in Flit Mode. */
const MOST_DWORDS = 16;

/**
 * The header's dwords: `{0x4a000001,0x2000008,0x0,0x0}`, four of them, fourteen in Flit Mode, with or without braces;
 * what stands behind the braces (a prefix log) is passed over. Undefined when it was not logged, null when it is none.
 */
function headerOf(text: string | undefined): number[] | undefined | null {
  if (text === undefined || text === 'Not available') return undefined;
  const inside = /^\{([^}]*)\}/.exec(text)?.[1] ?? text;
  const words = inside.split(/[\s,]+/).filter((word) => word !== '');
  const fits =
    words.length > 0 && words.length <= MOST_DWORDS && words.every((word) => /^(?:0x)?[0-9a-f]{1,8}$/i.test(word));
  return fits ? words.map((word) => parseInt(word, 16)) : null;
}

/**
 * One `ras:aer_event` as trace_pipe prints it (include/ras/ras_event.h; kernel/trace/trace.c:print_trace_line), of Linux
 * 7.3 and of versions that print no header. A bit that the kernel has no name for is `0x…`. Never throws.
 */
export function parseTraceLine(line: string): TraceLine {
  if (line === '' || line.startsWith('#')) return 'other';
  const lost = LOST.exec(line);
  if (lost) return { kind: 'lost', count: lost[1] === undefined ? undefined : Number(lost[1]) };
  const message = EVENT.exec(line)?.[1];
  if (message === undefined) return line.includes('aer_event:') ? 'unreadable' : 'other';
  return parseAerEvent(message) ?? 'unreadable';
}

/** What follows `aer_event: `; undefined when it is something else. */
export function parseAerEvent(message: string): AerTraceEvent | undefined {
  const [, bdf, severity, flags, header] = MESSAGE.exec(message) ?? [];
  const tlpHeader = headerOf(header);
  if (bdf === undefined || !isSysfsBdf(bdf) || tlpHeader === null) return undefined;
  return {
    kind: 'aer_event',
    bdf,
    severity: SEVERITIES[severity!] ?? 'nonfatal',
    errors: flags!.split('|').filter((name) => name !== ''),
    ...(tlpHeader && { tlpHeader }),
  };
}
