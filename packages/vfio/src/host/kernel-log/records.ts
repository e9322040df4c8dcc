import { type Clock } from '@pci-recovery/core';
import { type KernelLogLine, type Lost } from '@pci-recovery/core/linux';
import { KernelLogScanner, type KernelLogRecord, type LogFinding } from '@pci-recovery/pci/kernel-log';

/** How lines are put together. */
export interface KernelLogRecordsOptions {
  readonly clock: Clock;
  /** Milliseconds without a line after which an AER error of several lines is complete. Default 100. */
  readonly quiet?: number;
  /** Findings about lines that were too long, or errors that were too many at a time. */
  readonly report?: (finding: LogFinding) => void;
}

/** What the kernel's log says about AER, DPC, EEH and zPCI; `line` counts the lines that came by. */
export type LiveKernelLogRecord = KernelLogRecord | Lost;

/** As the scanner knows lines of /dev/kmsg: with their level and time. A newline inside makes two lines, as dmesg does. */
const lineOf = ({ level, sequence, microseconds, text }: KernelLogLine): string =>
  `${level},${sequence},${microseconds},-;${text}\n`;

const QUIET = Symbol('quiet');

/** The next line, or that none came for a while. */
async function nextOrQuiet<T>(next: Promise<T>, clock: Clock, quiet: number): Promise<T | typeof QUIET> {
  let timer: Disposable | undefined;
  const silence = new Promise<typeof QUIET>((resolve) => {
    timer = clock.after(quiet, () => resolve(QUIET));
  });
  try {
    return await Promise.race([next, silence]);
  } finally {
    timer?.[Symbol.dispose]();
  }
}

/** Asks for the next line. Who leaves before it came does not hear of its failure any more. */
function ask<T>(iterator: AsyncIterator<T>): Promise<IteratorResult<T>> {
  const next = iterator.next();
  next.catch(() => undefined);
  return next;
}

/**
 * Turns lines into typed records as they come (`@pci-recovery/pci/kernel-log`), formats of Linux 7.3 and older. Losses are
 * told in their place, after what was complete before them. It ends with the lines.
 */
export async function* kernelLogRecords(
  lines: AsyncIterable<KernelLogLine | Lost>,
  { clock, quiet = 100, report }: KernelLogRecordsOptions,
): AsyncGenerator<LiveKernelLogRecord, void, undefined> {
  let ready: LiveKernelLogRecord[] = [];
  const scanner = new KernelLogScanner({
    record: (record) => ready.push(record),
    finding: (finding) => report?.(finding),
  });
  const iterator = lines[Symbol.asyncIterator]();
  let pending = false;
  try {
    let next = ask(iterator);
    for (;;) {
      const result: IteratorResult<KernelLogLine | Lost> | typeof QUIET = pending
        ? await nextOrQuiet(next, clock, quiet)
        : await next;
      const over = result !== QUIET && result.done === true;
      if (result === QUIET || over) scanner.end();
      else if (result.value.kind === 'line') scanner.feed(lineOf(result.value));
      else {
        scanner.end();
        ready.push(result.value);
      }
      pending = result !== QUIET;
      if (result !== QUIET && !over) next = ask(iterator);
      const told = ready;
      ready = [];
      yield* told;
      if (over) return;
    }
  } finally {
    await iterator.return?.();
  }
}
