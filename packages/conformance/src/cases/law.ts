import { type RecoveryOutcome, type RecoveryPolicy } from '@pci-recovery/core';
import { type Bench } from '../bench/bench.js';
import { DEADLINE_MS } from '../bench/driver.js';
import { type Script } from '../law/script.js';
import { same } from '../failure.js';
import { type FactKind } from '../fact.js';
import { expectation, type Expectation, type Situation } from '../law/expectation.js';
import { type Incident, type Layout, type Stage } from '../profile.js';
import { type CaseContext } from './case.js';

/** What of an expectation is compared. */
export type Aspect = 'timeline' | 'result' | 'usable' | 'uevents' | 'channels';

/** A situation, without what the context knows. */
export interface Row extends Omit<Situation, 'profile' | 'sees' | 'broken' | 'failing'> {
  /** Acts that the hardware lets fail, always. */
  readonly broken?: readonly string[];
  /** Acts that it lets fail so often. */
  readonly failing?: Readonly<Record<string, number>>;
}

/** How often a broken act fails: more often than any law tries. */
const ALWAYS = 100;

/** A policy that wants the failure path at once. */
const GIVES_UP: RecoveryPolicy = {
  judge: () => ({ verdict: 'give_up', why: 'It is given up.' }),
  deadline: () => DEADLINE_MS,
};

/** A row per incident that starts a recovery, at endpoint `a`. */
export function rowsFor(context: CaseContext, layout: string, script: Script, more: Partial<Row> = {}): Row[] {
  return context.recovering.map((incident) => ({ layout, incident, at: 'a', script, ...more }));
}

/** The kinds of facts that the law of an incident speaks of and the witness can see. */
export function lawfulKinds({ harness, profile }: CaseContext, incident: string): FactKind[] {
  const law = profile.incidents[incident];
  const stages: Stage[] = law?.recovers ? Object.values(law.stages) : [];
  const spoken = new Set(
    stages.flatMap((stage) => (stage.do === 'act' && stage.evidence ? [stage.evidence.kind] : [])),
  );
  // A reset is evidence of something also where the law knows none.
  return harness.sees.filter((kind) => kind === 'reset' || spoken.has(kind));
}

/** The detecting functions of a layout that an incident can have. */
export const detectorsOf = (layout: Layout, incident: Incident): string[] =>
  Object.keys(layout.scopes).filter((name) => incident.detectors?.includes(layout.functions[name]!.kind) ?? true);

/** What the law says about a row. */
export const lawOf = ({ harness, profile }: CaseContext, { broken, failing = {}, ...row }: Row): Expectation =>
  expectation({
    ...row,
    profile,
    sees: harness.sees,
    broken: new Set(broken),
    failing: new Map(Object.entries(failing)),
  });

const describe = ({ layout, incident, at, script, broken = [], failing = {}, held = [] }: Row): string => {
  const acts = broken.length > 0 ? `, while ${broken.join(' and ')} fails` : '';
  const tries = Object.entries(failing).map(([act, times]) => `, while ${act} fails ${times} times`);
  const taken = held.length > 0 ? `, while somebody holds ${held.join(' and ')}` : '';
  return `A "${incident}" error at "${at}" of layout "${layout}", drivers ${JSON.stringify(script)}${acts}${tries.join('')}${taken}`;
};

/** Compares what happened on a bench with the law. */
export function compare(
  context: CaseContext,
  bench: Bench,
  row: Row,
  outcome: RecoveryOutcome,
  aspects: readonly Aspect[],
): void {
  const law = lawOf(context, row);
  const seen: Record<Aspect, () => unknown> = {
    timeline: () => bench.timeline(lawfulKinds(context, row.incident)),
    result: () => outcome.result,
    usable: () => bench.sorted(outcome.usable),
    uevents: () => bench.uevents(),
    channels: () =>
      Object.fromEntries(
        bench.subject.platform.scopeOf(outcome.event).members.map(({ bdf, channel }) => [bench.nameOf(bdf), channel]),
      ),
  };
  for (const aspect of aspects) {
    const wanted = aspect === 'usable' ? [...law.usable].sort() : law[aspect];
    same(seen[aspect](), wanted, `${describe(row)}: ${aspect} as the law says.`);
  }
}

/** Runs rows, each on a machine of its own, and compares each with the law. */
export async function meetsLaw(
  context: CaseContext,
  rows: Iterable<Row>,
  aspects: readonly Aspect[] = ['timeline', 'result'],
): Promise<void> {
  for (const row of rows) {
    const { layout, script, lacking, givenUp, failing = {}, held = [] } = row;
    const policy = givenUp && { policy: GIVES_UP };
    const bench = await context.open({ layout, script, ...(lacking && { lacking }), ...policy });
    for (const act of row.broken ?? []) bench.subject.breakNext!(act, ALWAYS);
    for (const [act, times] of Object.entries(failing)) bench.subject.breakNext!(act, times);
    for (const name of held) await bench.subject.hold!(name);
    compare(context, bench, row, await bench.recover(row.incident, row.at), aspects);
    await context.closeAll();
  }
}
