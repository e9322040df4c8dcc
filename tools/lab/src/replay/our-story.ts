import {
  type Answer,
  type AnswerForm,
  type CallbackContext,
  type DeviceRef,
  type Member,
  type NotifyStep,
  type OperateStep,
  type OperationResult,
  type RecoveryProcedure,
  type RecoveryScope,
  type Step,
} from '@pci-recovery/core';
import { detectedVote, HOST_OPERATIONS, type AerEvent } from '@pci-recovery/aer';
import { labError } from '../failure.js';
import { callbacksOf } from './drivers.js';
import { type KernelFacts } from './kernel-story.js';
import { type ReplayedPlatform } from './our-platform.js';
import { askedIn, say, type Asked, type WalkName } from './words.js';

const ASKED: Readonly<Record<NotifyStep['callback'], Asked | undefined>> = {
  errorDetected: 'error_detected',
  mmioEnabled: 'mmio_enabled',
  slotReset: 'slot_reset',
  resume: 'resume',
  resetPrepare: undefined,
  resetDone: undefined,
};

function walkOf({ callback, channel }: NotifyStep): WalkName {
  const asked = ASKED[callback];
  if (asked === undefined) throw labError('REPLAY', `The kernel has no walk for ${callback}.`);
  return asked === 'error_detected' ? `error_detected(${channel})` : asked;
}

/** Ours cannot go on: the kernel has nothing to answer with, so it did something else from here on; or there is no end. */
class NoEnd extends Error {}

/** More than any recovery has. */
const MOST_STEPS = 100;

/** Walks our procedure's tree, answering with what the kernel found. */
class StoryTeller {
  readonly happenings: string[] = [];
  readonly #scope: RecoveryScope;

  constructor(
    private readonly platform: ReplayedPlatform,
    private readonly event: AerEvent,
    private readonly facts: KernelFacts,
    private readonly procedure: RecoveryProcedure,
  ) {
    this.#scope = this.#scopeNow();
  }

  /** The bridge of the recovery, as its scope is named: `below 0000:00:04.0`. */
  get #bridge(): DeviceRef['bdf'] {
    return this.#scope.id.replace(/^below /, '') as DeviceRef['bdf'];
  }

  /** The scope, with channels as earlier recoveries left them. */
  #scopeNow(): RecoveryScope {
    const scope = this.platform.aer.scopeOf(this.event);
    const members = scope.members.map((member): Member => {
      const channel = this.facts.channel(
        this.event.severity === 'fatal' ? 'error_detected(frozen)' : 'error_detected(normal)',
        member.bdf,
      );
      if (channel === 'perm_failure') return { ...member, channel };
      if (channel) this.platform.found(member.bdf, channel);
      return member;
    });
    return { ...scope, members };
  }

  tell(): readonly string[] {
    try {
      let step: Step = this.procedure.begin({ event: this.event, scope: this.#scope, verdict: 'recover' });
      for (let steps = 0; step.do !== 'end'; steps++) {
        if (steps === MOST_STEPS) throw new NoEnd('it goes round in circles');
        step = step.do === 'notify' ? this.#notify(step) : this.#operate(step);
      }
      const { status } = step.state as { readonly status: string };
      this.happenings.push(say.end(this.#bridge, step.result === 'recovered' ? 'recovered' : 'failed', status));
    } catch (error) {
      if (!(error instanceof NoEnd)) throw error;
      this.happenings.push(error.message);
    }
    return this.happenings;
  }

  #notify(step: NotifyStep): Step {
    const walk = walkOf(step);
    const { aer } = this.platform;
    const answers = step.to.map((device): Answer => {
      const lost = this.#lost(walk, device);
      this.happenings.push(say.walk(walk, device.bdf, lost ? 'perm_failure' : aer.channelOf(device.bdf)));
      aer.beforeCallback(device, step.callback, step.channel);
      const answer: Answer = { ...device, ...this.#ask(step, walk, device, lost) };
      if (walk === 'error_detected(normal)' || walk === 'error_detected(frozen)') {
        this.happenings.push(say.vote(device.bdf, detectedVote(answer, this.#member(device))));
      }
      aer.afterCallback(answer, step.callback, step.channel);
      for (const { bdf, event } of this.platform.takeUevents()) this.happenings.push(say.uevent(bdf, event));
      return answer;
    });
    return step.then(answers);
  }

  #member = ({ bdf }: DeviceRef): Member => this.#scope.members.find((member) => member.bdf === bdf)!;

  /** Somebody else took the function away: only the kernel knows. */
  #lost = (walk: WalkName, { bdf }: DeviceRef): boolean => this.facts.channel(walk, bdf) === 'perm_failure';

  #ask(step: NotifyStep, walk: WalkName, device: DeviceRef, lost: boolean): AnswerForm {
    const { bdf } = device;
    const asked = askedIn(walk);
    const callbacks = callbacksOf(this.platform.topology.get(bdf)?.driver);
    if (step.withheld?.some((one) => one.bdf === bdf)) return { gave: 'nothing', why: 'withheld' };
    if (!callbacks) return { gave: 'nothing', why: lost ? 'gone' : 'no_driver' };
    const calledThoughLost = asked === 'mmio_enabled' || step.channel === 'perm_failure';
    if (lost && !calledThoughLost) return { gave: 'nothing', why: 'gone' };
    if (!callbacks[asked]) return { gave: 'nothing', why: 'no_callback' };
    this.happenings.push(say.call(asked, bdf, asked === 'error_detected' ? step.channel : undefined));
    return asked === 'resume' ? { gave: 'told' } : this.#vote(step, walk, device);
  }

  /** Ports vote by our own platform, everybody else as the kernel's driver did. */
  #vote(step: NotifyStep, walk: WalkName, device: DeviceRef): AnswerForm {
    const own = this.platform.aer.handlersOf(device);
    const context = { device } as CallbackContext;
    const recorded = this.facts.vote(walk, device.bdf);
    const vote = own ? own[step.callback as 'errorDetected']!(context, step.channel) : recorded;
    if (vote === undefined) throw new NoEnd(`no answer of ${device.bdf} to ${walk} is recorded`);
    if (typeof vote !== 'string') throw labError('REPLAY', 'A port of ours answers with a promise.');
    this.happenings.push(say.answer(askedIn(walk), device.bdf, vote));
    return { gave: 'vote', vote };
  }

  #operate(step: OperateStep): Step {
    const { name } = step.operation;
    if (name === HOST_OPERATIONS.confirmSource.name) return step.then({ ok: true, value: 'error' });
    if (name === HOST_OPERATIONS.resetSubordinates.name) return step.then(this.#reset());
    if (name !== HOST_OPERATIONS.clearStatus.name) throw labError('REPLAY', `It is not known how to replay ${name}.`);
    const device = step.operation['device'] as DeviceRef['bdf'];
    this.happenings.push(say.clearDeviceStatus(device), say.clearNonfatalStatus(device));
    return step.then({ ok: true });
  }

  #reset(): OperationResult {
    const bridge = this.#bridge;
    const { reset } = this.facts;
    this.happenings.push(say.reset(bridge));
    if (this.platform.topology.get(bridge)?.bridge) this.happenings.push(say.busReset(bridge));
    if (!reset) throw new NoEnd(`no result of a reset of ${bridge} is recorded`);
    this.happenings.push(say.resetEnded(bridge, reset));
    return reset === 'recovered' ? { ok: true } : { ok: false, why: 'failed' };
  }
}

/** What a procedure of ours does with an error, given what the kernel found. */
export const ourStory = (
  platform: ReplayedPlatform,
  event: AerEvent,
  facts: KernelFacts,
  procedure: RecoveryProcedure,
): readonly string[] => new StoryTeller(platform, event, facts, procedure).tell();
