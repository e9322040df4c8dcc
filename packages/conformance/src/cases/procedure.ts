import { ERS_RESULTS, OPERATION_FAILURES, type AnswerForm, type EndStep, type Step } from '@pci-recovery/core';
import { explore, type Alphabet } from '@pci-recovery/core/exploration';
import { holds, same } from '../failure.js';
import { type CaseContext, type ConformanceCase } from './case.js';

/** Everything that can come back to a procedure, and nothing that cannot. */
const ALPHABET: Alphabet = {
  answers: ({ callback }) => [
    ...(callback === 'errorDetected' || callback === 'mmioEnabled' || callback === 'slotReset'
      ? ERS_RESULTS.map((vote): AnswerForm => ({ gave: 'vote', vote }))
      : [{ gave: 'told' } as const]),
    ...(['no_driver', 'no_callback', 'gone', 'faulted', 'withheld'] as const).map((why): AnswerForm => ({
      gave: 'nothing',
      why,
    })),
    ...(['threw', 'overran', 'nonsense', 'stopped'] as const).map((why): AnswerForm => ({ gave: 'fault', why })),
  ],
  results: () => [{ ok: true }, ...OPERATION_FAILURES.map((why) => ({ ok: false, why }) as const)],
};

/** The first steps of a platform's procedure for its own events, recovered and given up. */
async function firstSteps(context: CaseContext, layout: string): Promise<[string, () => Step, readonly string[]][]> {
  const firsts: [string, () => Step, readonly string[]][] = [];
  for (const incident of context.recovering) {
    const bench = await context.open({ layout });
    const { event, scope } = await bench.recover(incident, 'a');
    const { procedure } = bench.subject.platform;
    for (const verdict of ['recover', 'give_up'] as const) {
      const begin = (): Step => procedure.begin({ event, scope, verdict });
      firsts.push([`"${incident}", ${verdict}`, begin, scope.members.map(({ bdf }) => bdf)]);
    }
    await context.closeAll();
  }
  return firsts;
}

function endIsSound(what: string, { result, why, usable }: EndStep, members: readonly string[]): void {
  const strangers = usable.filter(({ bdf }) => !members.includes(bdf));
  same(strangers, [], `${what}: nobody outside the scope is handed back.`);
  holds(why.length > 0, `${what}: an end says why.`);
  if (result === 'disconnected') same(usable, [], `${what}: a failed recovery hands nobody back.`);
}

/** Level 0: what holds for a procedure as a pure function, on every path. */
export const PROCEDURE_CASES: readonly ConformanceCase[] = [
  {
    id: 'procedure.same-input-same-step',
    title: 'a procedure asked twice gives the same step, and its states are plain data',
    level: 0,
    demands: [],
    requires: ['layout:single'],
    async run(context) {
      for (const [what, begin] of await firstSteps(context, 'single')) {
        const step = begin();
        const again = begin();
        same([again.at, again.do, again.state], [step.at, step.do, step.state], `${what}: the same step both times.`);
        same(JSON.parse(JSON.stringify(step.state)), step.state, `${what}: a state is plain data.`);
      }
    },
  },
  {
    id: 'procedure.every-path-ends',
    title: 'every path of a procedure ends; failed recoveries hand nobody back, others only their own members',
    level: 0,
    demands: ['R1.7'],
    requires: ['layout:single'],
    async run(context) {
      for (const [what, begin, members] of await firstSteps(context, 'single')) {
        explore<number>(begin(), {
          alphabet: ALPHABET,
          monitor: {
            initial: 0,
            after(steps) {
              holds(steps < 200, `${what}: a path has more than 200 steps.`);
              return steps + 1;
            },
            end: (_, step) => endIsSound(what, step, members),
          },
        });
      }
    },
  },
];
