import { abortedError, type Clock, PciRecoveryError, type Plain, wait } from '@pci-recovery/core';
import { errnoName } from '../../seam/errno.js';
import { type SyscallResult } from '../../seam/syscalls.js';

/** How a reset is tried again while the kernel is still busy with the device. Milliseconds. */
export interface RetryTimings {
  /** First pause; each further one is twice as long. Default 1. */
  readonly first?: number;
  /** Longest pause. Default 64. */
  readonly most?: number;
  /** Given up after this time. Default 60 000. */
  readonly limit?: number;
}

/** A call to try. */
export interface Attempt {
  readonly call: string;
  /** errnos after which it is tried again. */
  readonly again: readonly string[];
  readonly context: Readonly<Record<string, Plain>>;
  make(): Promise<SyscallResult>;
}

/** Where the waiting is done. */
export interface RetryOptions extends RetryTimings {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Makes a call until it can be done: see {@link untilFree}. */
export type Persist = (call: string, make: () => Promise<SyscallResult>) => Promise<SyscallResult>;

function givenUp({ call, context }: Attempt, errno: string, tries: number, limit: number): PciRecoveryError {
  return new PciRecoveryError(
    'ERR_PCI_DEADLINE',
    `${call} answered ${errno} for ${limit / 1000} s (${tries} tries): somebody holds the device, the host's own recovery or another reset. Find out who in the kernel log.`,
    { permanence: 'temporary', context: { ...context, call, errno, tries, limit } },
  );
}

/**
 * Makes a call again and again while it answers that it cannot be done just now, with pauses of 1, 2, 4 … 64 ms.
 *
 * The kernel signals an error *before* its own handler is done with the device and holds its lock until then:
 * pci_try_reset_function (drivers/pci/pci.c) answers EAGAIN meanwhile. Seen: up to 12 ms on s390, 140 ms on x86, where the
 * kernel resets the link in that time.
 * @returns the first other answer, an errno too
 * @throws PciRecoveryError `ERR_PCI_ABORTED` between two tries (never during one: it runs to its end), `ERR_PCI_DEADLINE`
 */
export async function untilFree(attempt: Attempt, options: RetryOptions): Promise<SyscallResult> {
  const { clock, signal, first = 1, most = 64, limit = 60_000 } = options;
  const until = clock.monotonic() + limit * 1e6;
  let pause = first;
  for (let tries = 1; ; tries++) {
    if (signal.aborted) throw abortedError(signal, attempt.call);
    const result = await attempt.make();
    if (result >= 0 || !attempt.again.includes(errnoName(result))) return result;
    const left = (until - clock.monotonic()) / 1e6;
    if (left <= 0) throw givenUp(attempt, errnoName(result), tries, limit);
    await wait(clock, Math.min(pause, left), signal);
    pause = Math.min(pause * 2, most);
  }
}
