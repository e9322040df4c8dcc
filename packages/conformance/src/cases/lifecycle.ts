import { wait } from '@pci-recovery/core';
import { type Bench } from '../bench/bench.js';
import { holds, refused, same } from '../failure.js';
import { type Script } from '../law/script.js';
import { type CaseContext, type ConformanceCase } from './case.js';
import { lawOf } from './law.js';
import { allAccounted, interruptedSoundly } from './observation.js';

const SLOW_MS = 50;
const IN_A_ROW = 20;
const GIVES_UP = { errorDetected: 'disconnect' } as const;

/** A recovery that runs, and errors that wait behind it. */
async function busyBench(context: CaseContext): Promise<Bench> {
  const bench = await context.open({ layout: context.two });
  bench.interlude = () => wait(bench.subject.clock, SLOW_MS);
  for (const at of ['a', 'b', 'a']) {
    bench.subject.inject(context.recovering[0]!, at);
    await bench.pass(1);
  }
  holds(bench.received.length > 0, 'The first error is reported.');
  return bench;
}

async function noTimersLeft(context: CaseContext, script: Script): Promise<void> {
  for (const incident of context.recovering) {
    const bench = await context.open({ layout: context.two, script });
    await bench.recover(incident, 'a');
    await bench.close();
    same(bench.subject.clock.pending, 0, `"${incident}", drivers ${JSON.stringify(script)}: no timer is left.`);
    await context.closeAll();
  }
}

/** Level 3: beginning, end, and what comes after a failure. */
export const LIFECYCLE_CASES: readonly ConformanceCase[] = [
  {
    id: 'lifecycle.close-drains',
    title: 'close() lets everything that was taken in come to its own end',
    level: 3,
    demands: ['R3.7'],
    requires: ['layout:two'],
    async run(context) {
      const bench = await busyBench(context);
      await bench.drive(bench.engine.close(), 'The engine closes.');
      allAccounted(bench);
      const results = new Set(bench.outcomes.map(({ result }) => result));
      holds(!results.has('disconnected'), 'Closing gives nothing up.');
      same(bench.outcomes[0]!.result, 'recovered', 'The running recovery comes to its own end.');
    },
  },
  {
    id: 'lifecycle.closed-refuses',
    title: 'a closed engine refuses requests, handlers and exclusive work, and can be closed again',
    level: 3,
    demands: [],
    requires: ['layout:single'],
    async run(context) {
      const bench = await context.open({ layout: 'single' });
      const { event, scope } = await bench.recover(context.recovering[0]!, 'a');
      const { engine } = bench;
      await bench.drive(engine.close(), 'The engine closes.');
      const code = 'ERR_PCI_ENGINE_CLOSED';
      await refused(() => engine.submit(event), 'A closed engine refuses errors.', code);
      await refused(
        () => engine.attach(bench.bdf('top' in bench.layout.functions ? 'top' : 'a'), {}),
        'And handlers.',
        code,
      );
      await refused(() => engine.exclusive(scope, () => 0), 'And exclusive work.', code);
      await bench.drive(engine.close(), 'A closed engine can be closed again.');
    },
  },
  {
    id: 'lifecycle.abort-gives-up',
    title: 'abort() gives up what runs and what waits, by the failure path',
    level: 3,
    demands: ['R3.7'],
    requires: ['layout:two', 'sees:reset'],
    async run(context) {
      const bench = await busyBench(context);
      await bench.drive(bench.engine.abort('The case aborts.'), 'The engine ends.');
      interruptedSoundly(bench, 'An aborted engine');
      same(bench.outcomes[0]!.result, 'disconnected', 'What ran is given up.');
    },
  },
  {
    id: 'lifecycle.after-a-failure',
    title: 'after a failed recovery the next error is recovered again, or the function stays lost, as the law says',
    level: 3,
    demands: ['R1.4'],
    requires: ['layout:single'],
    async run(context) {
      for (const incident of context.recovering) {
        const bench = await context.open({ layout: 'single', script: { a: GIVES_UP } });
        same((await bench.recover(incident, 'a')).result, 'disconnected', `"${incident}": the driver gives up.`);
        const calls = bench.journal.entries.length;
        bench.attached.get('a')![Symbol.dispose]();
        bench.attach('a', {});
        bench.subject.inject(incident, 'a');
        await bench.calm();
        allAccounted(bench);
        const again = context.profile.afterFailure === 'again';
        same(bench.outcomes.at(-1)!.result === 'recovered', again, `"${incident}": recovered again: ${again}.`);
        const resumed = bench.journal.entries.slice(calls).some(({ callback }) => callback === 'resume');
        same(resumed, again, `"${incident}": the driver works again: ${again}.`);
        await context.closeAll();
      }
    },
  },
  {
    id: 'lifecycle.failure-stays-in-its-scope',
    title: 'a failed recovery concerns its own scope only',
    level: 3,
    demands: ['R2.10'],
    requires: ['layout:disjoint'],
    async run(context) {
      for (const incident of context.recovering) {
        const bench = await context.open({ layout: 'disjoint', script: { a: GIVES_UP } });
        await bench.recover(incident, 'a');
        const disturbed = bench.journal.entries.filter(({ name }) => name === 'b');
        same(disturbed, [], `"${incident}" at "a": nobody at "b" hears of it.`);
        const law = lawOf(context, { layout: 'disjoint', incident, at: 'b', script: {} });
        same((await bench.recover(incident, 'b')).result, law.result, `"${incident}" at "b" ends as the law says.`);
        await context.closeAll();
      }
    },
  },
  {
    id: 'lifecycle.many-in-a-row',
    title: 'the tenth recovery goes like the first',
    level: 3,
    demands: [],
    requires: ['layout:single'],
    async run(context) {
      const most = Math.min(IN_A_ROW, (context.profile.repetitionLimit?.count ?? Infinity) - 1);
      for (const incident of context.recovering) {
        const bench = await context.open({ layout: 'single' });
        for (let number = 1; number <= most; number++) {
          const before = bench.journal.entries.length;
          const { result } = await bench.recover(incident, 'a');
          const callbacks = bench.journal.entries.slice(before).map(({ callback }) => callback);
          const law = lawOf(context, { layout: 'single', incident, at: 'a', script: {} });
          same(result, law.result, `"${incident}", recovery ${number} of ${most}.`);
          const calls = law.timeline.filter((token) => token.includes('.')).length;
          same(callbacks.length, calls, `"${incident}", recovery ${number}: as many callbacks as the law says.`);
        }
        await context.closeAll();
      }
    },
  },
  {
    id: 'lifecycle.no-timers-left',
    title: 'when everything has ended, no timer is left',
    level: 3,
    demands: [],
    requires: ['layout:two'],
    async run(context) {
      await noTimersLeft(context, {});
      await noTimersLeft(context, { a: { errorDetected: 'need_reset' } });
      await noTimersLeft(context, { a: { errorDetected: 'overruns' } });
      await noTimersLeft(context, { a: { errorDetected: 'need_reset', slotReset: { late: 'recovered' } } });
      await noTimersLeft(context, { a: GIVES_UP });
    },
  },
  {
    id: 'lifecycle.throwing-observer',
    title: 'an observer that throws disturbs no recovery',
    level: 3,
    demands: [],
    requires: ['layout:single'],
    async run(context) {
      const bench = await context.open({ layout: 'single', toleratesTrouble: true });
      bench.engine.observe(() => {
        throw new Error('The observer throws.');
      });
      const { result } = await bench.recover(context.recovering[0]!, 'a');
      same(result, 'recovered', 'A recovery ends as without the observer.');
      holds(
        bench.happened.some(({ type }) => type === 'trouble'),
        'The other observers hear of it.',
      );
    },
  },
  {
    id: 'lifecycle.unplugged-during-recovery',
    title: 'a function that leaves in the middle of a recovery does not keep it from ending',
    level: 3,
    demands: ['R3.7'],
    requires: ['layout:two', 'unplug'],
    async run(context) {
      for (const incident of context.recovering) {
        const bench = await context.open({ layout: context.two });
        bench.interlude = ({ name, callback, channel }) => {
          if (name === 'b' && callback === 'errorDetected' && channel !== 'perm_failure') bench.subject.unplug!('b');
        };
        await bench.recover(incident, 'a');
        allAccounted(bench);
        bench.interlude = () => undefined;
        const { event } = bench.outcomes[0]!;
        const left = bench.subject.platform.scopeOf(event).members.map(({ bdf }) => bench.nameOf(bdf));
        holds(!left.includes('b'), `"${incident}": who has left is no member of the scope any more.`);
        await context.closeAll();
      }
    },
  },
];
