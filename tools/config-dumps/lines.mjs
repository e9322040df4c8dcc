// Lines of a stream, one at a time, waited for no longer than a signal allows.
import { createInterface } from 'node:readline';

/** Returns `next()`: the next line of `stream`. It throws when the stream ends or `signal` aborts. */
export function lineReader(stream, what, signal) {
  const lines = createInterface({ input: stream, signal })[Symbol.asyncIterator]();
  return async () => {
    const { value, done } = await lines.next();
    if (!done) return value;
    signal.throwIfAborted();
    throw new Error(`${what} ended before it was done.`);
  };
}
