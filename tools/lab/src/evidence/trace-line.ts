/** A line of the kernel's trace (Documentation/trace/ftrace.rst), taken apart. */
export interface TraceLine {
  /** Seconds, of the trace's own clock. */
  readonly seconds: number;
  /** Name of the thread that ran, and its number. */
  readonly thread: string;
  readonly pid: number;
  readonly cpu: number;
  /** Name of the event. */
  readonly event: string;
  /** What it says. */
  readonly text: string;
}

const LINE = /^\s*(\S.*?)-(\d+)\s+(?:\([\s\d-]+\)\s+)?\[(\d+)\]\s+\S+\s+(\d+\.\d+):\s+(\w+):\s?(.*)$/;

/** Undefined for a line that is no event: a comment, or lost events. */
export function parseTraceLine(line: string): TraceLine | undefined {
  const [, thread, pid, cpu, seconds, event, text] = LINE.exec(line) ?? [];
  if (event === undefined) return undefined;
  return { seconds: Number(seconds), thread: thread!, pid: Number(pid), cpu: Number(cpu), event, text: text! };
}

/** `name="text"` and `name=number` of a kprobe event's text; numbers may be hexadecimal. */
export function probeFields(text: string): Readonly<Record<string, string | number>> {
  const found = [...text.matchAll(/(?:^|\s)(\w+)=(?:"([^"]*)"|(\S+))/g)];
  const fields = found.map(([, name, quoted, bare]) => [name!, quoted ?? asNumber(bare!)] as const);
  return Object.fromEntries(fields);
}

const asNumber = (text: string): string | number => (Number.isNaN(Number(text)) ? text : Number(text));
