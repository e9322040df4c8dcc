import { ERS_RESULTS, type ErsResult, type Voting } from '@pci-recovery/core';
import { type DriverScript, type Script } from '../law/script.js';
import { type PlatformProfile } from '../profile.js';
import { type CaseContext, type ConformanceCase } from './case.js';
import { same } from '../failure.js';
import { detectorsOf, lawfulKinds, lawOf, meetsLaw, rowsFor, type Row } from './law.js';

const PAIRS = ERS_RESULTS.flatMap((a) => ERS_RESULTS.map((b) => [a, b] as const));

/** A row per incident and pair of votes for one callback. `before`: what both answered until then. */
function pairRows(context: CaseContext, callback: Voting, before: DriverScript): Row[] {
  return PAIRS.flatMap(([a, b]) =>
    rowsFor(context, 'pair', { a: { ...before, [callback]: a }, b: { ...before, [callback]: b } }),
  );
}

/** Triples whose merged vote is another one in another order, in every order. */
export function orderedTriples({ merge }: Pick<PlatformProfile, 'merge'>): (readonly ErsResult[])[] {
  const fold = (votes: readonly ErsResult[]): ErsResult => votes.reduce((sofar, vote) => merge[sofar][vote]);
  const ordersOf = ([a, b, c]: readonly [ErsResult, ErsResult, ErsResult]): ErsResult[][] => [
    [a, b, c],
    [a, c, b],
    [b, a, c],
    [b, c, a],
    [c, a, b],
    [c, b, a],
  ];
  return ERS_RESULTS.flatMap((a, i) =>
    ERS_RESULTS.slice(i).flatMap((b, j) =>
      ERS_RESULTS.slice(i + j).flatMap((c) => {
        const orders = ordersOf([a, b, c]);
        return new Set(orders.map(fold)).size > 1 ? orders : [];
      }),
    ),
  );
}

/** All triples, in walk order and the other way round: where no order matters, none may. */
const anyTriples = (): (readonly ErsResult[])[] =>
  ERS_RESULTS.flatMap((a, i) =>
    ERS_RESULTS.slice(i).flatMap((b, j) =>
      ERS_RESULTS.slice(i + j).flatMap((c) => [[a, b, c] as const, [c, b, a] as const]),
    ),
  );

/** Triples that show how a law folds. */
function tellingTriples(profile: PlatformProfile): (readonly ErsResult[])[] {
  const ordered = orderedTriples(profile);
  return ordered.length > 0 ? ordered : anyTriples();
}

/** Of a timeline, what one function was called for, or touched by; what is under way elsewhere meanwhile does not matter. */
const concerning = (timeline: readonly string[], name: string): string[] =>
  timeline
    .map((token) =>
      token.replace(/ during reset\((.*?)\)/g, (during: string, whom: string) => (whom === name ? during : '')),
    )
    .filter((token) => token.startsWith(`${name}.`) || new RegExp(`^\\w+\\(${name}\\)$`).test(token));

/** Errors of two scopes at the same moment: each ends as its own votes say. */
async function endsByItsOwnVote(context: CaseContext, incident: string, script: Script): Promise<void> {
  const bench = await context.open({ layout: 'disjoint', script });
  for (const at of ['a', 'b']) bench.subject.inject(incident, at);
  await bench.calm();
  const timeline = bench.timeline(lawfulKinds(context, incident));
  for (const at of ['a', 'b']) {
    const law = lawOf(context, { layout: 'disjoint', incident, at, script });
    const what = `"${incident}" errors at "a" and "b" at once, drivers ${JSON.stringify(script)}: "${at}"`;
    const outcome = bench.outcomes.find(({ event }) => bench.nameOf(event.device.bdf) === at);
    same(outcome?.result, law.result, `${what} ends as its own vote says.`);
    same(concerning(timeline, at), concerning(law.timeline, at), `${what} goes the way of its own vote.`);
  }
  await context.closeAll();
}

/** Every incident at every detector of a layout. */
function rowsAtEveryDetector(context: CaseContext, layout: string, script: Script): Row[] {
  const { incidents, layouts } = context.profile;
  return context.recovering.flatMap((incident) =>
    detectorsOf(layouts[layout]!, incidents[incident]!).map((at) => ({ layout, incident, at, script })),
  );
}

const CALLBACKS_ASKED = ['errorDetected', 'mmioEnabled', 'slotReset', 'resume'] as const;

/** Level 2: how the votes of several functions merge, and what those count as that have none. */
export const VOTE_CASES: readonly ConformanceCase[] = [
  {
    id: 'votes.pairs-at-detection',
    title: 'every pair of votes of error_detected merges as the law’s table says',
    level: 2,
    demands: ['R3.4'],
    requires: ['layout:pair'],
    run: (context) => meetsLaw(context, pairRows(context, 'errorDetected', {})),
  },
  {
    id: 'votes.pairs-after-looking',
    title: 'every pair of votes of mmio_enabled merges as the law’s table says',
    level: 2,
    demands: ['R3.4'],
    requires: ['layout:pair'],
    run: (context) => meetsLaw(context, pairRows(context, 'mmioEnabled', {})),
  },
  {
    id: 'votes.pairs-after-reset',
    title: 'every pair of votes of slot_reset merges as the law’s table says',
    level: 2,
    demands: ['R3.4'],
    requires: ['layout:pair'],
    run: (context) => meetsLaw(context, pairRows(context, 'slotReset', { errorDetected: 'need_reset' })),
  },
  {
    id: 'votes.order-of-three',
    title: 'three votes are folded in walk order; where the law’s order does not matter, any order gives the same',
    level: 2,
    demands: ['R3.4'],
    requires: ['layout:triple'],
    run: (context) =>
      meetsLaw(
        context,
        tellingTriples(context.profile).flatMap(([a, b, c]) =>
          rowsFor(context, 'triple', {
            a: { errorDetected: a! },
            b: { errorDetected: b! },
            c: { errorDetected: c! },
          }),
        ),
      ),
  },
  {
    id: 'votes.never-across-scopes',
    title: 'votes of one scope change nothing in another, also when both recover at the same time',
    level: 2,
    demands: ['R2.10'],
    requires: ['layout:disjoint'],
    async run(context) {
      for (const incident of context.recovering)
        for (const [a, b] of PAIRS)
          await endsByItsOwnVote(context, incident, { a: { errorDetected: a }, b: { errorDetected: b } });
    },
  },
  {
    id: 'votes.driverless-endpoint',
    title: 'an endpoint without driver counts as the law says, alone and beside others of any vote',
    level: 2,
    demands: ['R1.3', 'R1.7'],
    requires: ['layout:two'],
    run: (context) =>
      meetsLaw(context, [
        ...rowsFor(context, 'single', { a: null }),
        ...rowsFor(context, context.two, { a: null, b: null }),
        ...ERS_RESULTS.flatMap((vote) => [
          ...rowsFor(context, context.two, { a: null, b: { errorDetected: vote } }),
          ...rowsFor(context, context.two, { a: { errorDetected: vote }, b: null }),
        ]),
      ]),
  },
  {
    id: 'votes.driverless-bridge',
    title: 'a bridge without driver counts as the law says, whoever below it votes what',
    level: 2,
    demands: ['R3.4'],
    requires: ['layout:bridge'],
    run: (context) =>
      meetsLaw(
        context,
        ERS_RESULTS.flatMap((vote) => rowsAtEveryDetector(context, 'bridge', { a: { errorDetected: vote } })),
      ),
  },
  {
    id: 'votes.bridges-with-own-drivers',
    title: 'the platform’s own drivers vote as the law says, between the others in walk order',
    level: 2,
    demands: ['R3.4'],
    requires: ['layout:nested'],
    run: (context) =>
      meetsLaw(
        context,
        ERS_RESULTS.flatMap((vote) => rowsAtEveryDetector(context, 'nested', { a: { errorDetected: vote }, b: {} })),
      ),
  },
  {
    id: 'votes.missing-callback',
    title: 'a driver that lacks one callback counts there as the law says, and is called for the others',
    level: 2,
    demands: ['R1.7', 'R3.4'],
    requires: ['layout:two'],
    run: (context) =>
      meetsLaw(
        context,
        CALLBACKS_ASKED.flatMap((callback) =>
          [{}, { errorDetected: 'need_reset' as const }].flatMap((driver) => [
            ...rowsFor(context, 'single', { a: { ...driver, [callback]: 'absent' } }),
            ...rowsFor(context, context.two, { a: driver, b: { ...driver, [callback]: 'absent' } }),
          ]),
        ),
      ),
  },
];
