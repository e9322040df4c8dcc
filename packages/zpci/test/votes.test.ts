import {
  ERS_RESULTS,
  type Answer,
  type AnswerForm,
  type ErsResult,
  type NotifyStep,
  type OperateStep,
  type Step,
} from '@pci-recovery/core';
import { aborts, countedVote, UEVENT_OF_VOTE, zpciHostProcedure, zpciOwnerProcedure } from '../src/index.js';
import { DEVICE, eventOf, scopeOf, WHOLE } from './procedure/shapes.js';

const answer = (form: AnswerForm): Answer => ({ bdf: DEVICE, generation: 0, ...form });
const vote = (one: ErsResult): Answer => answer({ gave: 'vote', vote: one });

/** Where an answer leads: the next step, or how it ends. */
const place = (step: Step): string => (step.do === 'end' ? step.result : step.at);

const ok = (step: Step, value = ''): Step => (step as OperateStep).then({ ok: true, value });
const fail = (step: Step): Step => (step as OperateStep).then({ ok: false, why: 'failed' });
const say = (step: Step, one: ErsResult): Step => (step as NotifyStep).then([vote(one)]);

/** Walks to the first question, with the function held through VFIO or not. */
const detected = (storage: string): Step => {
  const first = zpciHostProcedure.begin({ event: eventOf(4), scope: scopeOf(WHOLE), verdict: 'recover' });
  return ok(ok(first, 'current'), storage);
};

/** Linux 7.3 arch/s390/pci/pci_event.c, written out by hand: each vote of each question → where it leads. */
const HOST: Readonly<Record<string, readonly [step: Step, Readonly<Record<ErsResult, string>>]>> = {
  'error_detected, nobody holds it': [
    detected('not_mediated'),
    {
      none: 'unblock_load_store',
      can_recover: 'unblock_load_store',
      need_reset: 'hot_reset',
      disconnect: 'store_failure',
      recovered: 'unblock_load_store',
      no_aer_driver: 'store_failure',
    },
  ],
  'error_detected, held and kept': [
    detected('stored'),
    {
      none: 'handed_over',
      can_recover: 'handed_over',
      need_reset: 'handed_over',
      disconnect: 'store_failure',
      recovered: 'handed_over',
      no_aer_driver: 'store_failure',
    },
  ],
  'error_detected, held and full': [
    detected('full'),
    {
      none: 'handed_over',
      can_recover: 'handed_over',
      need_reset: 'handed_over',
      disconnect: 'store_failure',
      recovered: 'handed_over',
      no_aer_driver: 'store_failure',
    },
  ],
  mmio_enabled: [
    ok(say(detected('not_mediated'), 'can_recover')),
    {
      none: 'clear_error_state',
      can_recover: 'clear_error_state',
      need_reset: 'hot_reset',
      disconnect: 'store_failure',
      recovered: 'clear_error_state',
      no_aer_driver: 'store_failure',
    },
  ],
  slot_reset: [
    ok(say(detected('not_mediated'), 'need_reset')),
    {
      none: 'resume',
      can_recover: 'report_failed',
      need_reset: 'report_failed',
      disconnect: 'report_failed',
      recovered: 'resume',
      no_aer_driver: 'report_failed',
    },
  ],
};

describe.each(Object.entries(HOST))('the host: an answer to %s', (_, [step, table]) => {
  it.each(ERS_RESULTS)('%s', (one) => expect(place(say(step, one))).toBe(table[one]));
});

describe('the host: the vote of mmio_enabled after DMA works', () => {
  const looked = (one: ErsResult): Step => say(ok(say(detected('not_mediated'), 'can_recover')), one);

  it.each([
    ['none', 'resume'],
    ['recovered', 'resume'],
    ['can_recover', 'report_failed'],
  ] as const)('%s', (one, next) => expect(place(ok(looked(one)))).toBe(next));

  it.each(['none', 'recovered', 'can_recover'] as const)('%s does not matter when DMA stays blocked: reset', (one) => {
    expect(place(fail(looked(one)))).toBe('hot_reset');
  });
});

describe('the owner', () => {
  const first = zpciOwnerProcedure.begin({ event: eventOf(4), scope: scopeOf(WHOLE), verdict: 'recover' });
  const told = ok(first, 'error');
  const table: Readonly<Record<ErsResult, readonly [detected: string, slotReset: string]>> = {
    none: ['vfio_reset', 'resume'],
    can_recover: ['vfio_reset', 'perm_failure'],
    need_reset: ['vfio_reset', 'perm_failure'],
    disconnect: ['perm_failure', 'perm_failure'],
    recovered: ['vfio_reset', 'resume'],
    no_aer_driver: ['perm_failure', 'perm_failure'],
  };

  it.each(ERS_RESULTS)('an answer %s to error_detected', (one) => expect(place(say(told, one))).toBe(table[one][0]));

  it.each(ERS_RESULTS)('an answer %s to slot_reset', (one) => {
    const reset = ok(ok(ok(say(told, 'need_reset'))));
    expect(place(say(reset, one))).toBe(table[one][1]);
  });
});

describe('what an answer counts as', () => {
  const forms: [AnswerForm, ErsResult][] = [
    ...ERS_RESULTS.map((one): [AnswerForm, ErsResult] => [{ gave: 'vote', vote: one }, one]),
    [{ gave: 'nothing', why: 'no_callback' }, 'none'],
    [{ gave: 'nothing', why: 'no_driver' }, 'disconnect'],
    [{ gave: 'nothing', why: 'gone' }, 'disconnect'],
    [{ gave: 'nothing', why: 'faulted' }, 'disconnect'],
    [{ gave: 'nothing', why: 'withheld' }, 'disconnect'],
    [{ gave: 'fault', why: 'threw' }, 'disconnect'],
    [{ gave: 'fault', why: 'overran' }, 'disconnect'],
    [{ gave: 'fault', why: 'nonsense' }, 'disconnect'],
    [{ gave: 'fault', why: 'stopped' }, 'disconnect'],
    [{ gave: 'told' }, 'disconnect'],
  ];
  it.each(forms.map(([form, counts]) => [JSON.stringify(form), form, counts] as const))('%s', (_, form, counts) => {
    expect(countedVote(answer(form))).toBe(counts);
  });

  it('nobody at all', () => expect(countedVote(undefined)).toBe('disconnect'));
});

describe('ers_result_indicates_abort', () => {
  it.each([
    ['none', false],
    ['can_recover', false],
    ['need_reset', false],
    ['disconnect', true],
    ['recovered', false],
    ['no_aer_driver', true],
  ] as const)('%s: %s', (one, abort) => expect(aborts(one)).toBe(abort));
});

describe('pci_uevent_ers', () => {
  it.each([
    ['none', 'BEGIN_RECOVERY'],
    ['can_recover', 'BEGIN_RECOVERY'],
    ['need_reset', 'BEGIN_RECOVERY'],
    ['disconnect', 'FAILED_RECOVERY'],
    ['recovered', 'SUCCESSFUL_RECOVERY'],
    ['no_aer_driver', undefined],
  ] as const)('%s sends %s', (one, uevent) => expect(UEVENT_OF_VOTE[one]).toBe(uevent));
});
