import { type Bench } from '../bench/bench.js';
import { type JournalEntry } from '../bench/journal.js';
import { holds, same } from '../failure.js';

/** The calls of one recovery: from which to which place in the journal. */
interface Span {
  readonly recovery: number;
  readonly first: number;
  last: number;
}

/** One span per recovery, in the order of their first calls. */
export function spansOf(entries: readonly JournalEntry[]): Span[] {
  const spans = new Map<number, Span>();
  entries.forEach(({ recovery }, index) => {
    const span = spans.get(recovery);
    if (span) span.last = index;
    else spans.set(recovery, { recovery, first: index, last: index });
  });
  return [...spans.values()];
}

/** Whether calls of any two recoveries are mixed. */
export const mixed = (entries: readonly JournalEntry[]): boolean =>
  spansOf(entries).some((span, index, all) => all[index + 1] !== undefined && all[index + 1]!.first < span.last);

/** Requires that no two resets touch one function at the same time, and that every reset has ended. */
export function resetsAreWhole(bench: Bench): void {
  const resets = bench.resets();
  const open = resets.filter(({ end }) => end === undefined);
  same(open, [], 'Every reset that begins on the bus ends: no device is left half reset.');
  for (const [index, one] of resets.entries()) {
    for (const other of resets.slice(index + 1)) {
      const apart = other.begin >= one.end! || one.begin >= other.end!;
      const common = one.functions.filter((bdf) => other.functions.includes(bdf));
      holds(apart || common.length === 0, `Two resets of ${common.join(', ')} at the same time.`);
    }
  }
}

/** Requires that every error that was taken in has exactly one outcome. */
export function allAccounted(bench: Bench): void {
  const numbers = (events: readonly { readonly sequence: number }[]): number[] =>
    events.map(({ sequence }) => sequence).sort((a, b) => a - b);
  const outcomes = bench.outcomes.map(({ event }) => event);
  same(numbers(outcomes), numbers(bench.received), 'Every error that was taken in has exactly one outcome.');
}

/** Requires that an interrupted machine is sound: nothing half reset, nobody in the dark, nobody handed back wrongly. */
export function interruptedSoundly(bench: Bench, what: string): void {
  resetsAreWhole(bench);
  allAccounted(bench);
  const { entries } = bench.journal;
  for (const { result, usable, recovery, endedAt, startedAt } of bench.outcomes) {
    const own = entries.filter((entry) => entry.recovery === recovery);
    const heard = (channel: string): Set<string> =>
      new Set(
        own.filter((entry) => entry.channel === channel && entry.callback === 'errorDetected').map((e) => e.name),
      );
    if (result === 'recovered') {
      holds(
        own.some(({ callback }) => callback === 'resume'),
        `${what}: who recovered was resumed.`,
      );
      continue;
    }
    same(usable, [], `${what}: a recovery that was given up hands nobody back.`);
    const told = new Set([...heard('normal'), ...heard('frozen')]);
    const lost = heard('perm_failure');
    for (const name of told) holds(lost.has(name), `${what}: "${name}" heard of the error, so it hears perm_failure.`);
    const during = bench
      .resets()
      .filter(({ begin, byMachine }) => !byMachine && begin >= startedAt && begin <= endedAt);
    holds(
      during.every(({ end }) => end! <= endedAt),
      `${what}: an outcome comes after the end of its resets.`,
    );
  }
}
