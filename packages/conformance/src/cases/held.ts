import { ERS_RESULTS } from '@pci-recovery/core';
import { holds, same } from '../failure.js';
import { type CaseContext, type ConformanceCase } from './case.js';
import { lawOf, meetsLaw, type Row } from './law.js';

const NEED_RESET = { errorDetected: 'need_reset' } as const;

/** The error of a held function that is not reported: nothing happens on this host. */
async function isNotReported(context: CaseContext, incident: string): Promise<void> {
  const bench = await context.open({ layout: 'single' });
  await bench.subject.hold!('a');
  bench.subject.inject(incident, 'a');
  await bench.calm();
  same(bench.received, [], `A "${incident}" error of a held function is its holder’s: it is not reported here.`);
  same(bench.journal.entries, [], `A "${incident}" error of a held function calls nobody here.`);
  same(bench.resets(), [], `A "${incident}" error of a held function resets nothing.`);
  await context.closeAll();
}

/** Rows for the error of a held function whose recovery stops, or fails, as the law says. */
const heldRows = (incident: string): Row[] =>
  ERS_RESULTS.map((vote) => ({
    layout: 'single',
    incident,
    at: 'a',
    script: { a: { errorDetected: vote } },
    held: ['a'],
  }));

/** Level 2: functions that somebody beyond this host’s drivers holds. */
export const HELD_CASES: readonly ConformanceCase[] = [
  {
    id: 'held.own-error',
    title:
      'the error of a held function goes to its holder: this host does no more than the law says, and resets nothing',
    level: 2,
    demands: ['R2.5', 'R3.5'],
    requires: ['layout:single', 'hold', 'law:held'],
    async run(context) {
      for (const [incident, first] of Object.entries(context.profile.held!.own)) {
        if (first === null) await isNotReported(context, incident);
        else await meetsLaw(context, heldRows(incident), ['timeline', 'result', 'usable', 'channels']);
      }
    },
  },
  {
    id: 'held.beside-others',
    title:
      'a held function is not called in a recovery of others; after a reset that reached it it is what the law says',
    level: 2,
    demands: ['R4.9'],
    requires: ['layout:nested', 'hold', 'probe', 'sees:reset', 'law:held-beside'],
    async run(context) {
      const incident = context.recovering[0]!;
      for (const script of [{}, { b: NEED_RESET }]) {
        const row: Row = { layout: 'nested', incident, at: 'up', script, held: ['a'] };
        const bench = await context.open({ layout: row.layout, script });
        await bench.subject.hold!('a');
        const { result, usable } = await bench.recover(incident, row.at);
        const called = bench.journal.entries.map(({ name }) => name);
        holds(!called.includes('a'), 'A held function is not called.');
        holds(called.includes('b'), 'The others are called.');
        const law = lawOf(context, row);
        same([result, bench.sorted(usable)], [law.result, [...law.usable].sort()], 'It ends as the law says.');
        const reached = bench.resets().some(({ functions }) => functions.includes(bench.bdf('a')));
        const stopped = reached && context.profile.held!.leftAlone === 'stopped_after_reset';
        same(bench.subject.lets!('a').access, !stopped, `"a" was reset: ${reached}; it is stopped again: ${stopped}.`);
        same(bench.subject.lets!('b').access, true, '"b" works again.');
        await context.closeAll();
      }
    },
  },
  {
    id: 'held.records',
    title: 'records of errors are kept for the holder, as many as the law says, and of more the oldest',
    level: 2,
    demands: ['R2.3'],
    requires: ['layout:single', 'hold', 'law:held-records'],
    async run(context) {
      const most = context.profile.held!.recordsKept!;
      const bench = await context.open({ layout: 'single' });
      await bench.subject.hold!('a');
      const incident = context.recovering[0]!;
      const law = lawOf(context, { layout: 'single', incident, at: 'a', script: {}, held: ['a'] });
      for (let count = 0; count < most + 2; count++) {
        const { result } = await bench.recover(incident, 'a');
        same(result, law.result, `Error ${count + 1}, with room for ${most}: it stays the holder’s.`);
      }
      const sent = bench.received.map(({ raw }) => hex(raw));
      same(new Set(sent).size, most + 2, 'Every error has a record of its own.');
      same(
        takenBy(() => bench.subject.nextRecord!('a'), most + 3),
        sent.slice(0, most),
        'What the holder reads.',
      );
      await bench.recover(incident, 'a');
      same(
        takenBy(() => bench.subject.nextRecord!('a'), 2),
        [hex(bench.received.at(-1)!.raw)],
        'Then there is room.',
      );
    },
  },
];

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');

/** At most so many records. */
function takenBy(next: () => Uint8Array | undefined, most: number): string[] {
  const taken: string[] = [];
  for (let record = next(); record && taken.length < most; record = next()) taken.push(hex(record));
  return taken;
}
