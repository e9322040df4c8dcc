import { ERS_RESULTS } from '@pci-recovery/core';
import { holds, same } from '../failure.js';
import { type DriverScript } from '../law/script.js';
import { type ConformanceCase } from './case.js';
import { lawOf, meetsLaw, rowsFor, type Row } from './law.js';

/** Two functions that do the same. */
const both = (driver: DriverScript): Row['script'] => ({ a: driver, b: driver });

const NEED_RESET: DriverScript = { errorDetected: 'need_reset' };

/** Level 2: which callbacks run in which order, and what happens on the bus between them. */
export const SEQUENCE_CASES: readonly ConformanceCase[] = [
  {
    id: 'sequence.look-and-go-on',
    title: 'drivers that can recover are called in the law’s order, and the bus sees what the law says',
    level: 2,
    demands: ['R3.4', 'R2.6'],
    requires: ['layout:single'],
    run: (context) => meetsLaw(context, rowsFor(context, 'single', { a: {} })),
  },
  {
    id: 'sequence.slot-reset-after-need-reset',
    title: 'a driver that needs a reset gets one, and slot_reset after it',
    level: 2,
    demands: ['R3.4', 'R2.6'],
    requires: ['layout:single', 'sees:reset'],
    run: (context) => meetsLaw(context, rowsFor(context, 'single', { a: NEED_RESET })),
  },
  {
    id: 'sequence.reset-between-detection-and-slot-reset',
    title:
      'the reset really happens on the bus: begun after the error_detected that comes before it, ended before the first slot_reset',
    level: 2,
    demands: ['R3.4', 'R3.5'],
    requires: ['layout:single', 'sees:reset'],
    async run(context) {
      for (const row of rowsFor(context, 'single', { a: NEED_RESET })) {
        const { timeline } = lawOf(context, row);
        if (!timeline.includes('a.slotReset')) continue;
        const begins = timeline.findIndex((token) => token.startsWith('reset('));
        const walks = timeline.slice(0, begins).filter((token) => token.startsWith('a.errorDetected(')).length;
        const bench = await context.open({ layout: row.layout, script: row.script });
        await bench.recover(row.incident, row.at);
        const { entries } = bench.journal;
        const told = entries.filter(({ callback }) => callback === 'errorDetected').at(walks - 1);
        const set = entries.find(({ callback }) => callback === 'slotReset');
        holds(told !== undefined && set !== undefined, `"${row.incident}": error_detected and slot_reset were called.`);
        const between = bench.subject.witness().slice(told.facts, set.facts);
        const kinds = between.filter(({ kind }) => kind.startsWith('reset_')).map(({ kind }) => kind);
        same(kinds, ['reset_begin', 'reset_end'], `"${row.incident}": one whole reset on the bus between the two.`);
        await context.closeAll();
      }
    },
  },
  {
    id: 'sequence.one-reset',
    title: 'one error brings at most one reset, however many functions ask for it',
    level: 2,
    demands: ['R3.5'],
    requires: ['layout:two', 'sees:reset'],
    async run(context) {
      for (const row of rowsFor(context, context.two, both(NEED_RESET))) {
        const bench = await context.open({ layout: row.layout, script: row.script });
        await bench.recover(row.incident, row.at);
        const law = lawOf(context, row).timeline.filter((token) => token.startsWith('reset('));
        holds(law.length <= 1, `The law of "${row.incident}" has one reset at most.`);
        same(bench.resets().length, law.length, `"${row.incident}": as many resets on the bus as the law says.`);
        await context.closeAll();
      }
    },
  },
  {
    id: 'sequence.reset-touches-whom-the-law-says',
    title: 'a reset touches the functions that the law says, and no others',
    level: 2,
    demands: ['R2.10', 'R3.6'],
    requires: ['layout:disjoint', 'sees:reset'],
    run: (context) => meetsLaw(context, rowsFor(context, 'disjoint', both(NEED_RESET)), ['timeline', 'usable']),
  },
  {
    id: 'sequence.reset-of-the-right-kind',
    title: 'a reset is of the kind that the law says for the error: none stands in for another',
    level: 2,
    demands: ['R3.6', 'R4.8'],
    requires: ['layout:single', 'sees:reset', 'law:reset-kinds'],
    async run(context) {
      for (const row of rowsFor(context, 'single', { a: NEED_RESET })) {
        const bench = await context.open({ layout: row.layout, script: row.script });
        await bench.recover(row.incident, row.at);
        const law = lawOf(context, row).acts.flatMap(({ evidence }) => evidence?.how ?? []);
        const seen = bench.resets().map(({ how }) => how);
        same(seen, law, `"${row.incident}": the kinds of resets on the bus.`);
        await context.closeAll();
      }
    },
  },
  {
    id: 'sequence.works-again',
    title: 'whoever looked and went on, or was reset, really works again: the hardware lets registers and DMA through',
    level: 2,
    demands: ['R2.6', 'R4.5'],
    requires: ['layout:two', 'probe'],
    async run(context) {
      for (const driver of [{}, NEED_RESET, { mmioEnabled: 'need_reset' as const }]) {
        for (const row of rowsFor(context, context.two, both(driver))) {
          const bench = await context.open({ layout: row.layout, script: row.script });
          const { usable } = await bench.recover(row.incident, row.at);
          for (const name of bench.sorted(usable)) {
            const lets = bench.subject.lets!(name);
            same(lets, { access: true, dma: true }, `"${row.incident}", ${JSON.stringify(driver)}: "${name}" works.`);
          }
          await context.closeAll();
        }
      }
    },
  },
  {
    id: 'sequence.every-first-vote',
    title: 'each vote of error_detected leads where the law says',
    level: 2,
    demands: ['R3.4', 'R1.9'],
    requires: ['layout:single'],
    run: (context) =>
      meetsLaw(
        context,
        ERS_RESULTS.flatMap((vote) => rowsFor(context, 'single', { a: { errorDetected: vote } })),
      ),
  },
  {
    id: 'sequence.every-vote-after-looking',
    title: 'each vote of mmio_enabled leads where the law says',
    level: 2,
    demands: ['R3.4'],
    requires: ['layout:single'],
    run: (context) =>
      meetsLaw(
        context,
        ERS_RESULTS.flatMap((vote) => rowsFor(context, 'single', { a: { mmioEnabled: vote } })),
      ),
  },
  {
    id: 'sequence.every-vote-after-reset',
    title: 'each vote of slot_reset leads where the law says',
    level: 2,
    demands: ['R3.4'],
    requires: ['layout:single'],
    run: (context) =>
      meetsLaw(
        context,
        ERS_RESULTS.flatMap((vote) => rowsFor(context, 'single', { a: { ...NEED_RESET, slotReset: vote } })),
      ),
  },
];
