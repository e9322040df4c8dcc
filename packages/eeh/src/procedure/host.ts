import { type ErrorEvent, type RecoveryInput, type RecoveryProcedure, type Step } from '@pci-recovery/core';
import { type EehRecord } from '../record.js';
import { attempt, end, failed, must, operate, WHY_FAILED } from './ending.js';
import { HOST_OPERATIONS as DO, type Freezes, type Presence, type Unplugged } from './operations.js';
import { lost } from './special.js';
import { changed, firstState, fold, lastly, rescoped, type HostState } from './state.js';
import { faultedBy, toldListeners, toldVoters, voters, withTold } from './walk.js';

const kindOf = (event: ErrorEvent): EehRecord['kind'] | undefined => (event.record as EehRecord | undefined)?.kind;

/** Places where the PE's freeze has been lifted: a new error there is a new freeze. */
const THAWED = new Set(['restore', 'unfreeze', 'settle', 'replug', 'normal', 'slot_reset', 'replug_virtual']);
const RESUMED = new Set(['resume_channels', 'resume', 'finish']);

/** What counts where the platform did not say. */
const NOBODY_PRESENT: Presence = { bus: true, devices: 0 };
const NOBODY_UNPLUGGED: Unplugged = { devices: 0, virtual: 0 };

const FREEZE_CHANNELS = { ...DO.setChannels, channel: 'frozen' } as const;
const NORMAL_CHANNELS = { ...DO.setChannels, channel: 'normal' } as const;
const TEMPORARY_LOG = { ...DO.collectLog, severity: 'temporary' } as const;
const UNPLUG = {
  everybody: { ...DO.unplug, which: 'everybody' },
  insensitive: { ...DO.unplug, which: 'insensitive' },
} as const;

/**
 * The recovery that Linux runs itself, step by step in its order: `eeh_handle_normal_event`; for what is lost altogether,
 * `lost`.
 *
 * One thread serves the whole machine, and its queue is last in first out. While a PE is isolated, further errors of it
 * are only counted. A fenced or dead host bridge takes what is queued for it along.
 *
 * Source: Linux 7.3 arch/powerpc/kernel/eeh_driver.c:eeh_handle_normal_event, eeh_handle_special_event,
 * eeh_event.c:eeh_event_handler.
 */
export const eehHostProcedure: RecoveryProcedure = {
  order: 'lifo',
  lane: () => 'machine',
  arrival(_, at, event, extent) {
    const kind = kindOf(event);
    if (kind === 'fenced_phb' || kind === 'dead_phb' || kind === 'dead_ioc') return 'queue_and_purge';
    const isolated = !THAWED.has(at) && !RESUMED.has(at);
    return isolated && (extent === 'same' || extent === 'inside') ? 'fold' : 'queue';
  },
  begin({ event, scope, verdict }: RecoveryInput): Step {
    const kind = kindOf(event);
    if (kind === 'dead_phb' || kind === 'dead_ioc') return lost(scope);
    const state = firstState(scope);
    if (kind === 'informative') return end(state, 'ignored', 'It is only for the record.');
    return verdict === 'give_up' ? failed(state, 'It was given up before it began.') : checkPresence(state);
  },
};

/** A card that was pulled out needs no recovery: its freeze is not even counted. */
function checkPresence(state: HostState): Step {
  return operate('check_presence', state, DO.checkPresence, (result) => {
    const { bus, devices } = (result.ok && (result.value as Presence | undefined)) || NOBODY_PRESENT;
    if (!bus) return end(state, 'disconnected', 'The PE has no PCI bus: there is nothing to recover.');
    return devices > 0 ? countFreeze(state) : failed(state, 'The PE is empty: no device is present.');
  });
}

function countFreeze(state: HostState): Step {
  return operate('count_freeze', state, DO.countFreeze, (result) => {
    const freezes = result.ok ? (result.value as Freezes | undefined) : undefined;
    if (!freezes) return failed(state, 'The freeze could not be counted.');
    if (freezes.count <= freezes.most) return freezeChannels(state);
    return failed(state, `The PE froze ${freezes.count} times within an hour; ${freezes.most} times are allowed.`);
  });
}

const freezeChannels = (state: HostState): Step => attempt('frozen', state, FREEZE_CHANNELS, errorDetected);

function errorDetected(state: HostState): Step {
  return {
    do: 'notify',
    at: 'error_detected',
    state,
    callback: 'errorDetected',
    channel: 'frozen',
    to: voters(state.walk),
    stopped: () => failed(state, 'It was stopped while the drivers were told.'),
    then(answers) {
      const voted = fold(state, answers, withTold(state.walk, answers));
      if (voted.status === 'disconnect') return failed(voted, WHY_FAILED.disconnect);
      const fenced = voted.wholePhb && voted.status !== 'none';
      return waitState(fenced ? changed(voted, { status: 'need_reset' }) : voted);
    },
  };
}

/** Drivers know by now: a log can let register access through. */
const waitState = (state: HostState): Step =>
  must('wait_state', state, DO.waitState, (next) => attempt('log_temporary', next, TEMPORARY_LOG, choose));

function choose(state: HostState): Step {
  switch (state.status) {
    case 'none':
      return resetDevice(state, 'everybody');
    case 'can_recover':
      return thawMmio(state);
    case 'need_reset':
      return resetDevice(state, 'insensitive');
    default:
      return judge(state);
  }
}

const thawMmio = (state: HostState): Step => must('thaw_mmio', state, DO.thawMmio, mmioEnabled);

/** Merges into `can_recover`: only `disconnect` and `need_reset` weigh more. Also for those that were not told. */
function mmioEnabled(state: HostState): Step {
  return {
    do: 'notify',
    at: 'mmio_enabled',
    state,
    callback: 'mmioEnabled',
    channel: 'frozen',
    to: voters(state.walk),
    stopped: () => failed(state, 'It was stopped while the drivers looked at their devices.'),
    then(answers) {
      const voted = fold(state, answers);
      if (voted.status === 'need_reset') return resetDevice(voted, 'insensitive');
      return voted.status === 'can_recover' ? thawDma(voted) : judge(voted);
    },
  };
}

const thawDma = (state: HostState): Step =>
  must('thaw_dma', state, DO.thawDma, (next) => judge(changed(next, { status: 'recovered' })));

/** Drivers that cannot take part leave before the reset and come back after it. */
function resetDevice(state: HostState, which: 'everybody' | 'insensitive'): Step {
  return operate('unplug', state, UNPLUG[which], (result) => {
    if (!result.ok) return failed(state, `unplug did not succeed: ${result.why}.`);
    const { devices, virtual } = (result.value as Unplugged | undefined) ?? NOBODY_UNPLUGGED;
    const hotplug = which === 'everybody' ? 'complete' : devices > 0 ? 'partial' : 'none';
    return reset(changed(rescoped(state, result), { hotplug, virtual: virtual > 0 }));
  });
}

const reset = (state: HostState): Step =>
  must('reset', state, DO.reset, (done) =>
    attempt('restore', done, DO.restore, (restored) => must('unfreeze', restored, DO.unfreeze, replug)),
  );

function replug(state: HostState): Step {
  if (state.hotplug === 'none') return normal(state);
  const complete = state.hotplug === 'complete';
  return must('settle', state, DO.settle, (settled) =>
    attempt('replug', settled, { ...DO.replug, complete }, complete ? judge : normal),
  );
}

const normal = (state: HostState): Step =>
  attempt('normal', changed(state, { status: 'none' }), NORMAL_CHANNELS, slotReset);

function slotReset(state: HostState): Step {
  return {
    do: 'notify',
    at: 'slot_reset',
    state,
    callback: 'slotReset',
    channel: 'normal',
    to: toldVoters(state.walk),
    stopped: () => failed(state, 'It was stopped after the reset.'),
    then: (answers) => judge(fold(state, answers)),
  };
}

/** From `replug_virtual` on it can no longer be stopped: some drivers already work again. */
function judge(state: HostState): Step {
  if (state.status !== 'recovered' && state.status !== 'none') return failed(state, WHY_FAILED[state.status]);
  return state.virtual ? lastly('replug_virtual', state, DO.replugVirtual, resumeChannels) : resumeChannels(state);
}

const resumeChannels = (state: HostState): Step => lastly('resume_channels', state, NORMAL_CHANNELS, resume);

function resume(state: HostState): Step {
  return {
    do: 'notify',
    at: 'resume',
    state,
    callback: 'resume',
    channel: 'normal',
    to: toldListeners(state.walk),
    then: (answers) =>
      lastly('finish', changed(state, { faulted: faultedBy(state.faulted, answers) }), DO.finish, recovered),
  };
}

function recovered(state: HostState): Step {
  const ended = end(state, 'recovered', 'The PE works again.');
  const nobody = ended.usable.length === 0 && state.walk.some((one) => one.actionable);
  return nobody ? end(state, 'disconnected', 'Nobody could resume.') : ended;
}
