/** When a line was logged, as far as its prefix tells. */
export interface LogTime {
  /** As it was printed. */
  readonly printed: string;
  /** Seconds since boot, where the prefix counts from there. */
  readonly seconds?: number;
}

/** A line taken apart. */
export interface LogLine {
  /** What the kernel said, without anything in front, and without blanks at the end. */
  readonly message: string;
  /** 0 (emergency) to 7 (debug). */
  readonly level?: number;
  readonly time?: LogTime;
}

interface Prefix {
  level?: number;
  time?: LogTime;
}

/** One kind of prefix: what it looks like at the beginning, and what it tells. */
interface Layer {
  readonly pattern: RegExp;
  readonly read: (found: RegExpExecArray) => Prefix;
}

const LEVELS: readonly string[] = ['emerg', 'alert', 'crit', 'err', 'warn', 'notice', 'info', 'debug'];

const sinceBoot = (printed: string, seconds: number): Prefix => ({ time: { printed, seconds } });
const wall = (printed: string | undefined): Prefix => (printed === undefined ? {} : { time: { printed } });
const levelOf = (priority: string): Prefix => ({ level: Number(priority) & 7 });

const ISO = String.raw`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?`;
const SYSLOG = String.raw`\p{L}{3,9}\.? {1,2}\d{1,2} \d\d:\d\d:\d\d(?:\.\d{1,9})?`;
const TIME = new RegExp(`^(?:${ISO}|${SYSLOG})`, 'u');

/**
 * Prefixes that may stand in front of a message, each at most 160 characters long: of printk (Linux
 * kernel/printk/printk.c:info_print_prefix), /dev/kmsg (Documentation/ABI/testing/dev-kmsg), dmesg (-T, -d, -e, -x,
 * --time-format iso), syslog and journalctl.
 */
const LAYERS: readonly Layer[] = [
  { pattern: /^<(\d{1,3})>/, read: ([, priority]) => levelOf(priority!) },
  {
    pattern: /^(\d{1,3}),\d{1,19},(\d{1,19}),[^;]{1,64};/,
    read: ([, priority, us]) => ({ ...levelOf(priority!), ...sinceBoot(us!, Number(us) / 1e6) }),
  },
  {
    pattern: /^\[ {0,8}(\d{1,9}\.\d{1,9})(?:,\d)?(?: {1,4}<[^>]{1,24}>)?\] ?/,
    read: ([, printed]) => sinceBoot(printed!, Number(printed)),
  },
  { pattern: /^\[ {0,16}[TC]\d{1,9}\] ?/, read: () => ({}) },
  {
    pattern: /^\[(\p{L}{2,9}\.? \p{L}{2,9}\.? {1,2}\d{1,2} \d\d:\d\d:\d\d \d{4})\] ?/u,
    read: ([, printed]) => wall(printed),
  },
  {
    pattern: /^\[( {0,8}\+\d{1,9}\.\d{1,9}|\p{L}{3}\d\d? {1,2}\d\d:\d\d)\] ?/u,
    read: ([, printed]) => wall(printed!.trim()),
  },
  { pattern: new RegExp(`^(${ISO}) `), read: ([, printed]) => wall(printed) },
  {
    pattern: new RegExp(String.raw`^[a-z0-9]{2,10} {0,8}:(${LEVELS.join('|')}) {0,8}: ?`),
    read: ([, name]) => ({ level: LEVELS.indexOf(name!) }),
  },
  {
    pattern: /^([^[\]]{0,128}?)\bkernel(?:\[\d{1,9}\])?: ?/u,
    read: ([, head]) => wall(TIME.exec(head!)?.[0]),
  },
];

/** Something of a test harness or a pager in front of a line that has the time of printk. */
const FOREIGN = /^.{1,128}?(?=\[ {0,8}\d{1,9}\.\d{6}\] )/u;

/** More prefixes than any tool prints. */
const MOST_LAYERS = 8;

function peel(text: string, prefix: Prefix): string | undefined {
  for (const { pattern, read } of LAYERS) {
    const found = pattern.exec(text);
    if (!found) continue;
    // The innermost time is the kernel's own.
    Object.assign(prefix, read(found));
    return text.slice(found[0].length);
  }
  return undefined;
}

/** Takes the prefixes of a line off. Never throws; what is no known prefix is part of the message. */
export function parseLogLine(line: string): LogLine {
  const prefix: Prefix = {};
  let message = line;
  for (let layers = 0; layers < MOST_LAYERS; layers++) {
    const rest = peel(message, prefix);
    if (rest === undefined) {
      const foreign = prefix.time === undefined ? FOREIGN.exec(message) : null;
      if (!foreign) break;
      message = message.slice(foreign[0].length);
    } else message = rest;
  }
  return { message: message.trimEnd(), ...prefix };
}
