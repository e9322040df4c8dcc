import { type Bdf } from '@pci-recovery/core';
import { type SysfsPort } from '@pci-recovery/core/linux';

/** A kind of error that is counted. */
export type Counted = 'correctable' | 'nonfatal' | 'fatal';
/** A kind of error that starts a recovery. */
export type Uncorrectable = 'nonfatal' | 'fatal';

/** What a function's counters say happened since they were last read. */
export interface Moved<Kind extends Counted = Uncorrectable> {
  readonly bdf: Bdf;
  readonly severity: Kind;
  /** The kernel's names of the errors; none for a fatal error of an endpoint, whose status is not read. */
  readonly errors: readonly string[];
}

/** One attribute: name → count. */
type Counts = ReadonlyMap<string, bigint>;

const LINE = /^(\S+) (\d{1,20})$/;
const NOTHING: Counts = new Map();

/** What cannot be read as a name and a count is nothing that could have moved. */
function parseCounts(text: string | undefined): Counts {
  const counts = new Map<string, bigint>();
  for (const line of (text ?? '').split('\n').slice(0, 64)) {
    const [, name, count] = LINE.exec(line) ?? [];
    if (name !== undefined && count !== undefined) counts.set(name, BigInt(count));
  }
  return counts;
}

/** Names whose counts changed: they only grow, but for those of a function that was plugged in anew. */
const grown = (before: Counts, now: Counts): string[] =>
  [...now].filter(([name, count]) => count > 0n && count !== (before.get(name) ?? 0n)).map(([name]) => name);

/**
 * The AER counters of functions as they were read last, so that a signal that says nothing can be traced: the kernel counts an
 * error at its source before it starts the recovery, and reading needs neither privilege nor the device.
 *
 * Source: Linux 7.3 drivers/pci/pcie/aer.c:aer_print_error, pci_dev_aer_stats_incr.
 */
export class CounterWatch<Kind extends Counted = Uncorrectable> {
  readonly #sysfs: SysfsPort;
  readonly #kinds: readonly Kind[];
  readonly #trouble: (error: unknown) => void;
  readonly #seen = new Map<string, Counts>();
  /** Readings come one after the other: of two at once, both would tell of the same errors. */
  #reading: Promise<unknown> = Promise.resolve();
  /** What could be read the last time. */
  readonly #readable = new Set<string>();
  #troubled = false;

  /**
   * @param kinds worst first.
   * @param trouble told once when counters cannot be read; they say nothing then.
   */
  constructor(sysfs: SysfsPort, kinds: readonly Kind[], trouble: (error: unknown) => void) {
    this.#sysfs = sysfs;
    this.#kinds = kinds;
    this.#trouble = trouble;
  }

  /** Reads counters, and tells what moved since their last reading, worst first; of a first reading nothing has. Never rejects. */
  moved(functions: Iterable<Bdf>): Promise<readonly Moved<Kind>[]> {
    const all = [...functions];
    return this.#next(async () => {
      const moved: Moved<Kind>[] = [];
      for (const severity of this.#kinds) {
        for (const bdf of all) {
          const names = await this.#grown(bdf, severity);
          if (names.length > 0)
            moved.push({ bdf, severity, errors: names.filter((name) => !name.startsWith('TOTAL_')) });
        }
      }
      return moved;
    });
  }

  /** Functions of which nobody knows what they counted until now: what they have counted is over. `anew`: known ones too. */
  async baseline(functions: Iterable<Bdf>, anew = false): Promise<void> {
    const all = [...functions];
    await this.#next(async () => {
      for (const bdf of all)
        for (const kind of this.#kinds) {
          if (anew) this.#seen.delete(`${bdf} ${kind}`);
          if (!this.#seen.has(`${bdf} ${kind}`)) await this.#grown(bdf, kind);
        }
    });
  }

  /** Counters of any of these functions could be read: an error of theirs would show. */
  tellsOf(functions: Iterable<Bdf>): boolean {
    return [...functions].some((bdf) => this.#kinds.every((kind) => this.#readable.has(`${bdf} ${kind}`)));
  }

  /** A function was plugged in: it counts from 0. */
  restart(bdf: Bdf): void {
    for (const kind of this.#kinds) this.#seen.set(`${bdf} ${kind}`, NOTHING);
  }

  async #grown(bdf: Bdf, kind: Kind): Promise<readonly string[]> {
    const key = `${bdf} ${kind}`;
    this.#readable.delete(key);
    try {
      const now = parseCounts(await this.#sysfs.read(bdf, `aer_dev_${kind}`));
      const before = this.#seen.get(key);
      this.#seen.set(key, now);
      if (now.size > 0) this.#readable.add(key);
      return before ? grown(before, now) : [];
    } catch (error) {
      if (!this.#troubled) this.#trouble(error);
      this.#troubled = true;
      return [];
    }
  }

  #next<T>(read: () => Promise<T>): Promise<T> {
    const result = this.#reading.then(read);
    this.#reading = result;
    return result;
  }
}
