import { type Lost } from '@pci-recovery/core/linux';
import fc from 'fast-check';
import { BoundedStream } from '../../src/host/stream/bounded-stream.js';
import { Broadcast, type Sink } from '../../src/host/stream/broadcast.js';
import { LineAssembler } from '../../src/host/stream/lines.js';

interface Item {
  readonly kind: 'item';
  readonly number: number;
}
const item = (number: number): Item => ({ kind: 'item', number });
const lost = (count: number | undefined): Lost => ({ kind: 'lost', count });
const never = new AbortController().signal;

async function drain<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const each of stream) items.push(each);
  return items;
}

describe('a bounded stream', () => {
  const streamOf = (limit: number, signal = never): BoundedStream<Item> =>
    new BoundedStream(limit, signal, () => undefined);

  it('hands items over in order', async () => {
    const stream = streamOf(10);
    [1, 2, 3].forEach((number) => stream.push(item(number)));
    stream.end();
    expect(await drain(stream)).toEqual([item(1), item(2), item(3)]);
  });

  it('drops what does not fit, and says in its place how many', async () => {
    const stream = streamOf(2);
    [1, 2, 3, 4, 5].forEach((number) => stream.push(item(number)));
    expect(await stream.next()).toEqual({ done: false, value: item(1) });
    expect(await stream.next()).toEqual({ done: false, value: item(2) });
    stream.push(item(6));
    stream.end();
    expect(await drain(stream)).toEqual([lost(3), item(6)]);
  });

  it('does not know how many were lost when one of the losses is not known', async () => {
    const stream = streamOf(1);
    stream.push(item(1));
    stream.push(item(2));
    stream.lose(undefined);
    stream.lose(4);
    stream.end();
    expect(await drain(stream)).toEqual([item(1), lost(undefined)]);
  });

  it('never holds more than its limit and one report, and accounts for every item', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.array(fc.boolean()), async (limit, steps) => {
        const stream = streamOf(limit);
        const seen: (Item | Lost)[] = [];
        let pushed = 0;
        for (const push of steps) {
          if (push) stream.push(item(pushed++));
          else if (stream.waiting > 0) seen.push((await stream.next()).value as Item | Lost);
          expect(stream.waiting).toBeLessThanOrEqual(limit + 1);
        }
        stream.end();
        seen.push(...(await drain(stream)));
        let next = 0;
        for (const each of seen) {
          if (each.kind === 'lost') next += each.count!;
          else expect(each.number).toBe(next++);
        }
        expect(next).toBe(pushed);
      }),
    );
  });

  it('ends at once when the signal aborts, dropping what waits, and lets the source go once', async () => {
    const abort = new AbortController();
    let releases = 0;
    const stream = new BoundedStream<Item>(4, abort.signal, () => void releases++);
    stream.push(item(1));
    const first = await stream.next();
    const second = stream.next();
    abort.abort();
    stream.push(item(2));
    expect([first.done, (await second).done, (await stream.next()).done]).toEqual([false, true, true]);
    expect(releases).toBe(1);
  });

  it('is over from the beginning when the signal has aborted', async () => {
    expect(await drain(streamOf(1, AbortSignal.abort()))).toEqual([]);
  });

  it('tells a failure once, after what came before', async () => {
    const stream = streamOf(4);
    stream.push(item(1));
    stream.fail(new Error('broke'));
    stream.fail(new Error('again'));
    expect((await stream.next()).value).toEqual(item(1));
    await expect(stream.next()).rejects.toThrow('broke');
    expect((await stream.next()).done).toBe(true);
  });

  it('tells what broke the source, not what went wrong with letting it go', async () => {
    const stream = new BoundedStream<Item>(4, never, () => Promise.reject(new Error('release')));
    stream.fail(new Error('broke'));
    await expect(stream.next()).rejects.toThrow('broke');
  });

  it('tells who leaves that letting the source go failed', async () => {
    const stream = new BoundedStream<Item>(4, never, () => Promise.reject(new Error('release')));
    await expect(stream.return()).rejects.toThrow('release');
  });

  it('serves several who wait', async () => {
    const stream = streamOf(4);
    const waiting = [stream.next(), stream.next(), stream.next()];
    stream.push(item(1));
    stream.push(item(2));
    stream.end();
    expect((await Promise.all(waiting)).map(({ done }) => done)).toEqual([false, false, true]);
  });
});

describe('one source for many', () => {
  function broadcast(limit = 8): { shared: Broadcast<Item>; log: string[]; sinks: Sink<Item>[] } {
    const log: string[] = [];
    const sinks: Sink<Item>[] = [];
    const shared = new Broadcast<Item>(limit, (sink) => {
      sinks.push(sink);
      log.push('open');
      return {
        [Symbol.asyncDispose]: async () => {
          log.push('closing');
          await Promise.resolve();
          log.push('closed');
        },
      };
    });
    return { shared, log, sinks };
  }

  it('is opened for the first consumer and let go of with the last', async () => {
    const { shared, log, sinks } = broadcast();
    expect(log).toEqual([]);
    const [one, other] = [new AbortController(), new AbortController()];
    const first = shared.subscribe(one.signal);
    const second = shared.subscribe(other.signal);
    sinks[0]!.push(item(1));
    one.abort();
    expect((await first.next()).done).toBe(true);
    expect(log).toEqual(['open']);
    expect((await second.next()).value).toEqual(item(1));
    other.abort();
    expect((await second.next()).done).toBe(true);
    expect(log).toEqual(['open', 'closing', 'closed']);
    expect(shared.consumers).toBe(0);
  });

  it('is opened again for who comes later', async () => {
    const { shared, log } = broadcast();
    for (let round = 0; round < 2; round++) await shared.subscribe(never).return!();
    expect(log).toEqual(['open', 'closing', 'closed', 'open', 'closing', 'closed']);
  });

  it('gives each consumer a queue of its own: a slow one costs the others nothing', async () => {
    const { shared, sinks } = broadcast(2);
    const [slow, fast] = [shared.subscribe(never), shared.subscribe(never)];
    const seen: unknown[] = [];
    for (let number = 0; number < 4; number++) {
      sinks[0]!.push(item(number));
      seen.push((await fast.next()).value);
    }
    expect(seen).toEqual([0, 1, 2, 3].map(item));
    await shared[Symbol.asyncDispose]();
    expect(await drain(slow)).toEqual([item(0), item(1), lost(2)]);
  });

  it('ends everybody with its failure, and opens anew afterwards', async () => {
    const { shared, log, sinks } = broadcast();
    const [one, other] = [shared.subscribe(never), shared.subscribe(never)];
    sinks[0]!.fail(new Error('gone'));
    await expect(one.next()).rejects.toThrow('gone');
    await expect(other.next()).rejects.toThrow('gone');
    expect(log).toEqual(['open', 'closing', 'closed']);
    shared.subscribe(never);
    expect(log.at(-1)).toBe('open');
    await shared[Symbol.asyncDispose]();
    await shared[Symbol.asyncDispose]();
    expect(log.slice(4)).toEqual(['closing', 'closed']);
  });

  it('is not opened for a signal that has aborted', async () => {
    const { shared, log } = broadcast();
    expect(await drain(shared.subscribe(AbortSignal.abort()))).toEqual([]);
    expect(log).toEqual([]);
  });

  it('has no consumer when it cannot be opened', () => {
    const shared = new Broadcast<Item>(1, () => {
      throw new Error('no');
    });
    expect(() => shared.subscribe(never)).toThrow('no');
    expect(shared.consumers).toBe(0);
  });
});

describe('lines of bytes', () => {
  it('are the same however the bytes are cut, and a line that is too long is one loss', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', ' '), maxLength: 12 })),
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
        (lines, cuts) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1');
          const seen: (string | undefined)[] = [];
          const assembler = new LineAssembler(
            8,
            (line) => seen.push(line),
            () => seen.push(undefined),
          );
          for (let at = 0, cut = 0; at < bytes.length; cut++) {
            const size = cuts[cut % cuts.length]!;
            assembler.feed(bytes.subarray(at, at + size));
            at += size;
          }
          expect(seen).toEqual(lines.map((line) => (line.length > 8 ? undefined : line)));
        },
      ),
    );
  });
});
