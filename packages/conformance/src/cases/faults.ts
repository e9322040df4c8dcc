import { type Voting } from '@pci-recovery/core';
import { DEADLINE_MS } from '../bench/driver.js';
import { holds, same } from '../failure.js';
import { FAULTS, type Behaviour, type DriverScript } from '../law/script.js';
import { type CaseContext, type ConformanceCase } from './case.js';
import { meetsLaw, rowsFor, type Row } from './law.js';

const VOTING = ['errorDetected', 'mmioEnabled', 'slotReset'] as const satisfies readonly Voting[];

/** What leads to a callback. */
const BEFORE: Readonly<Record<Voting, DriverScript>> = {
  errorDetected: {},
  mmioEnabled: {},
  slotReset: { errorDetected: 'need_reset' },
};

/** A faulty function alone, and one beside a sound one. */
function faultyRows(context: CaseContext, behaviour: Behaviour): Row[] {
  return VOTING.flatMap((callback) => {
    const a = { ...BEFORE[callback], [callback]: behaviour };
    return [...rowsFor(context, 'single', { a }), ...rowsFor(context, context.two, { a, b: BEFORE[callback] })];
  });
}

const MS = 1e6;

/** Level 2: drivers that misbehave. */
export const FAULT_CASES: readonly ConformanceCase[] = [
  {
    id: 'faults.every-kind',
    title: 'a callback that throws, rejects, overruns or answers nonsense counts as the law says, at most disconnect',
    level: 2,
    demands: ['R1.7', 'R3.7'],
    requires: ['layout:two'],
    run: (context) =>
      meetsLaw(
        context,
        FAULTS.flatMap((fault) => faultyRows(context, fault)),
        ['timeline', 'result', 'usable'],
      ),
  },
  {
    id: 'faults.not-called-again',
    title: 'a function whose callback failed is not called again and not handed back, even if a sibling gets its reset',
    level: 2,
    demands: ['R1.7'],
    requires: ['layout:two'],
    async run(context) {
      for (const fault of FAULTS) {
        const script = { a: { errorDetected: fault }, b: { errorDetected: 'need_reset' as const } };
        for (const row of rowsFor(context, context.two, script)) {
          const bench = await context.open({ layout: row.layout, script });
          const { usable } = await bench.recover(row.incident, row.at);
          const calls = bench.journal.entries.filter(({ name }) => name === 'a').length;
          same(calls, 1, `"${row.incident}": a function that ${fault} is called once.`);
          holds(!bench.sorted(usable).includes('a'), `"${row.incident}": a function that ${fault} is not handed back.`);
          await context.closeAll();
        }
      }
      await meetsLaw(
        context,
        FAULTS.flatMap((fault) =>
          rowsFor(context, context.two, { a: { errorDetected: fault }, b: { errorDetected: 'need_reset' } }),
        ),
        ['timeline', 'result', 'usable'],
      );
    },
  },
  {
    id: 'faults.deadline-is-kept',
    title: 'a callback that never answers is waited for until its deadline, no shorter and no longer',
    level: 2,
    demands: ['R3.7'],
    requires: ['layout:two'],
    async run(context) {
      for (const { incident } of rowsFor(context, context.two, {})) {
        const bench = await context.open({ layout: context.two, script: { a: { errorDetected: 'overruns' } } });
        const { endedAt } = await bench.recover(incident, 'a');
        const [first, second] = bench.journal.entries;
        // Alone there is nobody to go on with: the recovery fails, and is over.
        const goesOn = context.two === 'pair' ? second?.time : endedAt;
        holds(goesOn !== undefined, `"${incident}": the next function is asked all the same.`);
        same(goesOn - first!.time, DEADLINE_MS * MS, `"${incident}": it goes on at the deadline.`);
        await context.closeAll();
      }
    },
  },
  {
    id: 'faults.late-vote',
    title: 'a vote that comes after the deadline changes nothing',
    level: 2,
    demands: ['R3.7'],
    requires: ['layout:two'],
    run: (context) =>
      meetsLaw(
        context,
        (['recovered', 'need_reset', 'can_recover'] as const).flatMap((vote) => faultyRows(context, { late: vote })),
        ['timeline', 'result', 'usable'],
      ),
  },
  {
    id: 'faults.failing-resume',
    title: 'a function that fails in resume is not handed back; the others are',
    level: 2,
    demands: ['R1.7'],
    requires: ['layout:two'],
    run: (context) =>
      meetsLaw(
        context,
        FAULTS.filter((fault) => fault !== 'nonsense').flatMap((fault) =>
          rowsFor(context, context.two, { a: { errorDetected: 'need_reset', resume: fault }, b: {} }),
        ),
        ['timeline', 'usable'],
      ),
  },
  {
    id: 'faults.driver-leaves',
    title: 'a driver that goes away in the middle of a recovery is not called any more, and the recovery ends',
    level: 2,
    demands: ['R3.7'],
    requires: ['layout:two'],
    async run(context) {
      // Alone it leaves in its own callback.
      const last = context.two === 'pair' ? 'b' : 'a';
      for (const incident of context.recovering) {
        const driver: DriverScript = { errorDetected: 'need_reset' };
        const bench = await context.open({ layout: context.two, script: { a: driver, b: driver } });
        bench.interlude = ({ name, callback }) => {
          if (name === last && callback === 'errorDetected') bench.attached.get('a')![Symbol.dispose]();
        };
        await bench.recover(incident, 'a');
        const calls = bench.journal.entries.filter(({ name }) => name === 'a');
        same(calls.length, 1, `"${incident}": a driver that has left is not called any more.`);
        await context.closeAll();
      }
    },
  },
];
