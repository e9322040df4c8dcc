import { type Bdf, type ChannelState, type ErsResult } from '@pci-recovery/core';

/** One round through all functions of a recovery, and what it asks of their drivers. */
export type WalkName =
  | 'error_detected(normal)'
  | 'error_detected(frozen)'
  | 'error_detected(perm_failure)'
  | Exclude<Asked, 'error_detected'>;

/** A driver's callback, as the kernel names it. */
export type Asked = 'error_detected' | 'mmio_enabled' | 'slot_reset' | 'resume';

/** The callback of a walk. */
export const askedIn = (walk: WalkName): Asked => walk.replace(/\(.*\)$/, '') as Asked;

/**
 * What can happen in a recovery, in words that are the same whoever does it: two recoveries are the same when they say the
 * same words in the same order.
 */
export const say = {
  /** The walk comes by; its channel as it is by then. */
  walk: (walk: WalkName, bdf: Bdf, channel: ChannelState): string => `walk ${walk} ${bdf}, channel ${channel}`,
  /** The callback of its driver is really called; `error_detected` with a state. */
  call: (asked: Asked, bdf: Bdf, state?: ChannelState): string => `call ${asked}${state ? `(${state})` : ''} ${bdf}`,
  /** What the driver answers. */
  answer: (asked: Asked, bdf: Bdf, answer: ErsResult): string => `answer of ${asked} ${bdf}: ${answer}`,
  /** What that counts as where errors are detected, drivers or not. */
  vote: (bdf: Bdf, vote: ErsResult): string => `vote ${bdf}: ${vote}`,
  uevent: (bdf: Bdf, event: string): string => `uevent ${event} ${bdf}`,
  /** Of everything below a bridge, or of the function itself where there is no bus below. */
  reset: (bridge: Bdf): string => `reset ${bridge}`,
  busReset: (bridge: Bdf): string => `secondary bus reset ${bridge}`,
  resetEnded: (bridge: Bdf, result: ErsResult): string => `reset ended ${bridge}: ${result}`,
  clearDeviceStatus: (bdf: Bdf): string => `clear Device Status ${bdf}`,
  clearNonfatalStatus: (bdf: Bdf): string => `clear non-fatal status ${bdf}`,
  clearFatalStatus: (bdf: Bdf): string => `clear fatal status ${bdf}`,
  /** The end, and the vote that was left. */
  end: (bridge: string, result: string, status: string): string => `end at ${bridge}: ${result}, ${status}`,
} as const;
