import { type Bdf, type Clock, type OperationResult } from '@pci-recovery/core';
import { type HostEnd } from '../procedure/owner.js';
import { type HeldDevice } from './held-device.js';
import { type CycleState, type HostCycles } from './host-cycles.js';
import { type AerOwnerTimings } from './owner-timings.js';

/** A host's recovery that is waited for. It can turn out to be more than one: errors come while it goes on. */
export interface HostRecovery {
  /** The held functions that it concerns, and their devices, as far as they are still held. */
  readonly functions: ReadonlySet<Bdf>;
  readonly devices: readonly HeldDevice[];
  /** A fatal error is among them: the kernel resets the link, whatever the votes are. */
  readonly fatal: boolean;
  /** Somebody let go of one of them. */
  readonly released: boolean;
  /** The host's uevents do not tell its end: it was over before we listened, or some were lost. */
  readonly blind: boolean;
  /** So many signals of a function there were at most of which no uevent has told yet. */
  readonly ahead: number;
  /** Counts the signals and uevents that belonged to it. */
  readonly happenings: number;
  /** What was counted meanwhile belongs to it: looks whether a fatal error is among them. */
  recount(): Promise<void>;
  /** It is over: what comes from now on belongs to the next error. */
  close(end: OperationResult): void;
}

/** With what it is waited. */
export interface HostWait {
  readonly cycles: HostCycles;
  readonly clock: Clock;
  readonly timings: AerOwnerTimings;
  readonly closing: AbortSignal;
}

const ended = (value: HostEnd): OperationResult => ({ ok: true, value });
const failed = (why: 'gone' | 'timeout' | 'failed', detail: string): OperationResult => ({ ok: false, why, detail });

/**
 * Waits until the host has ended its own recovery and the devices answer again: nothing may touch the link before (R3.5). Where no
 * uevent can tell, a time of calm has to do. A host that does not end in time is not waited for any longer: the devices are
 * given up, and what the host does with the link remains its own (R3.7).
 *
 * An error that comes before it is known how the devices are is waited for too: what was looked at is not worth anything then.
 */
export async function awaitHost(recovery: HostRecovery, waiting: HostWait): Promise<void> {
  const until = waiting.clock.monotonic() + waiting.timings.host * 1e6;
  for (;;) {
    const state = await hostEnd(recovery, waiting, until);
    const seen = recovery.happenings;
    await recovery.recount();
    const end = await endOf(recovery, state, waiting);
    if (recovery.happenings !== seen && state !== 'running') continue;
    return recovery.close(end);
  }
}

/** How the devices are, now that the host has ended. */
async function endOf(
  recovery: HostRecovery,
  state: CycleState | 'unknown',
  { timings, closing }: HostWait,
): Promise<OperationResult> {
  if (state === 'gone') return failed('gone', 'A function was taken away.');
  if (state === 'running') return failed('timeout', `The host did not end within ${timings.host} ms.`);
  if (state === 'failed') return ended('gave_up');
  if (state === 'unknown') return failed('failed', 'Uevents were lost: the host may have given up.');
  const { devices } = recovery;
  for (const device of devices) {
    if (!(await device.answers(closing)))
      return failed('timeout', `${device.bdf} does not answer after the host's recovery.`);
  }
  const lost = await Promise.all(devices.map((device) => device.wasReset()));
  return ended(lost.includes(true) || (recovery.fatal && state === 'successful') ? 'reset' : 'left');
}

/** `running`: it did not end in time. `quiet`: there is nothing to wait for. */
async function hostEnd(
  recovery: HostRecovery,
  { cycles, clock, timings, closing }: HostWait,
  until: number,
): Promise<CycleState | 'unknown'> {
  let seen = recovery.happenings;
  let since = clock.monotonic();
  for (;;) {
    const state = recovery.released ? 'gone' : cycles.stateOf(recovery.functions);
    const mayBeOver = state === 'quiet' || recovery.blind || (state !== 'running' && recovery.ahead > 0);
    if (state === 'gone' || (state !== 'running' && !mayBeOver)) return state;
    // What happens to others does not disturb the calm.
    if (recovery.happenings !== seen) since = clock.monotonic();
    seen = recovery.happenings;
    const calm = since + timings.calm * 1e6;
    if (mayBeOver && clock.monotonic() >= calm) return unheard(state, recovery, cycles);
    if (clock.monotonic() >= until) return 'running';
    const next = mayBeOver ? Math.min(calm, until) : until;
    await cycles.bell.within((next - clock.monotonic()) / 1e6, closing);
  }
}

/**
 * How the host ended when its uevents do not say. One signal can be the error itself, when nothing at all was told of it; one more can be
 * the host's failure. Where nothing was lost, a signal without uevent is none of the host's.
 */
function unheard(
  state: CycleState,
  { ahead, blind, functions }: HostRecovery,
  cycles: HostCycles,
): CycleState | 'unknown' {
  const most = state === 'quiet' ? 1 : blind ? 0 : Infinity;
  if (ahead > most) return 'unknown';
  if (state !== 'running') return state;
  return cycles.hasFailed(functions) ? 'failed' : 'quiet';
}
