import { type PhbDiagData } from '../diag-data.js';
import { type DiagFinding } from '../finding.js';
import { LinuxLines } from './linux-lines.js';
import { SkibootLines } from './skiboot-lines.js';

/** Most characters of a line that are looked at: no line of a dump is nearly as long. */
const LONGEST_LINE = 1024;

/** What a text held. */
export interface ParsedPhbDiag {
  /** In the order in which they ended. */
  readonly dumps: readonly PhbDiagData[];
  /** In the order of the text. */
  readonly findings: readonly DiagFinding[];
}

/** Bounds of what is kept. */
export interface PhbDiagTextLimits {
  /** Most dumps, and most findings. Default 1000; what is more is counted in a finding `overflow`. */
  readonly most?: number;
}

/** Keeps the first `most`, counts the rest. */
class Bounded<T> {
  readonly list: T[] = [];
  dropped = 0;

  constructor(readonly most: number) {}

  add(item: T): void {
    if (this.list.length < this.most) this.list.push(item);
    else this.dropped++;
  }
}

/**
 * Finds the dumps of PHB diagnostic data in log text (R4.7): those of Linux, old and new, and those of skiboot, with
 * whatever stands before them on a line and between them. Never throws, whatever the text is.
 */
export function parsePhbDiagText(text: string, { most = 1000 }: PhbDiagTextLimits = {}): ParsedPhbDiag {
  const dumps = new Bounded<PhbDiagData>(most);
  const findings = new Bounded<DiagFinding>(most);
  let at = 0;
  const sink = {
    dump: (data: PhbDiagData): void => dumps.add(data),
    report: (code: DiagFinding['code'], message: string): void => findings.add({ code, at, message }),
  };
  const readers = [new LinuxLines(sink), new SkibootLines(sink)];
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(start, Math.min(end, start + LONGEST_LINE));
    at++;
    readers.some((reader) => reader.take(line));
    start = end + 1;
  }
  for (const reader of readers) reader.end();
  const dropped = dumps.dropped + findings.dropped;
  if (dropped === 0) return { dumps: dumps.list, findings: findings.list };
  const message = `${dumps.dropped} dumps and ${findings.dropped} findings more than ${most} were dropped.`;
  return { dumps: dumps.list, findings: [...findings.list, { code: 'overflow', at, message }] };
}
