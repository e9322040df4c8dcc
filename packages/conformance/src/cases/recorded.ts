import { same } from '../failure.js';
import { type RecordedIncident } from '../profile.js';
import { type ConformanceCase } from './case.js';

/** Level 2: errors that are recorded, and start no recovery. */
export const RECORDED_CASES: readonly ConformanceCase[] = [
  {
    id: 'recorded.never-forwarded',
    title: 'a corrected error is counted and acknowledged, and starts no recovery',
    level: 2,
    demands: ['R1.2'],
    requires: ['layout:two', 'law:recorded'],
    async run(context) {
      for (const incident of context.recorded) {
        const { told, evidence } = context.profile.incidents[incident] as RecordedIncident;
        const bench = await context.open({ layout: context.two });
        const { result } = await bench.recover(incident, 'b');
        same(result, 'ignored', `A "${incident}" error starts no recovery.`);
        same(bench.journal.entries, [], `A "${incident}" error calls nobody's recovery callbacks.`);
        const heard = bench.journal.corrected.map(({ name }) => name);
        same(heard, told ? ['b'] : [], `A "${incident}" error is told to its own function, once, if at all.`);
        if (evidence && context.harness.sees.includes(evidence)) {
          const seen = new Set(bench.timeline([evidence, 'reset']));
          same([...seen], [`${evidence}(b)`], `A "${incident}" error is acknowledged at its function, and no more.`);
        }
        same(bench.resets(), [], `A "${incident}" error brings no reset.`);
        await context.closeAll();
      }
    },
  },
  {
    id: 'recorded.during-a-recovery',
    title: 'a corrected error during a recovery is recorded, and does not disturb it',
    level: 2,
    demands: ['R1.2'],
    requires: ['layout:two', 'law:recorded'],
    async run(context) {
      for (const incident of context.recorded) {
        const bench = await context.open({ layout: context.two });
        bench.interlude = ({ name, callback }) => {
          if (name === 'a' && callback === 'errorDetected') bench.subject.inject(incident, 'b');
        };
        bench.subject.inject(context.recovering[0]!, 'a');
        await bench.ended(2);
        const results = bench.outcomes.map(({ result }) => result).sort();
        same(results, ['ignored', 'recovered'], `A "${incident}" error and the recovery both come to their end.`);
        await context.closeAll();
      }
    },
  },
];
