/** Fulfilled when the user wants an end; at once where nobody can. */
export const untilStopped = (stop: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    if (!stop || stop.aborted) return resolve();
    stop.addEventListener('abort', () => resolve(), { once: true });
  });
