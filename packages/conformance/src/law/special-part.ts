import { type CaseContext } from '../cases/case.js';
import { holds, same } from '../failure.js';
import { type Harness } from '../harness.js';
import { type PlatformProfile, type Stage } from '../profile.js';

/** Parts of a law that only few platforms have. */
export type SpecialPart =
  /** It names the kinds of its resets. */
  | 'reset-kinds'
  /** Errors that were overtaken by a reset are dropped. */
  | 'overtaken'
  /** Some errors take along what waits. */
  | 'purge'
  /** Something holds for functions that somebody holds: for their own errors, beside others, for records of theirs. */
  | 'held'
  | 'held-beside'
  | 'held-records'
  /** A function that nobody has makes the recovery of the others fail. */
  | 'orphans';

const stagesOf = (profile: PlatformProfile): Stage[] =>
  Object.values(profile.incidents).flatMap((incident) => (incident.recovers ? Object.values(incident.stages) : []));

/** The incidents of a law that take along what waits. */
export const purgingIncidents = ({ incidents }: PlatformProfile): string[] =>
  Object.entries(incidents).flatMap(([name, incident]) =>
    incident.recovers && Object.values(incident.arrival ?? {}).includes('queue_and_purge') ? [name] : [],
  );

/** Part → whether a harness's law has it. */
export const SPECIAL_PARTS: Readonly<Record<SpecialPart, (harness: Harness) => boolean>> = {
  'reset-kinds': ({ profile }) =>
    stagesOf(profile).some((stage) => stage.do === 'act' && stage.evidence?.how !== undefined),
  overtaken: ({ profile }) => profile.dropsOvertaken === true,
  purge: ({ profile }) => purgingIncidents(profile).length > 0,
  held: ({ profile }) => profile.held !== undefined,
  'held-beside': ({ profile }) => profile.held?.leftAlone !== undefined,
  'held-records': ({ profile }) => profile.held?.recordsKept !== undefined,
  orphans: ({ profile }) => profile.orphansSink === true,
};

const NEED_RESET = { errorDetected: 'need_reset' } as const;

/** What must hold where a law does not have some part. */
export const LACKS_SPECIAL: Readonly<Record<SpecialPart, (context: CaseContext) => Promise<void>>> = {
  async 'reset-kinds'(context) {
    const bench = await context.open({ layout: 'single', script: { a: NEED_RESET } });
    await bench.recover(context.recovering[0]!, 'a');
    const named = bench.resets().filter(({ how }) => how !== undefined);
    same(named, [], 'The law names no kinds of resets, but the witness does.');
  },
  async overtaken(context) {
    const bench = await context.open({ layout: 'single', script: { a: NEED_RESET } });
    bench.interlude = ({ callback }) => {
      if (bench.received.length === 1 && callback === 'errorDetected')
        bench.subject.inject(context.recovering[0]!, 'a');
    };
    bench.subject.inject(context.recovering[0]!, 'a');
    await bench.calm();
    const results = new Set(bench.outcomes.map(({ result }) => result));
    same([...results], ['recovered'], 'The law drops no error because a reset overtook it.');
  },
  async purge(context) {
    const bench = await context.open({ layout: 'single' });
    for (const incident of context.recovering) bench.subject.inject(incident, 'a');
    await bench.calm();
    const purged = bench.happened.filter(({ type }) => type === 'purged');
    same(purged, [], 'The law knows no errors that take along what waits.');
  },
  async held({ subject }) {
    const machine = await subject({ layout: 'single' });
    holds(machine.hold === undefined, 'The law knows nothing of functions that somebody holds, but they can be held.');
  },
  async 'held-beside'(context) {
    const { profile, harness, two } = context;
    if (!profile.held) return LACKS_SPECIAL.held(context);
    if (!Object.hasOwn(profile.layouts, two) || harness.layouts?.includes(two) === false) return;
    const bench = await context.open({ layout: two, script: { a: NEED_RESET, b: NEED_RESET } });
    await bench.subject.hold!('b');
    await bench.recover(context.recovering[0]!, 'a');
    const reached = bench.resets().filter(({ functions }) => functions.includes(bench.bdf('b')));
    same(reached, [], 'The law leaves nobody alone whom a reset for others reached: none reaches a held function.');
  },
  async 'held-records'(context) {
    const machine = await context.subject({ layout: 'single' });
    await machine.hold?.('a');
    machine.inject(context.recovering[0]!, 'a');
    same(machine.nextRecord?.('a'), undefined, 'The law keeps no records for a holder.');
  },
  async orphans({ subject }) {
    const { live } = await subject({ layout: 'single' });
    holds(live?.orphan === undefined, 'The law says nothing of functions that nobody has, but there can be some.');
  },
};
