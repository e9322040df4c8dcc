import { wait, type Bdf, type Clock, type OperationResult } from '@pci-recovery/core';
import { type HostEnd } from '../procedure/owner.js';
import { type HeldDevice } from './held-device.js';
import { type HostCycles } from './host-cycles.js';
import { type AerOwnerTimings } from './owner-timings.js';

/** A host's recovery that is waited for. */
export interface HostRecovery {
  readonly functions: readonly Bdf[];
  readonly devices: readonly HeldDevice[];
  /** A fatal error: the kernel resets the link, whatever the votes are. */
  readonly fatal: boolean;
  /** The host's uevents do not tell its end: it was over before we listened, or some were lost. */
  blind(): boolean;
}

const NS_PER_MS = 1e6;
const ended = (value: HostEnd): OperationResult => ({ ok: true, value });
const failed = (why: 'gone' | 'timeout', detail: string): OperationResult => ({ ok: false, why, detail });

/**
 * Waits until the host has ended its own recovery and the devices answer again: nothing may touch the link before (R3.5). Where no
 * uevent can tell, a time of calm has to do. A host that does not end in time is not waited for any longer: the devices are
 * given up, and what the host does with the link remains its own (R3.7).
 */
export async function awaitHost(
  recovery: HostRecovery,
  cycles: HostCycles,
  clock: Clock,
  timings: AerOwnerTimings,
  signal: AbortSignal,
): Promise<OperationResult> {
  const state = await hostEnd(recovery, cycles, clock, timings, signal);
  if (state === 'gone') return failed('gone', 'A function was taken away.');
  if (state === 'running') return failed('timeout', `The host did not end within ${timings.host} ms.`);
  if (state === 'failed') return ended('gave_up');
  for (const device of recovery.devices) {
    if (!(await device.answers(signal)))
      return failed('timeout', `${device.bdf} does not answer after the host's recovery.`);
  }
  // What the host does after it said so (clearing the status) is done when its uevents are, and the devices answer.
  const after = cycles.stateOf(recovery.functions);
  if (after === 'gone') return failed('gone', 'A function was taken away.');
  if (after === 'failed') return ended('gave_up');
  const lost = await Promise.all(recovery.devices.map((device) => device.wasReset()));
  return ended(lost.includes(true) || (recovery.fatal && state === 'successful') ? 'reset' : 'left');
}

/** `running`: it did not end in time. `quiet`: there is nothing to wait for. */
async function hostEnd(
  recovery: HostRecovery,
  cycles: HostCycles,
  clock: Clock,
  timings: AerOwnerTimings,
  signal: AbortSignal,
): Promise<'gone' | 'running' | 'failed' | 'successful' | 'quiet'> {
  const until = clock.monotonic() + timings.host * NS_PER_MS;
  for (;;) {
    const state = cycles.stateOf(recovery.functions);
    if (state !== 'running' && state !== 'quiet') return state;
    const left = (until - clock.monotonic()) / NS_PER_MS;
    if (left <= 0) return 'running';
    const mayBeOver = state === 'quiet' || recovery.blind();
    const changed = await changesWithin(cycles, clock, mayBeOver ? Math.min(timings.calm, left) : left, signal);
    if (!changed && mayBeOver) return 'quiet';
  }
}

/** Whether a uevent came within `ms`. Rejects when `signal` aborts. */
async function changesWithin(cycles: HostCycles, clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  const enough = new AbortController();
  const time = wait(clock, ms, AbortSignal.any([signal, enough.signal])).then(() => false);
  try {
    return await Promise.race([cycles.changed().then(() => true), time]);
  } finally {
    enough.abort();
    time.catch(() => undefined);
  }
}
