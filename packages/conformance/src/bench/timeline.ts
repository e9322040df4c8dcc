import { type Bdf } from '@pci-recovery/core';
import { type FactKind, type WitnessFact } from '../fact.js';
import { actToken, callToken, ueventToken } from '../law/token.js';
import { type JournalEntry } from './journal.js';

/** What is merged into one timeline. */
export interface Seen {
  readonly entries: readonly JournalEntry[];
  readonly facts: readonly WitnessFact[];
  /** Address → name in the layout. */
  readonly names: ReadonlyMap<Bdf, string>;
  /** Kinds of facts that the law speaks of. Others are left out. */
  readonly kinds: ReadonlySet<FactKind>;
}

const nameAll = (functions: readonly Bdf[], names: ReadonlyMap<Bdf, string>): string[] =>
  functions.map((bdf) => names.get(bdf) ?? bdf);

/** Writes facts down as tokens. A reset is one token at its end; one that failed is none. */
class FactTokens {
  readonly #open: string[] = [];
  readonly #seen: Seen;

  constructor(seen: Seen) {
    this.#seen = seen;
  }

  /** Resets that have begun and not ended. */
  get open(): readonly string[] {
    return this.#open;
  }

  token(fact: WitnessFact): string | undefined {
    const { names, kinds } = this.#seen;
    if (fact.kind === 'uevent') return undefined;
    const kind = fact.kind === 'reset_begin' || fact.kind === 'reset_end' ? 'reset' : fact.kind;
    if (!kinds.has(kind)) return undefined;
    const token = actToken(kind, nameAll(fact.functions, names));
    if (fact.kind === 'reset_begin') return void this.#open.push(token);
    if (fact.kind !== 'reset_end') return token;
    const begun = this.#open.indexOf(token);
    if (begun < 0) return `${token} ends without having begun`;
    this.#open.splice(begun, 1);
    return fact.ok ? token : undefined;
  }
}

/**
 * Callbacks and facts in the order in which they happened, as tokens. Facts of one kind about the same functions that
 * follow each other directly count once, except resets.
 */
export function timelineOf(seen: Seen): string[] {
  const timeline: string[] = [];
  const tokens = new FactTokens(seen);
  let next = 0;
  const factsUntil = (end: number): void => {
    for (; next < end; next++) {
      const token = tokens.token(seen.facts[next]!);
      if (token === undefined || (token === timeline.at(-1) && !token.startsWith('reset('))) continue;
      timeline.push(token);
    }
  };
  for (const { name, callback, channel, facts } of seen.entries) {
    factsUntil(facts);
    const during = tokens.open.map((reset) => ` during ${reset}`).join('');
    timeline.push(callToken(name, callback, channel) + during);
  }
  factsUntil(seen.facts.length);
  return [...timeline, ...tokens.open.map((reset) => `${reset} never ends`)];
}

/** What user space was told, in order. */
export const ueventsOf = ({ facts, names }: Pick<Seen, 'facts' | 'names'>): string[] =>
  facts.flatMap((fact) =>
    fact.kind === 'uevent' ? nameAll(fact.functions, names).map((name) => ueventToken(name, fact.event)) : [],
  );

/** The resets that were seen, with what became of them: `ok` is undefined while one is under way. */
export interface SeenReset {
  readonly functions: readonly Bdf[];
  readonly begin: number;
  readonly how?: string;
  readonly byMachine?: true;
  end?: number;
  ok?: boolean;
}

/** All resets on the witness, in the order of their begin. */
export function resetsOf(facts: readonly WitnessFact[]): SeenReset[] {
  const resets: SeenReset[] = [];
  const key = (functions: readonly Bdf[]): string => [...functions].sort().join(' ');
  for (const fact of facts) {
    if (fact.kind === 'reset_begin')
      resets.push({
        ...(fact.how && { how: fact.how }),
        ...(fact.byMachine && { byMachine: fact.byMachine }),
        functions: fact.functions,
        begin: fact.time,
      });
    if (fact.kind !== 'reset_end') continue;
    const begun = resets.find((one) => one.end === undefined && key(one.functions) === key(fact.functions));
    if (begun) Object.assign(begun, { end: fact.time, ok: fact.ok });
  }
  return resets;
}
