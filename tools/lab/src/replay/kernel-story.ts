import { ERS_RESULTS, type Bdf, type ChannelState, type ErsResult } from '@pci-recovery/core';
import { callText } from '../evidence/kernel-calls.js';
import { CALLBACK_FUNCTIONS } from './drivers.js';
import { isReturn, type KernelMoment, type KernelRecovery } from './kernel-recoveries.js';
import { say, type WalkName } from './words.js';

/** The kernel's functions that walk (drivers/pci/pcie/err.c). */
const WALKS: ReadonlyMap<string, WalkName> = new Map([
  ['report_normal_detected', 'error_detected(normal)'],
  ['report_frozen_detected', 'error_detected(frozen)'],
  ['report_perm_failure_detected', 'error_detected(perm_failure)'],
  ['report_mmio_enabled', 'mmio_enabled'],
  ['report_slot_reset', 'slot_reset'],
  ['report_resume', 'resume'],
]);

/** What the kernel says to user space for each vote (drivers/pci/pci-driver.c:pci_uevent_ers). */
const UEVENTS: Readonly<Partial<Record<ErsResult, string>>> = {
  none: 'BEGIN_RECOVERY',
  can_recover: 'BEGIN_RECOVERY',
  need_reset: 'BEGIN_RECOVERY',
  recovered: 'SUCCESSFUL_RECOVERY',
  disconnect: 'FAILED_RECOVERY',
};

/** A vote or result by its number (include/linux/pci.h:pci_ers_result). */
export const ersResult = (number: unknown): ErsResult | undefined => ERS_RESULTS[Number(number) - 1];

const CHANNELS: readonly ChannelState[] = ['normal', 'frozen', 'perm_failure'];
/** A channel's state by its number (include/linux/pci.h:pci_channel_state_t). */
export const channelState = (number: unknown): ChannelState | undefined => CHANNELS[Number(number) - 1];

/** What only the kernel can tell: how drivers voted, how the reset went, who was lost. */
export interface KernelFacts {
  /** Votes of `error_detected`, answers to everything else: by walk and function. */
  vote(walk: WalkName, bdf: Bdf): ErsResult | undefined;
  /** The state of a function's channel when a walk came by. */
  channel(walk: WalkName, bdf: Bdf): ChannelState | undefined;
  /** How the reset ended. */
  readonly reset: ErsResult | undefined;
}

/** What the kernel did in one recovery, and the facts that it found. */
export interface KernelStory {
  readonly happenings: readonly string[];
  readonly facts: KernelFacts;
}

const keyOf = (walk: WalkName, bdf: Bdf): string => `${walk} ${bdf}`;

/** Reads the moments of one recovery, in order. */
class StoryReader implements KernelFacts {
  readonly happenings: string[] = [];
  readonly #votes = new Map<string, ErsResult>();
  readonly #channels = new Map<string, ChannelState>();
  #walk: WalkName = 'resume';
  reset: ErsResult | undefined;

  vote(walk: WalkName, bdf: Bdf): ErsResult | undefined {
    return this.#votes.get(keyOf(walk, bdf));
  }

  channel(walk: WalkName, bdf: Bdf): ChannelState | undefined {
    return this.#channels.get(keyOf(walk, bdf));
  }

  read(moment: KernelMoment): void {
    const { function: name, bdf = '?' as Bdf } = moment;
    const asked = CALLBACK_FUNCTIONS.get(name);
    const walk = WALKS.get(name);
    if (walk) this.#walked(walk, bdf, moment);
    else if (asked && isReturn(moment)) this.#answered(bdf, moment);
    else if (asked) this.happenings.push(say.call(asked, bdf, channelState(moment.fields['state'])));
    else if (isReturn(moment)) this.#returned(name, bdf, moment.result);
    else this.#called(name, bdf, moment);
  }

  #walked(walk: WalkName, bdf: Bdf, { fields }: KernelMoment): void {
    const channel = channelState(fields['channel']);
    this.#walk = walk;
    if (channel) this.#channels.set(keyOf(walk, bdf), channel);
    this.happenings.push(say.walk(walk, bdf, channel ?? ('not recorded' as ChannelState)));
  }

  #answered(bdf: Bdf, moment: KernelMoment): void {
    const answer = isReturn(moment) ? ersResult(moment.result) : undefined;
    if (!answer) return void this.happenings.push(`answer of ${bdf} that is no vote`);
    if (!this.#detecting) this.#votes.set(keyOf(this.#walk, bdf), answer);
    this.happenings.push(say.answer(CALLBACK_FUNCTIONS.get(moment.function)!, bdf, answer));
  }

  /** The walk whose votes pci_uevent_ers is given. */
  get #detecting(): boolean {
    return this.#walk === 'error_detected(normal)' || this.#walk === 'error_detected(frozen)';
  }

  #returned(name: string, bdf: Bdf, result: number): void {
    // What lies below aer_root_reset returns to it.
    if (name !== 'aer_root_reset') return;
    this.reset = ersResult(result);
    this.happenings.push(this.reset ? say.resetEnded(bdf, this.reset) : `reset of ${bdf} that ended with ${result}`);
  }

  #called(name: string, bdf: Bdf, moment: KernelMoment): void {
    const simple: Readonly<Record<string, readonly string[]>> = {
      aer_root_reset: [say.reset(bdf)],
      // Only leads from the one above to the one below.
      pci_bus_error_reset: [],
      pci_bridge_secondary_bus_reset: [say.busReset(bdf)],
      pcie_clear_device_status: [say.clearDeviceStatus(bdf)],
      pci_aer_clear_nonfatal_status: [say.clearNonfatalStatus(bdf)],
      pci_aer_clear_fatal_status: [say.clearFatalStatus(bdf)],
    };
    if (name === 'pci_uevent_ers') this.#told(bdf, ersResult(moment.fields['vote']));
    else this.happenings.push(...(simple[name] ?? [`a call that nobody expects: ${callText(moment)}`]));
  }

  #told(bdf: Bdf, vote: ErsResult | undefined): void {
    if (!vote) return void this.happenings.push(`vote of ${bdf} that is none`);
    if (this.#detecting) {
      this.#votes.set(keyOf(this.#walk, bdf), vote);
      this.happenings.push(say.vote(bdf, vote));
    }
    const event = UEVENTS[vote];
    if (event) this.happenings.push(say.uevent(bdf, event));
  }
}

/** What the kernel did in a recovery, without its end. */
export function kernelStory({ moments }: Pick<KernelRecovery, 'moments'>): KernelStory {
  const reader = new StoryReader();
  for (const moment of moments) reader.read(moment);
  return { happenings: reader.happenings, facts: reader };
}
