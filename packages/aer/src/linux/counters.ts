import { type Bdf } from '@pci-recovery/core';
import { type SysfsPort } from '@pci-recovery/core/linux';

/** A kind of error that starts a recovery. */
export type Uncorrectable = 'nonfatal' | 'fatal';

/** What a function's counters say happened since they were last read. */
export interface Moved {
  readonly bdf: Bdf;
  readonly severity: Uncorrectable;
  /** The kernel's names of the errors; none for a fatal error of an endpoint, whose status is not read. */
  readonly errors: readonly string[];
}

/** One attribute: name → count. */
type Counts = ReadonlyMap<string, bigint>;

const KINDS: readonly Uncorrectable[] = ['fatal', 'nonfatal'];
const LINE = /^(\S+) (\d{1,20})$/;

/** What cannot be read as a name and a count is nothing that could have moved. */
function parseCounts(text: string | undefined): Counts {
  const counts = new Map<string, bigint>();
  for (const line of (text ?? '').split('\n').slice(0, 64)) {
    const [, name, count] = LINE.exec(line) ?? [];
    if (name !== undefined && count !== undefined) counts.set(name, BigInt(count));
  }
  return counts;
}

/** Names whose counts grew. A function that was plugged in anew counts from 0: everything there is new. */
const grown = (before: Counts, now: Counts): string[] =>
  [...now].filter(([name, count]) => count > 0n && count !== (before.get(name) ?? 0n)).map(([name]) => name);

/**
 * The AER counters of functions as they were read last, so that a signal that says nothing can be traced: the kernel counts an
 * error at its source before it starts the recovery, and reading needs neither privilege nor the device.
 *
 * Source: Linux 7.3 drivers/pci/pcie/aer.c:aer_print_error, pci_dev_aer_stats_incr.
 */
export class CounterWatch {
  readonly #sysfs: SysfsPort;
  readonly #seen = new Map<string, Counts>();

  constructor(sysfs: SysfsPort) {
    this.#sysfs = sysfs;
  }

  /** Reads counters, and tells what moved since their last reading; of a first reading nothing has. Fatal ones first. */
  async moved(functions: Iterable<Bdf>): Promise<readonly Moved[]> {
    const moved: Moved[] = [];
    for (const bdf of functions) {
      for (const severity of KINDS) {
        const key = `${bdf} ${severity}`;
        const before = this.#seen.get(key);
        const now = parseCounts(await this.#sysfs.read(bdf, `aer_dev_${severity}`));
        this.#seen.set(key, now);
        const names = before ? grown(before, now) : [];
        const errors = names.filter((name) => !name.startsWith('TOTAL_'));
        if (names.length > 0) moved.push({ bdf, severity, errors });
      }
    }
    return moved.sort((a, b) => KINDS.indexOf(a.severity) - KINDS.indexOf(b.severity));
  }
}
