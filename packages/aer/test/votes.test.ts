import { ERS_RESULTS, parseBdf, type Answer, type AnswerForm, type ErsResult } from '@pci-recovery/core';
import { detectedVote, laterVote, mergeVotes, ownerVote, UEVENT_OF_VOTE } from '../src/votes.js';

/**
 * The whole of merge_result (Linux 7.3 drivers/pci/pcie/err.c), written out by hand: row = merged so far, column = new
 * vote, in the order none, can_recover, need_reset, disconnect, recovered, no_aer_driver.
 */
const N = 'none';
const C = 'can_recover';
const R = 'need_reset';
const D = 'disconnect';
const V = 'recovered';
const A = 'no_aer_driver';
const MERGED: Readonly<Record<ErsResult, readonly ErsResult[]>> = {
  none: [N, N, N, N, N, A],
  can_recover: [C, C, R, D, V, A],
  need_reset: [R, R, R, R, R, A],
  disconnect: [D, D, R, D, D, A],
  recovered: [V, C, R, D, V, A],
  no_aer_driver: [A, A, A, A, A, A],
};

const device = { bdf: parseBdf('0000:01:00.0'), generation: 0 };
const answer = (form: AnswerForm): Answer => ({ ...device, ...form });

describe('merge_result', () => {
  for (const sofar of ERS_RESULTS) {
    it.each(ERS_RESULTS.map((vote, column) => [vote, MERGED[sofar][column]!] as const))(
      `${sofar} merged with %s gives %s`,
      (vote, merged) => expect(mergeVotes(sofar, vote)).toBe(merged),
    );
  }

  const triples = ERS_RESULTS.flatMap((a) => ERS_RESULTS.flatMap((b) => ERS_RESULTS.map((c) => [a, b, c] as const)));
  const row = (sofar: ErsResult, vote: ErsResult): ErsResult => MERGED[sofar][ERS_RESULTS.indexOf(vote)]!;

  it.each(triples)('folds %s, %s, %s in this order from can_recover', (...votes) => {
    expect(votes.reduce<ErsResult>(mergeVotes, 'can_recover')).toBe(votes.reduce<ErsResult>(row, 'can_recover'));
  });

  it.each(triples)('no_aer_driver anywhere among %s, %s, %s sinks everybody', (...votes) => {
    const merged = votes.reduce<ErsResult>(mergeVotes, 'can_recover');
    expect(merged === 'no_aer_driver').toBe(votes.includes('no_aer_driver'));
  });

  it('depends on the order: recovered after can_recover ends well, before it does not', () => {
    const fold = (...votes: ErsResult[]): ErsResult => votes.reduce<ErsResult>(mergeVotes, 'recovered');
    expect(fold('can_recover', 'recovered')).toBe('recovered');
    expect(fold('recovered', 'can_recover')).toBe('can_recover');
  });
});

describe('what an answer counts as', () => {
  const forms: [AnswerForm, bridge: boolean, detected: ErsResult, later: ErsResult, owner: ErsResult][] = [
    ...ERS_RESULTS.flatMap((vote): [AnswerForm, boolean, ErsResult, ErsResult, ErsResult][] => [
      [{ gave: 'vote', vote }, false, vote, vote, vote],
      [{ gave: 'vote', vote }, true, vote, vote, vote],
    ]),
    [{ gave: 'nothing', why: 'no_driver' }, false, A, N, D],
    [{ gave: 'nothing', why: 'no_driver' }, true, N, N, D],
    [{ gave: 'nothing', why: 'no_callback' }, false, A, N, D],
    [{ gave: 'nothing', why: 'no_callback' }, true, N, N, D],
    [{ gave: 'nothing', why: 'withheld' }, false, D, N, D],
    [{ gave: 'nothing', why: 'withheld' }, true, D, N, D],
    [{ gave: 'nothing', why: 'gone' }, false, D, D, D],
    [{ gave: 'nothing', why: 'gone' }, true, D, D, D],
    [{ gave: 'nothing', why: 'faulted' }, false, D, N, D],
    [{ gave: 'nothing', why: 'faulted' }, true, D, N, D],
    [{ gave: 'fault', why: 'threw' }, false, D, D, D],
    [{ gave: 'fault', why: 'overran' }, true, D, D, D],
    [{ gave: 'fault', why: 'nonsense' }, false, D, D, D],
    [{ gave: 'fault', why: 'stopped' }, false, D, D, D],
  ];

  it.each(forms)(
    '%j of a function with bridge=%s: %s at error_detected, %s later, %s for an owner',
    (form, bridge, detected, later, owner) => {
      expect(detectedVote(answer(form), { bridge })).toBe(detected);
      expect(laterVote(answer(form))).toBe(later);
      expect(ownerVote(answer(form))).toBe(owner);
    },
  );
});

it('sends the uevent of pci_uevent_ers for each vote', () => {
  expect(ERS_RESULTS.map((vote) => UEVENT_OF_VOTE[vote])).toEqual([
    'BEGIN_RECOVERY',
    'BEGIN_RECOVERY',
    'BEGIN_RECOVERY',
    'FAILED_RECOVERY',
    'SUCCESSFUL_RECOVERY',
    undefined,
  ]);
});
