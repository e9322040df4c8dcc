import { type Awaitable } from '../plain.js';
import { type ChannelState, type DeviceRef } from './device.js';
import { type ErrorEvent } from './event.js';

/** What a driver answers to a callback (Linux `pci_ers_result_t`). How answers merge differs per platform. */
export type ErsResult = 'none' | 'can_recover' | 'need_reset' | 'disconnect' | 'recovered' | 'no_aer_driver';

/** All votes, in the order of the kernel's enumeration. */
export const ERS_RESULTS: readonly ErsResult[] = [
  'none',
  'can_recover',
  'need_reset',
  'disconnect',
  'recovered',
  'no_aer_driver',
];

/** The callbacks that are asked for a vote. */
export type Voting = 'errorDetected' | 'mmioEnabled' | 'slotReset';
/** The callbacks that are only told. */
export type Telling = 'resetPrepare' | 'resetDone' | 'resume';

/** Every callback there is. */
export type Callback = Voting | Telling | 'corErrorDetected';

/** Every callback that can run inside a recovery. */
export const CALLBACKS: readonly (Voting | Telling)[] = [
  'errorDetected',
  'mmioEnabled',
  'slotReset',
  'resetPrepare',
  'resetDone',
  'resume',
];

/** What a callback gets to know. */
export interface CallbackContext {
  readonly device: DeviceRef;
  /** The error that started this recovery. */
  readonly event: ErrorEvent;
  /** Identifies the recovery; also in its outcome and trace. */
  readonly recovery: number;
  /** Aborted when the recovery is given up, or when this callback has overrun its deadline. */
  readonly signal: AbortSignal;
}

/**
 * What the owner of a function brings: the kernel's seven callbacks (`struct pci_error_handlers`, include/linux/pci.h).
 * All are optional; what a missing one means is the platform's law. A callback that throws, answers something else than
 * a vote, or has not answered by its deadline has failed: its function is not handed back.
 *
 * A callback may not call `exclusive()` for a scope that holds its own function: that is refused (it would wait for
 * itself). TypeScript widens the literal of an `async` callback: annotate it `async (): Promise<ErsResult> => 'need_reset'`.
 */
export interface PciErrorHandlers {
  /** An error happened: quiesce, touch the device no more, and say how to go on. `perm_failure`: it is lost. */
  errorDetected?(context: CallbackContext, channel: ChannelState): Awaitable<ErsResult>;
  /** Register access works again, DMA does not: look what happened. */
  mmioEnabled?(context: CallbackContext): Awaitable<ErsResult>;
  /** The function was reset: set it up again. */
  slotReset?(context: CallbackContext): Awaitable<ErsResult>;
  resetPrepare?(context: CallbackContext): Awaitable<void>;
  resetDone?(context: CallbackContext): Awaitable<void>;
  /** All is well again: go on with normal work. */
  resume?(context: CallbackContext): Awaitable<void>;
  /** A corrected error was recorded. Runs outside any recovery, and is never forwarded to a guest (R1.2). */
  corErrorDetected?(event: ErrorEvent): Awaitable<void>;
}
