import { wait, type Extent } from '@pci-recovery/core';
import { type Bench } from '../bench/bench.js';
import { holds, same } from '../failure.js';
import { recovering } from '../law/expectation.js';
import { hasLayout } from '../requirement.js';
import { type CaseContext, type ConformanceCase } from './case.js';
import { detectorsOf } from './law.js';
import { allAccounted, mixed, resetsAreWhole, spansOf } from './observation.js';

/** Every callback takes that long: time for others to get in the way. */
const SLOW_MS = 50;

async function slowBench(context: CaseContext, layout: string): Promise<Bench> {
  const driver = { errorDetected: 'need_reset' as const };
  const bench = await context.open({ layout, script: { a: driver, b: driver } });
  bench.interlude = () => wait(bench.subject.clock, SLOW_MS);
  return bench;
}

/** Two errors, the second in the middle of the first's recovery. */
async function twoErrors(
  context: CaseContext,
  layout: string,
  first: string,
  second: string,
  incident = context.recovering[0]!,
): Promise<Bench> {
  const bench = await slowBench(context, layout);
  bench.subject.inject(context.recovering[0]!, first);
  await bench.pass(SLOW_MS / 2);
  bench.subject.inject(incident, second);
  await bench.calm();
  return bench;
}

/** One error while another one's recovery runs, and how their scopes lie to each other. */
interface Meeting {
  readonly layout: string;
  readonly running: string;
  readonly arriving: string;
  readonly extent: Extent;
}

const MEETINGS: readonly Meeting[] = [
  { layout: 'single', running: 'a', arriving: 'a', extent: 'same' },
  { layout: 'pair', running: 'a', arriving: 'b', extent: 'same' },
  { layout: 'nested', running: 'top', arriving: 'a', extent: 'inside' },
  { layout: 'nested', running: 'a', arriving: 'top', extent: 'wider' },
  { layout: 'nested', running: 'a', arriving: 'b', extent: 'disjoint' },
  { layout: 'disjoint', running: 'a', arriving: 'b', extent: 'disjoint' },
];

/** The machine can be made, and both functions can detect their errors. */
function isPossible(context: CaseContext, { layout, running, arriving }: Meeting, incident: string): boolean {
  const { incidents, layouts } = context.profile;
  if (!hasLayout(context.harness, layout)) return false;
  const detects = (name: string, at: string): boolean => detectorsOf(layouts[layout]!, incidents[name]!).includes(at);
  return detects(context.recovering[0]!, running) && detects(incident, arriving);
}

/** What happened to an error that met a running recovery is what the law says. */
async function meetsAsTheLawSays(
  context: CaseContext,
  { layout, running, arriving, extent }: Meeting,
  incident: string,
): Promise<void> {
  const { arrivals, layouts, reports } = context.profile;
  const { lanes } = layouts[layout]!;
  const { arrival, reported: how = reports.recovering } = recovering(context.profile, incident);
  const law = arrival?.[extent] ?? arrivals.law[extent];
  const bench = await twoErrors(context, layout, running, arriving, incident);
  const what = `Layout "${layout}", a "${incident}" error at "${arriving}" while "${running}" recovers`;
  const arrived = bench.happened.flatMap((event) => (event.type === 'arrived' ? [event.arrival] : []));
  const meets = extent !== 'disjoint' || lanes[running] === lanes[arriving];
  const reported = how !== 'counted' || (extent !== 'same' && extent !== 'inside');
  same(bench.received.length, reported ? 2 : 1, `${what}: reported as the law says.`);
  same(arrived, meets && reported ? [law] : [], `${what}: treated as the law says.`);
  allAccounted(bench);
  const folded = bench.outcomes.filter(({ foldedInto }) => foldedInto !== undefined).length;
  same(folded, arrived[0] === 'fold' ? 1 : 0, `${what}: counted with the running recovery only if the law folds it.`);
  await context.closeAll();
}

/** Three functions whose errors wait for each other in one lane; or three errors of one function. */
function queueing({ profile, harness }: CaseContext): { layout: string; functions: readonly string[] } {
  for (const layout of ['disjoint', 'triple']) {
    if (!hasLayout(harness, layout)) continue;
    const { lanes, functions } = profile.layouts[layout]!;
    const three = ['a', 'b', 'c'].filter((name) => Object.hasOwn(functions, name) && lanes[name] === lanes['a']);
    if (three.length === 3) return { layout, functions: three };
  }
  return { layout: 'single', functions: ['a', 'a', 'a'] };
}

/** Level 3: several errors at a time. */
export const CONCURRENCY_CASES: readonly ConformanceCase[] = [
  {
    id: 'concurrency.one-scope-one-recovery',
    title: 'recoveries of one scope run one after the other, and their resets never overlap',
    level: 3,
    demands: ['R3.5'],
    requires: ['layout:single', 'sees:reset'],
    async run(context) {
      for (const [layout, second] of [
        ['single', 'a'],
        ['pair', 'b'],
      ] as const) {
        if (!hasLayout(context.harness, layout)) continue;
        const bench = await twoErrors(context, layout, 'a', second);
        holds(!mixed(bench.journal.entries), 'Callbacks of two recoveries of one scope are never mixed.');
        resetsAreWhole(bench);
        allAccounted(bench);
        await context.closeAll();
      }
    },
  },
  {
    id: 'concurrency.nested-scopes-one-recovery',
    title: 'a recovery waits for one whose scope holds its own, and the other way round',
    level: 3,
    demands: ['R3.5'],
    requires: ['layout:nested', 'sees:reset'],
    async run(context) {
      for (const [first, second] of [
        ['a', 'top'],
        ['top', 'a'],
      ] as const) {
        const bench = await twoErrors(context, 'nested', first, second);
        holds(!mixed(bench.journal.entries), `"${first}" and "${second}" overlap: their callbacks are never mixed.`);
        resetsAreWhole(bench);
        await context.closeAll();
      }
    },
  },
  {
    id: 'concurrency.disjoint-scopes',
    title: 'recoveries of disjoint scopes run side by side, or not, as the law’s lanes say',
    level: 3,
    demands: ['R2.10'],
    requires: ['layout:disjoint'],
    async run(context) {
      for (const layout of ['disjoint', 'nested'].filter((name) => hasLayout(context.harness, name))) {
        const { lanes } = context.profile.layouts[layout]!;
        const bench = await twoErrors(context, layout, 'a', 'b');
        const { entries } = bench.journal;
        same(spansOf(entries).length, 2, `Layout "${layout}": both errors are recovered.`);
        const apart = lanes['a'] !== lanes['b'];
        same(mixed(entries), apart, `Layout "${layout}": "a" and "b" run side by side: ${apart}.`);
        await context.closeAll();
      }
    },
  },
  {
    id: 'arrivals.law',
    title: 'an error that meets a running recovery is folded, queued or purges, as the law says',
    level: 3,
    demands: ['R2.3'],
    requires: ['layout:single'],
    async run(context) {
      for (const meeting of MEETINGS) {
        for (const incident of context.recovering) {
          if (isPossible(context, meeting, incident)) await meetsAsTheLawSays(context, meeting, incident);
        }
      }
    },
  },
  {
    id: 'arrivals.order',
    title: 'errors that wait get their turn in the law’s order',
    level: 3,
    demands: ['R2.3'],
    requires: ['layout:single'],
    async run(context) {
      const { layout, functions } = queueing(context);
      const incident = context.recovering[0]!;
      const bench = await slowBench(context, layout);
      for (const name of functions) {
        bench.subject.inject(incident, name);
        await bench.pass(1);
      }
      await bench.calm();
      allAccounted(bench);
      const order = bench.outcomes
        .filter(({ foldedInto }) => foldedInto === undefined)
        .map(({ event }) => event.sequence);
      same(order.length, functions.length, 'Each of them has its turn.');
      const [first, ...waited] = bench.received.map(({ sequence }) => sequence).filter((one) => order.includes(one));
      const turns = context.profile.arrivals.order === 'fifo' ? waited : waited.reverse();
      same(order, [first, ...turns], `The running one first, then ${context.profile.arrivals.order}.`);
    },
  },
];
