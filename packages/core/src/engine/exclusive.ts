import { type RecoveryScope } from '../contract/device.js';
import { type RequestOptions } from '../contract/engine.js';
import { PciRecoveryError } from '../errors/pci-recovery-error.js';
import { type Awaitable } from '../plain.js';
import { abortedError } from '../time/wait.js';
import { type CallbackFrames } from './reentrancy.js';
import { type Occupant, type Scheduler, type Waiting } from './scheduler.js';

/** What exclusive work needs of its engine. */
export interface ExclusiveSurroundings {
  readonly scheduler: Scheduler;
  readonly frames: CallbackFrames;
  readonly refuseWhenClosed: () => void;
}

/** Runs `work` as the only one that touches `scope`. */
export async function runExclusively<T>(
  scope: RecoveryScope,
  work: () => Awaitable<T>,
  { signal }: RequestOptions,
  { scheduler, frames, refuseWhenClosed }: ExclusiveSurroundings,
): Promise<T> {
  refuseWhenClosed();
  const frame = frames.current();
  const own = frame && scope.members.find((member) => frame.holds(member.bdf));
  if (own) {
    throw new PciRecoveryError(
      'ERR_PCI_REENTRANT_RESET',
      `Exclusive use of ${own.bdf} was asked for from inside a callback or work that holds it already: it would wait for itself. A callback answers need_reset instead.`,
      { context: { bdf: own.bdf, scope: scope.id } },
    );
  }
  const occupant: Occupant = { scope, held: new Set(scope.members.map((member) => member.bdf)) };
  // A recovery waits for its callback: what the callback waits for goes first, or both might wait for a third.
  await turn(scheduler, occupant, frame !== undefined, signal);
  let open = true;
  try {
    return await frames.run({ holds: (bdf) => open && occupant.held.has(bdf) }, work);
  } finally {
    open = false;
    scheduler.release(undefined, occupant);
  }
}

/** Waits until nobody else holds what `occupant` wants, then occupies it. */
function turn(
  scheduler: Scheduler,
  occupant: Occupant,
  first: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const waiting: Waiting = {
      scope: () => occupant.scope,
      start: () => {
        signal?.removeEventListener('abort', aborted);
        scheduler.occupy(undefined, 'fifo', occupant);
        resolve();
      },
    };
    const aborted = (): void => {
      scheduler.withdraw(waiting);
      reject(abortedError(signal, 'The wait for a scope'));
    };
    if (signal?.aborted) return aborted();
    signal?.addEventListener('abort', aborted, { once: true });
    scheduler.enqueueWork(waiting, first);
  });
}
