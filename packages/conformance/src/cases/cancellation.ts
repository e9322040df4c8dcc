import { wait } from '@pci-recovery/core';
import { type Bench } from '../bench/bench.js';
import { same } from '../failure.js';
import { type CaseContext, type ConformanceCase } from './case.js';
import { lawOf, rowsFor, type Row } from './law.js';
import { interruptedSoundly } from './observation.js';
import { takeEvent } from './take-event.js';

const SLOW_MS = 20;
const MOMENTS = 24;
const MS = 1e6;
const NEEDY = { errorDetected: 'need_reset' } as const;

const rows = (context: CaseContext): Row[] => [
  ...rowsFor(context, context.two, { a: NEEDY, b: NEEDY }),
  ...rowsFor(context, context.two, {}),
];

const openRow = ({ open }: CaseContext, { layout, script }: Row): Promise<Bench> => open({ layout, script });

/** Aborts the engine at the `number`th callback, and lets that callback take its time. */
async function abortAtCall(context: CaseContext, row: Row, number: number): Promise<void> {
  const bench = await openRow(context, row);
  bench.interlude = async () => {
    if (bench.journal.entries.length === number) void bench.engine.abort('The case aborts.');
    await wait(bench.subject.clock, SLOW_MS);
  };
  bench.subject.inject(row.incident, row.at);
  await bench.ended(1);
  await bench.calm();
  interruptedSoundly(bench, `"${row.incident}", aborted in callback ${number}`);
  await context.closeAll();
}

/** Aborts the engine `ms` milliseconds after the error. */
async function abortAfter(context: CaseContext, row: Row, ms: number): Promise<void> {
  const bench = await openRow(context, row);
  const { clock } = bench.subject;
  bench.interlude = () => wait(clock, SLOW_MS);
  bench.subject.inject(row.incident, row.at);
  await bench.until(() => bench.received.length > 0, 'The error is reported.');
  clock.after(ms, () => void bench.engine.abort('The case aborts.'));
  await bench.ended(1);
  await bench.calm();
  interruptedSoundly(bench, `"${row.incident}", aborted after ${ms} ms`);
  await context.closeAll();
}

/** How long a recovery takes that nobody interrupts, milliseconds. */
async function durationOf(context: CaseContext, row: Row): Promise<number> {
  const bench = await openRow(context, row);
  bench.interlude = () => wait(bench.subject.clock, SLOW_MS);
  const { startedAt, endedAt } = await bench.recover(row.incident, row.at);
  await context.closeAll();
  return (endedAt - startedAt) / MS;
}

/** Level 3: recoveries that are given up while they run. */
export const CANCELLATION_CASES: readonly ConformanceCase[] = [
  {
    id: 'cancel.in-every-callback',
    title: 'an abort in the middle of any callback leaves nothing half reset and nobody in the dark',
    level: 3,
    demands: ['R3.7'],
    requires: ['layout:two', 'sees:reset'],
    async run(context) {
      for (const row of rows(context)) {
        const calls = lawOf(context, row).timeline.filter((token) => token.includes('.')).length;
        for (let number = 1; number <= calls; number++) await abortAtCall(context, row, number);
      }
    },
  },
  {
    id: 'cancel.at-every-moment',
    title: 'an abort at any moment, resets included, leaves nothing half reset and nobody in the dark',
    level: 3,
    demands: ['R3.7'],
    requires: ['layout:two', 'sees:reset'],
    async run(context) {
      for (const row of rows(context)) {
        const duration = await durationOf(context, row);
        for (let moment = 0; moment <= MOMENTS; moment++) await abortAfter(context, row, (moment * duration) / MOMENTS);
      }
    },
  },
  {
    id: 'cancel.one-request',
    title: 'a caller that gives its request up gets a failed recovery; the engine goes on',
    level: 3,
    demands: ['R3.7'],
    requires: ['layout:disjoint'],
    async run(context) {
      const bench = await context.openIdle({ layout: 'disjoint', script: { a: NEEDY } });
      const event = await takeEvent(bench, context.recovering[0]!, 'a');
      const caller = new AbortController();
      bench.interlude = async ({ name }) => {
        if (name === 'a') caller.abort('The caller gives up.');
        await wait(bench.subject.clock, SLOW_MS);
      };
      const outcome = await bench.drive(bench.engine.submit(event, { signal: caller.signal }), 'The request ends.');
      same([outcome.result, outcome.usable], ['disconnected', []], 'A request that is given up fails closed.');
      interruptedSoundly(bench, 'A request that its caller gave up');
      const other = await takeEvent(bench, context.recovering[0]!, 'b');
      same((await bench.drive(bench.engine.submit(other), 'It ends.')).result, 'recovered', 'Others are recovered.');
    },
  },
  {
    id: 'cancel.waiting-request',
    title: 'a request that is given up while it waits fails when its turn comes, and does not disturb the running one',
    level: 3,
    demands: ['R3.7'],
    requires: ['layout:two'],
    async run(context) {
      const bench = await context.openIdle({ layout: context.two });
      const event = await takeEvent(bench, context.recovering[0]!, 'a');
      bench.interlude = () => wait(bench.subject.clock, SLOW_MS);
      const caller = new AbortController();
      const running = bench.engine.submit(event);
      const waiting = bench.engine.submit(event, { signal: caller.signal });
      caller.abort('The caller gives up.');
      const [first, second] = await bench.drive(Promise.all([running, waiting]), 'Both end.');
      same(first.result, 'recovered', 'The running recovery is not disturbed.');
      if (second.foldedInto !== undefined) return;
      same([second.result, second.usable], ['disconnected', []], 'The waiting one fails closed.');
    },
  },
];
