import {
  refOf,
  type Answer,
  type ChannelState,
  type ErsResult,
  type Member,
  type RecoveryInput,
  type RecoveryProcedure,
  type Step,
} from '@pci-recovery/core';

type Walk = (sofar: ErsResult, answers: readonly Answer[]) => ErsResult;

const merge = (sofar: ErsResult, vote: ErsResult): ErsResult => {
  if (vote === 'no_aer_driver' || sofar === 'no_aer_driver') return 'no_aer_driver';
  if (vote === 'none' || sofar === 'none' || sofar === 'need_reset') return sofar;
  return sofar === 'disconnect' && vote !== 'need_reset' ? 'disconnect' : vote;
};

const fold =
  (members: readonly Member[], voteOf: (answer: Answer, member: Member) => ErsResult): Walk =>
  (sofar, answers) =>
    answers.reduce((status, answer, index) => merge(status, voteOf(answer, members[index]!)), sofar);

const detected = (answer: Answer, { bridge }: Member): ErsResult => {
  if (answer.gave === 'vote') return answer.vote;
  if (answer.gave === 'fault') return 'disconnect';
  return bridge ? 'none' : 'no_aer_driver';
};

const later = (answer: Answer): ErsResult => {
  if (answer.gave === 'vote') return answer.vote;
  return answer.gave === 'fault' ? 'disconnect' : 'none';
};

/** A correct procedure with AER's law, in one function: what broken ones are measured against. */
function begin({ event, scope, verdict }: RecoveryInput): Step {
  const { members } = scope;
  const channel: ChannelState = event.severity === 'fatal' ? 'frozen' : 'normal';
  const to = members.map(refOf);
  const state = null;
  const end = (result: 'recovered' | 'disconnected', why: string): Step => ({
    do: 'end',
    at: 'end',
    state: why,
    result,
    why,
    usable: result === 'recovered' ? to : [],
  });
  const failed = (why: string): Step => ({
    do: 'notify',
    at: 'failed',
    state: why,
    callback: 'errorDetected',
    channel: 'perm_failure',
    to,
    then: () => end('disconnected', why),
  });
  const stopped = (): Step => failed('It was stopped.');
  const clearStatus = (): Step => ({
    do: 'operate',
    at: 'clear_status',
    state,
    operation: { name: 'clear_status', nature: 'change', bdf: event.device.bdf },
    then: () => end('recovered', 'All is well.'),
  });
  const resume = (): Step => ({
    do: 'notify',
    at: 'resume',
    state,
    callback: 'resume',
    channel: 'normal',
    to,
    then: () => (scope.capabilities['native_aer'] === true ? clearStatus() : end('recovered', 'All is well.')),
  });
  const judge = (status: ErsResult): Step => (status === 'recovered' ? resume() : failed(`The vote was ${status}.`));
  const slotReset = (): Step => ({
    do: 'notify',
    at: 'slot_reset',
    state,
    callback: 'slotReset',
    channel: 'normal',
    to,
    stopped,
    then: (answers) => judge(fold(members, later)('recovered', answers)),
  });
  const reset = (status: ErsResult): Step =>
    status !== 'need_reset' && channel !== 'frozen'
      ? judge(status)
      : {
          do: 'operate',
          at: 'reset',
          state: status,
          operation: { name: 'reset', nature: 'change', bdf: event.device.bdf },
          stopped,
          then: ({ ok }) => (!ok ? failed('The reset failed.') : status === 'need_reset' ? slotReset() : judge(status)),
        };
  const mmioEnabled = (): Step => ({
    do: 'notify',
    at: 'mmio_enabled',
    state,
    callback: 'mmioEnabled',
    channel,
    to,
    stopped,
    then: (answers) => reset(fold(members, later)('recovered', answers)),
  });
  if (verdict === 'give_up') return failed('It was given up.');
  return {
    do: 'notify',
    at: 'error_detected',
    state,
    callback: 'errorDetected',
    channel,
    to,
    stopped,
    then(answers) {
      const status = fold(members, detected)('can_recover', answers);
      return status === 'can_recover' ? mmioEnabled() : reset(status);
    },
  };
}

/** The reference machine's lanes are its root ports: the first part of a scope's id. */
export const referenceProcedure: RecoveryProcedure = {
  begin,
  order: 'fifo',
  lane: (_, scope) => scope.id.split('/')[0]!,
  arrival: () => 'queue',
};
