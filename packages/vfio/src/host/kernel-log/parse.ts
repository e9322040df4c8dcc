/** One record of /dev/kmsg (Documentation/ABI/testing/dev-kmsg). */
export interface KmsgRecord {
  /** 0: the kernel itself. A process that writes to /dev/kmsg can use any other, but not this one. */
  readonly facility: number;
  /** 0 (emergency) – 7 (debug). */
  readonly level: number;
  readonly sequence: bigint;
  /** Microseconds since boot. */
  readonly microseconds: bigint;
  /** It is a fragment of a line (`c`). */
  readonly continuation: boolean;
  /** Without the final newline; escapes undone, so that a newline can be in it. */
  readonly text: string;
  /** `SUBSYSTEM=pci`, `DEVICE=+pci:0000:01:00.0`, the first of each key. */
  readonly dictionary: ReadonlyMap<string, string>;
}

const HEADER = /^(\d{1,6}),(\d{1,20}),(\d{1,20}),([^,;]{0,16})(?:,[^;]{0,256})?$/;
const LARGEST = 2n ** 64n - 1n;
const MOST_KEYS = 64;

const ESCAPE = /\\x([0-9a-f]{2})/gi;

/** Undoes `\xNN` (kernel/printk/printk.c:msg_add_ext_text): bytes of UTF-8, unprintable characters, the backslash. */
export function unescapeKmsg(text: string): string {
  if (!text.includes('\\x')) return text;
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  const undone = bytes.replace(ESCAPE, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));
  return Buffer.from(undone, 'latin1').toString('utf8');
}

function dictionaryOf(lines: readonly string[]): Map<string, string> {
  const dictionary = new Map<string, string>();
  for (const line of lines.slice(0, MOST_KEYS)) {
    const at = line.indexOf('=');
    if (line.startsWith(' ') && at > 1) {
      const key = line.slice(1, at);
      if (!dictionary.has(key)) dictionary.set(key, unescapeKmsg(line.slice(at + 1)));
    }
  }
  return dictionary;
}

/**
 * One record as one read of /dev/kmsg gives it: `priority,sequence,microseconds,flags[,…];text`, then lines of a
 * dictionary that begin with a blank. Undefined when it is something else. Never throws.
 */
export function parseKmsg(record: Uint8Array): KmsgRecord | undefined {
  const whole = new TextDecoder().decode(record);
  const semicolon = whole.indexOf(';');
  const header = semicolon < 0 ? null : HEADER.exec(whole.slice(0, Math.min(semicolon, 400)));
  if (!header) return undefined;
  const [, priority, sequence, microseconds, flags] = header;
  const numbers = { sequence: BigInt(sequence!), microseconds: BigInt(microseconds!) };
  if (numbers.sequence > LARGEST || numbers.microseconds > LARGEST) return undefined;
  const [text, ...lines] = whole.slice(semicolon + 1).split('\n');
  return {
    facility: Number(priority) >> 3,
    level: Number(priority) & 7,
    ...numbers,
    continuation: flags!.includes('c'),
    text: unescapeKmsg(text!),
    dictionary: dictionaryOf(lines),
  };
}
