import fc from 'fast-check';
import { EventQueue, EventStream } from '../src/index.js';

const until = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve())));

/** A stream of numbers with its queue, and whether its source still listens. */
function made(): {
  queue: EventQueue<number>;
  stop: AbortController;
  stream: EventStream<number>;
  listening: () => boolean;
} {
  const queue = new EventQueue<number>();
  const stop = new AbortController();
  let listening = false;
  const stream = new EventStream(queue, stop.signal, async (signal) => {
    listening = true;
    await until(signal);
    listening = false;
  });
  return { queue, stop, stream, listening: () => listening };
}

describe('events on their way to their consumer', () => {
  it('come in the order in which they were pushed, however pushes and reads are mixed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean()), async (pushes) => {
        const { queue, stop, stream } = made();
        const read: Promise<IteratorResult<number>>[] = [];
        let pushed = 0;
        for (const push of pushes) {
          if (push) queue.push(pushed++);
          else if (read.length < pushed) read.push(stream.next());
        }
        expect((await Promise.all(read)).map(({ value }) => value as number)).toEqual(read.map((_, index) => index));
        stop.abort();
        await stream.return();
      }),
      { numRuns: 50 },
    );
  });

  it('the source is listened to from the first read on, and let go when the signal aborts', async () => {
    const { queue, stop, stream, listening } = made();
    expect(listening()).toBe(false);
    queue.push(1);
    expect(await stream.next()).toEqual({ done: false, value: 1 });
    expect(listening()).toBe(true);
    const next = stream.next();
    stop.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(listening()).toBe(false);
  });

  it('a consumer that leaves lets the source go, and what is in the queue stays for the next one', async () => {
    const { queue, stream, listening } = made();
    queue.push(1);
    queue.push(2);
    for await (const value of stream) {
      expect(value).toBe(1);
      break;
    }
    expect(listening()).toBe(false);
    expect(queue.take()).toEqual({ event: 2 });
  });

  it('a source that breaks is told of once, after what came before', async () => {
    const { queue, stream } = made();
    queue.push(1);
    queue.fail(new Error('broken'));
    expect(await stream.next()).toEqual({ done: false, value: 1 });
    await expect(stream.next()).rejects.toThrow('broken');
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  it('what was taken is let go of, also from a queue that is never empty', () => {
    const queue = new EventQueue<number>();
    for (let n = 0; n < 5000; n++) queue.push(n);
    for (let n = 0; n < 4999; n++) expect(queue.take()).toEqual({ event: n });
    queue.push(5000);
    expect([queue.take(), queue.take(), queue.take()]).toEqual([{ event: 4999 }, { event: 5000 }, undefined]);
  });
});
