import {
  refOf,
  type Answer,
  type ChannelState,
  type DeviceRef,
  type ErsResult,
  type OperateStep,
  type RecoveryInput,
  type RecoveryProcedure,
  type Step,
  type Telling,
  type Voting,
} from '@pci-recovery/core';

/** The worst vote wins; a function without callback has none. */
const WORSE: readonly ErsResult[] = ['none', 'recovered', 'can_recover', 'need_reset', 'disconnect', 'no_aer_driver'];

const voteOf = (answer: Answer): ErsResult => {
  if (answer.gave === 'vote') return answer.vote;
  return answer.gave === 'fault' ? 'disconnect' : 'none';
};

const worst = (answers: readonly Answer[]): ErsResult =>
  answers.map(voteOf).reduce((one, other) => (WORSE.indexOf(other) > WORSE.indexOf(one) ? other : one), 'none');

const isLost = (vote: ErsResult): boolean => vote === 'disconnect' || vote === 'no_aer_driver';

/** Everybody, in walk order: all that the steps depend on besides what was answered. */
type Everybody = readonly DeviceRef[];

/**
 * The whole law on one page, in the order in which things happen: firmware has stopped the slot before it reports. Who
 * can, looks; who must, has firmware reset the slot. Three recoveries an hour are allowed.
 */
function begin({ event, scope, verdict }: RecoveryInput): Step {
  const detector = scope.members.find(({ bdf }) => bdf === event.device.bdf);
  if (detector?.channel === 'perm_failure') return end('disconnected', 'It was lost before.', []);
  const all = scope.members.map(refOf);
  return verdict === 'give_up' ? lost(all, 'It was given up.') : admit(all);
}

const admit = (all: Everybody): Step =>
  operate(all, 'admit', (ok) => (ok ? errorDetected(all) : lost(all, 'Too many recoveries within an hour.')));

const errorDetected = (all: Everybody): Step =>
  ask(all, 'error_detected', 'errorDetected', 'frozen', (vote) => {
    if (isLost(vote)) return lost(all, 'A driver gave up.');
    return vote === 'need_reset' ? reset(all) : openAccess(all);
  });

const openAccess = (all: Everybody): Step => operate(all, 'open_access', (ok) => (ok ? mmioEnabled(all) : reset(all)));

const mmioEnabled = (all: Everybody): Step =>
  ask(all, 'mmio_enabled', 'mmioEnabled', 'frozen', (vote) => {
    if (isLost(vote)) return lost(all, 'A driver gave up after looking.');
    return vote === 'need_reset' ? reset(all) : resume(all);
  });

const reset = (all: Everybody): Step =>
  operate(all, 'reset', (ok) => (ok ? slotReset(all) : lost(all, 'Firmware could not reset the slot.')));

const slotReset = (all: Everybody): Step =>
  ask(all, 'slot_reset', 'slotReset', 'normal', (vote) =>
    vote === 'recovered' || vote === 'none' ? resume(all) : lost(all, `After the reset the vote was ${vote}.`),
  );

/** From here on it cannot be stopped: some drivers already work again. */
const resume = (all: Everybody): Step =>
  tell(all, 'resume', 'resume', 'normal', () => end('recovered', 'The slot works again.', all));

const lost = (all: Everybody, why: string): Step =>
  tell(all, 'lost', 'errorDetected', 'perm_failure', () => end('disconnected', why, []), why);

const end = (result: 'recovered' | 'disconnected', why: string, usable: Everybody): Step => ({
  do: 'end',
  at: 'end',
  state: why,
  result,
  why,
  usable,
});

function tell(
  to: Everybody,
  at: string,
  callback: Voting | Telling,
  channel: ChannelState,
  then: (answers: readonly Answer[]) => Step,
  state: string | null = null,
): Step {
  return { do: 'notify', at, state, callback, channel, to, then };
}

const stopped = (all: Everybody) => (): Step => lost(all, 'It was stopped.');

function ask(
  all: Everybody,
  at: string,
  callback: Voting,
  channel: ChannelState,
  then: (vote: ErsResult) => Step,
): Step {
  return { ...tell(all, at, callback, channel, (answers) => then(worst(answers))), stopped: stopped(all) };
}

function operate(all: Everybody, name: string, then: (ok: boolean) => Step): OperateStep {
  const operation = { name, nature: 'change' } as const;
  return { do: 'operate', at: name, state: null, operation, stopped: stopped(all), then: ({ ok }) => then(ok) };
}

/** Firmware reports through one ring: its errors are handled one after the other, whatever slots they concern. */
export const ghesProcedure: RecoveryProcedure = {
  begin,
  order: 'fifo',
  lane: () => 'firmware',
  arrival: () => 'queue',
};
