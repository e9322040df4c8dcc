import { type KernelLogRecord, type LogFinding } from './record.js';
import { KernelLogScanner } from './scanner.js';

/** What a log says. */
export interface ScannedKernelLog {
  /** In the order of their first lines. */
  readonly records: readonly KernelLogRecord[];
  /** In the order of the log; empty when all of it was looked at. */
  readonly findings: readonly LogFinding[];
}

/** Bounds of what is kept. */
export interface KernelLogLimits {
  /** Most records, and most findings. Default 100 000; what is more is counted in a finding `records_dropped`. */
  readonly most?: number;
}

/** Characters or bytes that are read before what was found in them is handed on. */
const PIECE = 65536;

/**
 * Finds what a kernel log says about AER, DPC, EEH and zPCI: output of dmesg or journalctl, syslog files, /dev/kmsg.
 * Never throws, whatever the text is; lines about other things are passed over.
 */
export function scanKernelLog(text: string | Uint8Array, { most = 100_000 }: KernelLogLimits = {}): ScannedKernelLog {
  const records: KernelLogRecord[] = [];
  const findings: LogFinding[] = [];
  let dropped = 0;
  let last = 1;
  const keep = <T extends { line: number }>(list: T[], item: T): void => {
    last = Math.max(last, item.line);
    if (list.length < most) list.push(item);
    else dropped++;
  };
  const scanner = new KernelLogScanner({
    record: (record) => keep(records, record),
    finding: (finding) => keep(findings, finding),
  });
  scanner.feed(text);
  scanner.end();
  records.sort((one, other) => one.line - other.line);
  if (dropped > 0) {
    findings.push({ code: 'records_dropped', line: last, message: `${dropped} more than ${most} were dropped.` });
  }
  return { records, findings };
}

function* pieces(chunk: string | Uint8Array): Generator<string | Uint8Array> {
  for (let at = 0; at < chunk.length; at += PIECE) {
    yield typeof chunk === 'string' ? chunk.slice(at, at + PIECE) : chunk.subarray(at, at + PIECE);
  }
}

/**
 * The same for a log that arrives in pieces (of UTF-8 or strings), record by record, also without end: memory stays
 * small however long the log is. Records come as they are complete; findings go to `report` as they are made. What
 * `chunks` throws is thrown on.
 */
export async function* streamKernelLog(
  chunks: AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
  report?: (finding: LogFinding) => void,
): AsyncGenerator<KernelLogRecord, void, undefined> {
  let ready: KernelLogRecord[] = [];
  const take = (): KernelLogRecord[] => {
    const taken = ready;
    ready = [];
    return taken;
  };
  const scanner = new KernelLogScanner({
    record: (record) => ready.push(record),
    finding: (finding) => report?.(finding),
  });
  for await (const chunk of chunks) {
    for (const piece of pieces(chunk)) {
      scanner.feed(piece);
      yield* take();
    }
  }
  scanner.end();
  yield* take();
}
