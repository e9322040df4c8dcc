import { ERS_RESULTS } from '@pci-recovery/core';
import { holds, same } from '../failure.js';
import { type DriverScript } from '../law/script.js';
import { type CaseContext, type ConformanceCase } from './case.js';
import { lawOf, meetsLaw, rowsFor, type Row } from './law.js';

const NEED_RESET: DriverScript = { errorDetected: 'need_reset' };

/** One driver per way that a recovery can take. */
const EVERY_WAY: readonly DriverScript[] = [
  ...ERS_RESULTS.map((vote) => ({ errorDetected: vote })),
  { mmioEnabled: 'need_reset' },
  { mmioEnabled: 'disconnect' },
  { ...NEED_RESET, slotReset: 'disconnect' },
];

/** Rows in which an act fails once, twice … up to as often as it is tried, where the law says how often that is. */
const triesOf = (context: CaseContext, act: string): Row[] =>
  [{}, NEED_RESET, { errorDetected: 'none' as const }].flatMap((a) =>
    rowsFor(context, 'single', { a }).flatMap((row) => {
      const stage = lawOf(context, row).acts.find((one) => one.act === act);
      const tries = stage ? (stage.tries ?? 1) : 0;
      if (tries === 'unseen') return [];
      return Array.from({ length: tries }, (_, index) => ({ ...row, failing: { [act]: index + 1 } }));
    }),
  );

/** Level 2: failure paths, and what is left afterwards. */
export const FAILURE_CASES: readonly ConformanceCase[] = [
  {
    id: 'failure.reset-fails',
    title: 'when the reset fails the law’s way is taken: nobody is resumed, nobody handed back',
    level: 2,
    demands: ['R2.6', 'R3.4'],
    requires: ['layout:two', 'breaks:reset'],
    async run(context) {
      const rows = rowsFor(context, context.two, { a: NEED_RESET, b: NEED_RESET }, { broken: ['reset'] });
      await meetsLaw(context, rows, ['timeline', 'result', 'usable']);
    },
  },
  {
    id: 'failure.no-resume-without-reset',
    title: 'after a reset that failed no driver hears slot_reset or resume',
    level: 2,
    demands: ['R3.4'],
    requires: ['layout:single', 'breaks:reset', 'sees:reset'],
    async run(context) {
      for (const { layout, script, incident, at } of rowsFor(context, 'single', { a: NEED_RESET })) {
        const bench = await context.open({ layout, script });
        bench.subject.breakNext!('reset', 100);
        await bench.recover(incident, at);
        holds(
          bench.resets().every(({ ok }) => ok !== true),
          'A broken reset does not succeed on the bus.',
        );
        const called = bench.journal.entries.map(({ callback }) => callback);
        const wrong = called.filter((callback) => callback === 'slotReset' || callback === 'resume');
        same(wrong, [], `"${incident}": nobody is set up or resumed after a reset that failed.`);
        await context.closeAll();
      }
    },
  },
  {
    id: 'failure.every-act',
    title: 'when any act of the law fails, the law’s way is taken',
    level: 2,
    demands: ['R2.6'],
    requires: ['layout:single', 'breaks'],
    run: (context) =>
      meetsLaw(
        context,
        (context.harness.breaks ?? []).flatMap((act) =>
          [{}, NEED_RESET].flatMap((a) => rowsFor(context, 'single', { a }, { broken: [act] })),
        ),
        ['timeline', 'result', 'usable'],
      ),
  },
  {
    id: 'failure.absent-capability',
    title: 'where a capability is absent the scope says so, and the law’s way without it is taken',
    level: 2,
    demands: ['R4.2'],
    requires: ['layout:single', 'lacks'],
    async run(context) {
      for (const capability of context.harness.lacks ?? []) {
        const lacking = [capability];
        const bench = await context.open({ layout: 'single', lacking });
        const { scope } = await bench.recover(context.recovering[0]!, 'a');
        const found = scope.capabilities[capability];
        holds(found !== true && (found?.absent ?? '').length > 0, `The scope says why "${capability}" is absent.`);
        await context.closeAll();
        await meetsLaw(
          context,
          [{}, NEED_RESET].flatMap((a) => rowsFor(context, 'single', { a }, { lacking })),
        );
      }
    },
  },
  {
    id: 'failure.perm-failure-told',
    title: 'when a recovery fails, every driver hears perm_failure, also those that voted well',
    level: 2,
    demands: ['R3.4', 'R1.4'],
    requires: ['layout:two'],
    async run(context) {
      const [good, bad] = [{ errorDetected: 'can_recover' }, { errorDetected: 'disconnect' }] as const;
      // Where nobody shares a scope, the one that gives up is the one whose error it is.
      const script = context.two === 'pair' ? { a: good, b: bad } : { a: bad, b: good };
      for (const { layout, incident, at } of rowsFor(context, context.two, script)) {
        const row: Row = { layout, script, incident, at };
        const bench = await context.open({ layout, script });
        await bench.recover(incident, at);
        const heard = bench.journal.entries.filter(({ channel }) => channel === 'perm_failure').map(({ name }) => name);
        const law = lawOf(context, row).timeline.filter((token) => token.endsWith('(perm_failure)'));
        holds(law.length > 0, `The law of "${incident}" tells perm_failure when somebody gives up.`);
        const told = law.map((token) => token.slice(0, token.indexOf('.')));
        same(heard, told, `"${incident}": perm_failure is told to everybody whom the law says.`);
        await context.closeAll();
      }
    },
  },
  {
    id: 'failure.given-up',
    title: 'a recovery that policy gives up goes the failure path at once',
    level: 2,
    demands: ['R4.10'],
    requires: ['layout:two'],
    run: (context) =>
      meetsLaw(context, rowsFor(context, context.two, {}, { givenUp: true }), ['timeline', 'result', 'usable']),
  },
  {
    id: 'failure.usable-is-fail-closed',
    title: 'on every way, exactly those are handed back whom the law hands back',
    level: 2,
    demands: ['R1.7'],
    requires: ['layout:two'],
    run: (context) =>
      meetsLaw(
        context,
        EVERY_WAY.flatMap((driver) => rowsFor(context, context.two, { a: driver, b: {} })),
        ['result', 'usable'],
      ),
  },
  {
    id: 'failure.channels-afterwards',
    title: 'on every way, the channel states afterwards are the law’s',
    level: 2,
    demands: ['R1.4'],
    requires: ['layout:two'],
    run: (context) =>
      meetsLaw(
        context,
        EVERY_WAY.flatMap((driver) => rowsFor(context, context.two, { a: driver, b: {} })),
        ['channels'],
      ),
  },
  {
    id: 'failure.uevents',
    title: 'on every way, user space is told what the law says, function by function',
    level: 2,
    demands: ['R1.1'],
    requires: ['layout:two', 'sees:uevent', 'law:uevents'],
    run: (context) =>
      meetsLaw(
        context,
        [...EVERY_WAY, null].flatMap((driver) => rowsFor(context, context.two, { a: driver, b: {} })),
        ['uevents'],
      ),
  },
  {
    id: 'failure.tries-of-an-act',
    title: 'an act is tried as often as the law says: so many failures less one do no harm, so many fail it',
    level: 2,
    demands: ['R2.6', 'R4.8'],
    requires: ['layout:single', 'breaks'],
    run: (context) =>
      meetsLaw(
        context,
        (context.harness.breaks ?? []).flatMap((act) => triesOf(context, act)),
      ),
  },
];
