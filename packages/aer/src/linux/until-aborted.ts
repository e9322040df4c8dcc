/**
 * Waits for a call that cannot be cut short, but no longer than until `signal` aborts: then it is left to itself, and what `instead`
 * returns, or throws, counts.
 */
export function untilAborted<T>(call: Promise<T>, signal: AbortSignal, instead: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => void Promise.resolve().then(instead).then(resolve, reject);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    // Also of a call that nobody waits for: its failure would be nobody's.
    const settled = signal.aborted ? call.catch(() => undefined) : call.then(resolve, reject);
    void settled.finally(() => signal.removeEventListener('abort', stop));
  });
}
