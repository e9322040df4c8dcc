import { type RecoveryOutcome } from '@pci-recovery/core';
import { holds, same } from '../failure.js';
import { type DriverScript, type Script } from '../law/script.js';
import { type CaseContext, type ConformanceCase } from './case.js';
import { LiveBench } from './live-bench.js';
import { lawOf, rowsFor, type Row } from './law.js';

const NEED_RESET: DriverScript = { errorDetected: 'need_reset' };
const BOTH_NEED_RESET: Script = { a: NEED_RESET, b: NEED_RESET };

/** So many recoveries come one after the other. */
const IN_A_ROW = 20;
/** Milliseconds after which a signal of the failure itself has come. */
const AFTERMATH_MS = 2_000;

const resetsIn = (context: CaseContext, row: Row): boolean =>
  lawOf(context, row).timeline.some((token) => token.startsWith('reset('));

/** Errors that the law recovers without any reset when drivers can recover. */
const withoutReset = (context: CaseContext): Row[] =>
  rowsFor(context, 'single', { a: {} }).filter(
    (row) => lawOf(context, row).result === 'recovered' && !resetsIn(context, row),
  );

/** Errors after which drivers that ask for it hear `slot_reset`. */
const withSlotReset = (context: CaseContext, layout: string, script: Script): Row[] =>
  rowsFor(context, layout, script).filter((row) => lawOf(context, row).timeline.includes('a.slotReset'));

/** Function `b` is left to nobody, then `a` has an error. */
async function besideAnOrphan(
  context: CaseContext,
  incident: string,
): Promise<{ machine: LiveBench; outcome: RecoveryOutcome }> {
  const machine = await LiveBench.open(context, { layout: 'pair' });
  machine.bench.attached.get('b')![Symbol.dispose]();
  await machine.do((live) => live.orphan!('b'), '"b" is left to nobody.');
  return { machine, outcome: await machine.recover(incident, 'a') };
}

/** Level 4: real errors of real functions. */
export const LIVE_CASES: readonly ConformanceCase[] = [
  {
    id: 'live.corrected-is-counted-only',
    title: 'a corrected error is counted and cleared by the machine, and no driver hears of it',
    level: 4,
    demands: ['R1.2'],
    requires: ['live', 'layout:single', 'law:recorded'],
    async run(context) {
      for (const incident of context.recorded) {
        const machine = await LiveBench.open(context, { layout: 'single' });
        const { counted } = await machine.look('a');
        await machine.inject(incident, 'a');
        await machine.counted(incident, 'a', (counted[incident] ?? 0) + 1);
        // What would be forwarded comes before the next error, whose recovery is the first one therefore.
        await machine.recover(context.recovering[0]!, 'a');
        const { received, journal, outcomes } = machine.bench;
        const forwarded = received.filter(({ severity }) => !['correctable', 'informative'].includes(severity));
        same(forwarded.length, 1, `A "${incident}" error is no event that starts a recovery.`);
        same(new Set(journal.entries.map(({ recovery }) => recovery)).size, 1, `Nobody is called for "${incident}".`);
        same(outcomes.filter(({ result }) => result === 'recovered').length, 1, 'The next error is recovered.');
        holds(!(await machine.look('a')).marked, `Nothing is left of a "${incident}" error.`);
        await context.closeAll();
      }
    },
  },
  {
    id: 'live.goes-on-without-reset',
    title:
      'where the law needs no reset there is none, and the function works on with what was set up before the error',
    level: 4,
    demands: ['R3.4', 'R3.6'],
    requires: ['live', 'layout:single', 'sees:reset'],
    async run(context) {
      for (const row of withoutReset(context)) {
        const machine = await LiveBench.open(context, { layout: 'single' });
        const before = (await machine.look('a')).counted[row.incident] ?? 0;
        machine.meetsLaw(context, row, await machine.recover(row.incident, 'a'));
        await machine.counted(row.incident, 'a', before + 1);
        await machine.work(['a'], `After a "${row.incident}" error`);
        await context.closeAll();
      }
    },
  },
  {
    id: 'live.works-after-a-reset',
    title:
      'after a reset, seen by the machine before slot_reset, the function works again once its driver has set it up',
    level: 4,
    demands: ['R3.4', 'R3.5', 'R3.11'],
    requires: ['live', 'layout:single', 'sees:reset'],
    async run(context) {
      for (const row of withSlotReset(context, 'single', { a: NEED_RESET })) {
        const machine = await LiveBench.open(context, { layout: 'single', script: row.script });
        const { bench } = machine;
        const law = lawOf(context, row);
        const setUp = bench.interlude!;
        let before: number | undefined;
        bench.interlude = async (entry) => {
          if (entry.callback === 'slotReset') {
            await bench.subject.live!.settled();
            before ??= bench.resets().filter(({ ok }) => ok === true).length;
          }
          await setUp(entry);
        };
        machine.meetsLaw(context, row, await machine.recover(row.incident, 'a'));
        same(before, 1, `"${row.incident}": slot_reset comes after the end of the one reset.`);
        await machine.work(['a'], `After a "${row.incident}" error and a reset`);
        holds(!(await machine.look('a')).marked, `Nothing is left of a "${row.incident}" error.`);
        // A function whose error reporting was not restored would be silent from now on.
        same(
          (await machine.recover(row.incident, 'a')).result,
          law.result,
          `The next "${row.incident}" error is seen.`,
        );
        await machine.work(['a'], `After another "${row.incident}" error and a reset`);
        await context.closeAll();
      }
    },
  },
  {
    id: 'live.siblings-are-all-told',
    title: 'all functions that share a scope are told of the error of one, and all work again',
    level: 4,
    demands: ['R3.3', 'R3.4'],
    requires: ['live', 'layout:pair'],
    async run(context) {
      for (const row of withSlotReset(context, 'pair', BOTH_NEED_RESET)) {
        const machine = await LiveBench.open(context, { layout: 'pair', script: row.script });
        const outcome = await machine.recover(row.incident, 'a');
        machine.meetsLaw(context, row, outcome);
        same(machine.bench.sorted(outcome.usable), ['a', 'b'], `"${row.incident}": both are handed back.`);
        await machine.work(['a', 'b'], `After a "${row.incident}" error of "a"`);
        await context.closeAll();
      }
    },
  },
  {
    id: 'live.orphan-sinks-the-others',
    title: 'a function that nobody has makes the machine give up on the others, and so does the backend',
    level: 4,
    demands: ['R1.7', 'R3.7'],
    requires: ['live', 'layout:pair', 'law:orphans'],
    async run(context) {
      for (const incident of context.recovering) {
        const { machine, outcome } = await besideAnOrphan(context, incident);
        same([outcome.result, outcome.usable], ['disconnected', []], `"${incident}" beside a function without driver.`);
        const heard = machine.bench.journal.entries.map(({ callback, channel }) => `${callback} ${channel}`);
        same(heard.at(-1), 'errorDetected perm_failure', `"${incident}": the driver hears last that all is lost.`);
        holds(!heard.some((call) => call.startsWith('resume')), `"${incident}": nobody is resumed.`);
        if (context.harness.sees.includes('uevent')) {
          const gaveUp = (): boolean => machine.bench.uevents().includes('a: FAILED_RECOVERY');
          await machine.until(gaveUp, `"${incident}": the machine says that it gave up.`);
        }
        await context.closeAll();
      }
    },
  },
  {
    id: 'live.failure-is-no-new-error',
    title: 'what the machine signals when it gives up is the end of that error, not another one',
    level: 4,
    demands: ['R1.1', 'R3.5'],
    requires: ['live', 'layout:pair', 'law:orphans'],
    async run(context) {
      for (const incident of context.recovering) {
        const { machine } = await besideAnOrphan(context, incident);
        await machine.bench.pass(AFTERMATH_MS);
        await machine.settled();
        same(machine.bench.received.length, 1, `A "${incident}" error that the machine gave up is one event.`);
        same(machine.bench.outcomes.length, 1, `A "${incident}" error that the machine gave up has one outcome.`);
        await context.closeAll();
      }
    },
  },
  {
    id: 'live.gone-during-recovery',
    title: 'a function that is taken away in the middle of a recovery is not handed back, and the recovery ends',
    level: 4,
    demands: ['R3.7'],
    requires: ['live', 'layout:single'],
    async run(context) {
      const machine = await LiveBench.open(context, { layout: 'single', script: { a: NEED_RESET } });
      const { bench } = machine;
      let taken = false;
      bench.interlude = async ({ callback }) => {
        if (callback !== 'errorDetected' || taken) return;
        taken = true;
        await bench.subject.live!.unplug('a');
      };
      await machine.inject(context.recovering[0]!, 'a');
      await bench.ended(1);
      const [outcome] = bench.outcomes;
      same([outcome!.result, outcome!.usable], ['disconnected', []], 'A function that is gone is not handed back.');
      const resumed = bench.journal.entries.some(({ callback }) => callback === 'resume');
      holds(!resumed, 'A function that is gone is not resumed.');
    },
  },
  {
    id: 'live.many-leave-nothing-open',
    title: `${IN_A_ROW} recoveries in a row go like the first, are counted one by one, and leave no descriptor open`,
    level: 4,
    demands: ['R3.5'],
    requires: ['live', 'layout:single'],
    async run(context) {
      const rows = withSlotReset(context, 'single', { a: NEED_RESET });
      const machine = await LiveBench.open(context, { layout: 'single', script: { a: NEED_RESET } });
      for (const { incident } of rows) await machine.recover(incident, 'a');
      const { counted } = await machine.look('a');
      const open = await machine.do((live) => live.descriptors(), 'Descriptors are counted.');
      for (let number = 0; number < IN_A_ROW; number++) {
        const { result } = await machine.recover(rows[number % rows.length]!.incident, 'a');
        same(result, 'recovered', `Recovery ${number + 1} of ${IN_A_ROW}.`);
      }
      await machine.work(['a'], `After ${IN_A_ROW} recoveries`);
      for (const [index, { incident }] of rows.entries()) {
        const share = Math.ceil((IN_A_ROW - index) / rows.length);
        await machine.counted(incident, 'a', (counted[incident] ?? 0) + share);
      }
      const left = await machine.do((live) => live.descriptors(), 'Descriptors are counted.');
      same(left, open, `Descriptors that are open after ${IN_A_ROW} recoveries.`);
    },
  },
  {
    id: 'live.restart-finds-nothing',
    title: 'whoever starts again after a recovery finds nothing broken: what was recovered is healthy',
    level: 4,
    demands: ['R3.7'],
    requires: ['live', 'layout:single'],
    async run(context) {
      for (const row of withSlotReset(context, 'single', { a: NEED_RESET })) {
        const machine = await LiveBench.open(context, { layout: 'single', script: row.script });
        same((await machine.recover(row.incident, 'a')).result, 'recovered', `"${row.incident}" is recovered.`);
        await machine.bench.drive(machine.bench.engine.close(), 'The engine closes.');
        const platform = await machine.do((live) => live.restart(), 'The platform starts again.');
        const survey = platform.survey({ signal: new AbortController().signal });
        const found = await machine.bench.drive(Promise.resolve(survey), 'survey() comes back.');
        same(found, [], `A survey after a "${row.incident}" error that was recovered.`);
        await context.closeAll();
      }
    },
  },
];
