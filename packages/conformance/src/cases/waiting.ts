import { wait } from '@pci-recovery/core';
import { type Bench } from '../bench/bench.js';
import { holds, same } from '../failure.js';
import { purgingIncidents } from '../law/special-part.js';
import { hasLayout } from '../requirement.js';
import { type CaseContext, type ConformanceCase } from './case.js';
import { allAccounted, spansOf } from './observation.js';

const SLOW_MS = 50;
const NEED_RESET = { errorDetected: 'need_reset' } as const;

/** A machine on which errors of `a` and `b` wait for each other. */
function oneLane({ harness, profile }: CaseContext): string {
  const layout = ['disjoint', 'nested'].find((name) => {
    const lanes = profile.layouts[name]?.lanes;
    return hasLayout(harness, name) && lanes?.['a'] === lanes?.['b'];
  });
  holds(layout !== undefined, 'A law that lets errors purge others has a machine whose errors wait for each other.');
  return layout;
}

async function slowBench(context: CaseContext, layout: string): Promise<Bench> {
  const bench = await context.open({ layout, script: { a: NEED_RESET, b: NEED_RESET } });
  bench.interlude = () => wait(bench.subject.clock, SLOW_MS);
  return bench;
}

/** Level 3: what becomes of errors while they wait. */
export const WAITING_CASES: readonly ConformanceCase[] = [
  {
    id: 'arrivals.overtaken-by-a-reset',
    title: 'an error from before the last reset of its function is dropped: nobody is called, nothing is reset',
    level: 3,
    demands: ['R2.2'],
    requires: ['layout:single', 'sees:reset', 'law:overtaken'],
    async run(context) {
      const incident = context.recovering[0]!;
      const bench = await slowBench(context, 'single');
      bench.subject.inject(incident, 'a');
      await bench.pass(SLOW_MS / 2);
      bench.subject.inject(incident, 'a');
      await bench.calm();
      allAccounted(bench);
      const results = bench.outcomes.map(({ result }) => result);
      same(results, ['recovered', 'ignored'], 'The error that a reset overtook is dropped.');
      same(spansOf(bench.journal.entries).length, 1, 'Drivers are called for the first error only.');
      same(bench.resets().length, 1, 'There is one reset, for the first error.');
      same((await bench.recover(incident, 'a')).result, 'recovered', 'A later error is recovered.');
    },
  },
  {
    id: 'arrivals.purge',
    title: 'an error that the law lets purge takes along what waits inside its scope, and nothing else',
    level: 3,
    demands: ['R4.6'],
    requires: ['law:purge'],
    async run(context) {
      const incident = context.recovering[0]!;
      const layout = oneLane(context);
      for (const purging of purgingIncidents(context.profile)) {
        const bench = await slowBench(context, layout);
        // `a` runs; `c` waits, where there is one; `b` waits, and the purging error of `b` comes.
        const waiting = 'c' in bench.layout.functions ? ['c', 'b'] : ['b'];
        for (const at of ['a', ...waiting]) {
          bench.subject.inject(incident, at);
          await bench.pass(1);
        }
        bench.subject.inject(purging, 'b');
        await bench.calm();
        allAccounted(bench);
        const purged = bench.happened.flatMap((event) => (event.type === 'purged' ? [event.event.device.bdf] : []));
        same(
          purged.map((bdf) => bench.nameOf(bdf)),
          ['b'],
          `A "${purging}" error takes along what waits at "b".`,
        );
        const ignored = bench.outcomes.filter(({ result }) => result === 'ignored');
        same(bench.sorted(ignored.map(({ event }) => event.device)), ['b'], 'Only that has no recovery of its own.');
        const recoveries = new Set(bench.journal.entries.filter(({ name }) => name === 'b').map((one) => one.recovery));
        same(recoveries.size, 1, 'The driver at "b" hears of one recovery.');
        await context.closeAll();
      }
    },
  },
];
