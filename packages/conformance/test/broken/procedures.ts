import { type Answer, type NotifyStep, type Step } from '@pci-recovery/core';
import { brokenProcedure, brokenSteps, type Broken } from './broken.js';

/** Changes what one walk's answers count as. */
const misread =
  (at: string, read: (answers: readonly Answer[]) => readonly Answer[]) =>
  (step: Step): Step =>
    step.do === 'notify' && step.at === at
      ? { ...step, then: (answers: readonly Answer[]) => step.then(read(answers)) }
      : step;

const voting = ({ bdf, generation }: Answer, vote: 'none' | 'recovered' | 'disconnect' | 'no_aer_driver'): Answer => ({
  bdf,
  generation,
  gave: 'vote',
  vote,
});

const votes = (answer: Answer, vote: string): boolean => answer.gave === 'vote' && answer.vote === vote;

const recoveredAll = ({ to }: NotifyStep): Answer[] => to.map((device) => voting(device as Answer, 'recovered'));

/** Laws that are wrong. */
export const BROKEN_PROCEDURES: readonly Broken[] = [
  brokenSteps(
    'merges votes in the wrong order',
    misread('error_detected', (all) => all.toReversed()),
    'votes.order-of-three',
  ),
  brokenSteps(
    'lets disconnect absorb need_reset',
    misread('error_detected', (all) => {
      const lost = all.some((answer) => votes(answer, 'disconnect'));
      return all.map((answer) => (lost && votes(answer, 'need_reset') ? voting(answer, 'disconnect') : answer));
    }),
    'votes.pairs-at-detection',
  ),
  brokenSteps(
    'counts only the first vote after looking',
    misread('mmio_enabled', (all) => all.slice(0, 1)),
    'votes.pairs-after-looking',
  ),
  brokenSteps(
    'counts only the last vote after the reset',
    misread('slot_reset', (all) => all.slice(-1)),
    'votes.pairs-after-reset',
  ),
  brokenSteps(
    'takes recovered for an abstention',
    misread('error_detected', (all) => all.map((one) => (votes(one, 'recovered') ? voting(one, 'none') : one))),
    'sequence.every-first-vote',
  ),
  brokenSteps(
    'does not listen to mmio_enabled',
    (step) =>
      step.do === 'notify' && step.at === 'mmio_enabled'
        ? { ...step, then: () => step.then(recoveredAll(step)) }
        : step,
    'sequence.every-vote-after-looking',
  ),
  brokenSteps(
    'does not listen to slot_reset',
    (step) =>
      step.do === 'notify' && step.at === 'slot_reset' ? { ...step, then: () => step.then(recoveredAll(step)) } : step,
    'sequence.every-vote-after-reset',
  ),
  brokenSteps(
    'lets a driverless endpoint abstain',
    misread('error_detected', (all) =>
      all.map((one) => (one.gave === 'nothing' && one.why === 'no_driver' ? voting(one, 'none') : one)),
    ),
    'votes.driverless-endpoint',
  ),
  brokenSteps(
    'takes a driverless bridge for an endpoint',
    misread('error_detected', (all) => all.map((one) => (one.gave === 'nothing' ? voting(one, 'no_aer_driver') : one))),
    'votes.driverless-bridge',
  ),
  brokenSteps(
    'takes a missing slot_reset for a refusal',
    misread('slot_reset', (all) => all.map((one) => (one.gave === 'nothing' ? voting(one, 'disconnect') : one))),
    'votes.missing-callback',
  ),
  brokenSteps(
    'takes a failed callback for a good one',
    misread('error_detected', (all) => all.map((one) => (one.gave === 'fault' ? voting(one, 'recovered') : one))),
    'faults.every-kind',
  ),
  brokenSteps(
    'skips slot_reset',
    (step) => (step.do === 'notify' && step.at === 'slot_reset' ? step.then(recoveredAll(step)) : step),
    'sequence.slot-reset-after-need-reset',
  ),
  brokenSteps(
    'does not clear the status',
    (step) => (step.do === 'operate' && step.at === 'clear_status' ? step.then({ ok: true }) : step),
    'sequence.look-and-go-on',
  ),
  brokenSteps(
    'tells every driver that the channel is normal',
    (step) => (step.do === 'notify' && step.channel === 'frozen' ? { ...step, channel: 'normal' } : step),
    'sequence.look-and-go-on',
  ),
  brokenSteps(
    'resumes after a reset that failed',
    (step) => (step.do === 'operate' && step.at === 'reset' ? { ...step, then: () => step.then({ ok: true }) } : step),
    'failure.no-resume-without-reset',
    'failure.reset-fails',
    'failure.every-act',
  ),
  brokenSteps(
    'keeps perm_failure to itself',
    (step) => (step.do === 'notify' && step.channel === 'perm_failure' ? step.then([]) : step),
    'failure.perm-failure-told',
  ),
  brokenSteps(
    'hands functions back after a failure',
    (step) =>
      step.do === 'notify' && step.channel === 'perm_failure'
        ? { ...step, then: (answers: readonly Answer[]) => ({ ...step.then(answers), usable: step.to }) as Step }
        : step,
    'failure.usable-is-fail-closed',
    'procedure.every-path-ends',
  ),
  brokenSteps(
    'tells nobody when it is stopped',
    (step) =>
      step.do !== 'end' && step.stopped
        ? {
            ...step,
            stopped: () => ({ do: 'end', at: 'end', state: null, result: 'disconnected', why: 'Stopped.', usable: [] }),
          }
        : step,
    'cancel.in-every-callback',
  ),
  brokenSteps(
    'lets an abort cut a reset short',
    (step) =>
      step.do === 'operate' && step.at === 'reset'
        ? { ...step, operation: { ...step.operation, nature: 'wait' } }
        : step,
    'cancel.at-every-moment',
  ),
  brokenProcedure(
    'recovers although policy gave up',
    (procedure) => ({ begin: (input) => procedure.begin({ ...input, verdict: 'recover' }) }),
    'failure.given-up',
  ),
  brokenProcedure(
    'has a memory that its states do not show',
    (procedure) => {
      let count = 0;
      return { begin: (input) => ({ ...procedure.begin(input), at: `error_detected_${count++}` }) };
    },
    'procedure.same-input-same-step',
  ),
  brokenProcedure(
    'counts errors with the running recovery that it should queue',
    () => ({ arrival: () => 'fold' }),
    'arrivals.law',
  ),
  brokenProcedure(
    'serves the last error first',
    () => ({ order: 'lifo' }),
    'arrivals.order',
    'contract.lanes-and-order',
  ),
  brokenProcedure(
    'has one lane for the whole machine',
    () => ({ lane: () => 'machine' }),
    'contract.lanes-and-order',
    'concurrency.disjoint-scopes',
  ),
  brokenProcedure(
    'gives everybody up at the ninth recovery',
    (procedure) => {
      let count = 0;
      return { begin: (input) => procedure.begin(++count > 8 ? { ...input, verdict: 'give_up' } : input) };
    },
    'lifecycle.many-in-a-row',
  ),
];
