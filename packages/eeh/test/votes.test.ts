import { ERS_RESULTS, parseBdf, type Answer, type AnswerForm, type ErsResult } from '@pci-recovery/core';
import { foldAnswer, foldOwnerAnswer, mergeVotes, UEVENT_OF_VOTE } from '../src/votes.js';

const N = 'none';
const C = 'can_recover';
const R = 'need_reset';
const D = 'disconnect';
const V = 'recovered';
const A = 'no_aer_driver';

/**
 * The whole of pci_ers_merge_result (Linux 7.3 arch/powerpc/kernel/eeh_driver.c), written out by hand: row = merged so
 * far, column = new vote, in the order none, can_recover, need_reset, disconnect, recovered, no_aer_driver.
 */
const MERGED: Readonly<Record<ErsResult, readonly ErsResult[]>> = {
  none: [N, C, R, D, V, A],
  can_recover: [C, C, R, D, C, C],
  need_reset: [R, R, R, R, R, R],
  disconnect: [D, D, R, D, D, D],
  recovered: [V, C, R, D, V, V],
  no_aer_driver: [A, C, R, D, V, A],
};

const device = { bdf: parseBdf('0000:01:00.0'), generation: 0 };
const answer = (form: AnswerForm): Answer => ({ ...device, ...form });
const vote = (one: ErsResult): Answer => answer({ gave: 'vote', vote: one });
const GONE = answer({ gave: 'nothing', why: 'gone' });
const fold = (...answers: Answer[]): ErsResult => answers.reduce(foldAnswer, 'none' as ErsResult);
const row = (sofar: ErsResult, one: ErsResult): ErsResult => MERGED[sofar][ERS_RESULTS.indexOf(one)]!;

describe('pci_ers_merge_result', () => {
  for (const sofar of ERS_RESULTS) {
    it.each(ERS_RESULTS.map((one, column) => [one, MERGED[sofar][column]!] as const))(
      `${sofar} merged with %s gives %s`,
      (one, merged) => expect(mergeVotes(sofar, one)).toBe(merged),
    );
  }

  const triples = ERS_RESULTS.flatMap((a) => ERS_RESULTS.flatMap((b) => ERS_RESULTS.map((c) => [a, b, c] as const)));

  it.each(triples)('folds %s, %s, %s from none as the table says, in any order', (a, b, c) => {
    const wanted = [a, b, c].reduce(row, 'none');
    for (const order of [
      [a, b, c],
      [a, c, b],
      [b, a, c],
      [b, c, a],
      [c, a, b],
      [c, b, a],
    ] as const)
      expect(fold(...order.map(vote))).toBe(wanted);
  });

  it('a function without AER driver sinks nobody: with can_recover beside it all is well (unlike AER)', () => {
    expect(fold(vote(A), vote(C))).toBe(C);
    expect(fold(vote(C), vote(A))).toBe(C);
  });
});

describe('a function without device (eeh_pe_report_edev)', () => {
  it.each(ERS_RESULTS)('sets the vote to disconnect after %s', (before) => expect(fold(vote(before), GONE)).toBe(D));

  it.each(ERS_RESULTS)('then merges with a later %s', (later) => expect(fold(GONE, vote(later))).toBe(row(D, later)));

  it('depends on the order: need_reset before it is forgotten, after it lifts it', () => {
    expect(fold(vote(R), GONE)).toBe(D);
    expect(fold(GONE, vote(R))).toBe(R);
    expect(fold(vote(R), GONE, vote(R))).toBe(R);
  });
});

describe('what an answer counts as', () => {
  const MISSING = ['no_driver', 'no_callback'] as const;
  const SILENT = ['faulted', 'withheld'] as const;

  it.each(ERS_RESULTS.flatMap((sofar) => [...MISSING, ...SILENT].map((why) => [sofar, why] as const)))(
    'after %s, nothing because of %s is no vote',
    (sofar, why) => expect(foldAnswer(sofar, answer({ gave: 'nothing', why }))).toBe(sofar),
  );

  it.each(
    ERS_RESULTS.flatMap((sofar) =>
      (['threw', 'overran', 'nonsense', 'stopped'] as const).map((why) => [sofar, why] as const),
    ),
  )('after %s, a callback that %s is a vote for disconnect', (sofar, why) => {
    expect(foldAnswer(sofar, answer({ gave: 'fault', why }))).toBe(row(sofar, D));
    expect(foldOwnerAnswer(sofar, answer({ gave: 'fault', why }))).toBe(row(sofar, D));
  });

  it.each(ERS_RESULTS)('after %s, a function that was only told does not vote', (sofar) =>
    expect(foldAnswer(sofar, answer({ gave: 'told' }))).toBe(sofar),
  );

  it.each(ERS_RESULTS.flatMap((sofar) => MISSING.map((why) => [sofar, why] as const)))(
    'for an owner, after %s, a listener with %s votes disconnect (R1.3)',
    (sofar, why) => expect(foldOwnerAnswer(sofar, answer({ gave: 'nothing', why }))).toBe(row(sofar, D)),
  );

  it.each(ERS_RESULTS.flatMap((sofar) => SILENT.map((why) => [sofar, why] as const)))(
    'for an owner, after %s, a listener that is not asked because it is %s does not vote',
    (sofar, why) => expect(foldOwnerAnswer(sofar, answer({ gave: 'nothing', why }))).toBe(sofar),
  );
});

it('sends the uevent of pci_uevent_ers for each vote', () => {
  expect(ERS_RESULTS.map((one) => UEVENT_OF_VOTE[one])).toEqual([
    'BEGIN_RECOVERY',
    'BEGIN_RECOVERY',
    'BEGIN_RECOVERY',
    'FAILED_RECOVERY',
    'SUCCESSFUL_RECOVERY',
    undefined,
  ]);
});
