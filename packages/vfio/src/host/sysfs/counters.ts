import { type SysfsFindingCode } from './finding.js';

/** Counters that the kernel prints one a line. */
export interface Counters {
  /** Unsigned, 64 bits, by the kernel's names, in its order. */
  readonly values: ReadonlyMap<string, bigint>;
  /** Lines that are none. */
  readonly findings: readonly { readonly code: SysfsFindingCode; readonly message: string }[];
}

/** Most counters of one attribute: more than twice what any kernel prints. */
const MOST_COUNTERS = 256;
const LARGEST = 2n ** 64n - 1n;

/** A decimal number of up to 64 bits, unsigned; undefined for anything else. */
export function parseU64(digits: string): bigint | undefined {
  if (!/^\d{1,20}$/.test(digits)) return undefined;
  const value = BigInt(digits);
  return value <= LARGEST ? value : undefined;
}

/** Reads lines of `name`, separator, decimal number. Never throws, whatever the text is. */
export function parseCounters(text: string, separator: ' ' | '='): Counters {
  const values = new Map<string, bigint>();
  const findings: { code: SysfsFindingCode; message: string }[] = [];
  const lines = text.split('\n').filter((line) => line !== '');
  for (const line of lines.slice(0, MOST_COUNTERS)) {
    const at = line.lastIndexOf(separator);
    const name = line.slice(0, at);
    const count = parseU64(line.slice(at + 1));
    const shown = JSON.stringify(line.slice(0, 60));
    if (at < 1 || name.length > 64 || count === undefined) {
      findings.push({ code: 'bad_line', message: `${shown} is no counter: a name, "${separator}" and a number.` });
    } else if (values.has(name)) findings.push({ code: 'duplicate', message: `${shown}: "${name}" is there twice.` });
    else values.set(name, count);
  }
  if (lines.length > MOST_COUNTERS) {
    findings.push({ code: 'bad_line', message: `${lines.length} lines; only ${MOST_COUNTERS} were looked at.` });
  }
  return { values, findings };
}
