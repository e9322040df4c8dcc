import { type Bdf, type Clock } from '@pci-recovery/core';
import { type CounterWatch, type Moved } from './counters.js';

/**
 * Correctable errors from counters, where nothing traces them: looked at again and again, so several errors between two looks are one.
 * Reading counters wakes nobody and needs no privilege.
 */
export async function pollCorrectable(
  counters: CounterWatch<'correctable'>,
  functions: () => Iterable<Bdf>,
  clock: Clock,
  every: number,
  signal: AbortSignal,
  tell: (moved: Moved<'correctable'>) => void,
): Promise<void> {
  while (!signal.aborted) {
    for (const moved of await counters.moved(functions())) tell(moved);
    await pause(clock, every, signal);
  }
}

/** Ends early, without an error, when `signal` aborts. */
const pause = (clock: Clock, ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = clock.after(ms, () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    const stop = (): void => {
      timer[Symbol.dispose]();
      resolve();
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
