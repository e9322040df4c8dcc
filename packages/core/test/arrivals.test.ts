import { type Arrival, type Extent, type RecoveryOutcome, type RecoveryScope } from '@pci-recovery/core';
import {
  address,
  bench,
  errorAt,
  gate,
  scopeOf,
  settled,
  troubles,
  words,
  type Bench,
  type Script,
} from './scripted-platform.js';

/** Scopes by the number of the function that detects: 1: {1,2}; 2: {1,2}; 3: {1}; 4: {1,2,3}; 5: {2,3}; 6: {6}. */
const SCOPES: Readonly<Record<number, readonly number[]>> = {
  1: [1, 2],
  2: [1, 2],
  3: [1],
  4: [1, 2, 3],
  5: [2, 3],
  6: [6],
};
const scopeFor = (bus: string): RecoveryScope => scopeOf(...SCOPES[Number.parseInt(bus.slice(5, 7), 16)]!);

/** A recovery of {1,2} that is held in its reset until `reset` opens. */
function held(arrival: Script['arrival'], more: Script = {}): Bench & { reset: ReturnType<typeof gate> } {
  const reset = gate();
  let first = true;
  const rig = bench({
    stages: [{ change: 'reset' }],
    lane: () => 'one',
    scopeOf: (event) => scopeFor(event.device.bdf),
    perform: () => {
      if (!first) return { ok: true };
      first = false;
      return reset.promise;
    },
    ...(arrival && { arrival }),
    ...more,
  });
  return { ...rig, reset };
}

const EXTENTS: [detector: number, extent: Extent][] = [
  [2, 'same'],
  [3, 'inside'],
  [4, 'wider'],
  [5, 'crossing'],
  [6, 'disjoint'],
];

describe.each(EXTENTS)('an error of function %d, whose scope is %s to the running one,', (detector, extent) => {
  it.each<Arrival>(['fold', 'queue', 'queue_and_purge'])('arrives as the law says: %s', async (arrival) => {
    const law: unknown[] = [];
    const { engine, seen, reset } = held((running, at, event, given) => {
      law.push([running.recovery, running.scope.id, at, event.sequence, given]);
      return arrival;
    });
    const running = engine.submit(errorAt(1));
    const event = errorAt(detector);
    const arrived = engine.submit(event);
    await settled();
    expect(law).toEqual([[1, 'scope 1+2', '0', event.sequence, extent]]);
    expect(seen).toContainEqual({ type: 'arrived', event, recovery: 1, arrival });
    reset.open({ ok: true });
    const [first, second] = await Promise.all([running, arrived]);
    expect(first.trace).toContainEqual(
      expect.objectContaining({ what: 'arrival', sequence: event.sequence, extent, arrival }),
    );
    expect(first.foldedInto).toBeUndefined();
    if (arrival === 'fold') {
      expect(second).toEqual({ ...first, event, foldedInto: 1 });
    } else {
      expect(second).toMatchObject({ recovery: 2, event, result: 'recovered', startedAt: first.endedAt });
      expect(second.foldedInto).toBeUndefined();
    }
    expect(seen.filter(({ type }) => type === 'ended')).toHaveLength(2);
  });
});

describe('an error that purges', () => {
  it('takes what waits inside its scope with it when its own turn comes, not before', async () => {
    const { engine, seen, reset } = held((_, __, event) =>
      event.device.bdf === address(1) ? 'queue_and_purge' : 'queue',
    );
    const [running, inside, outside, purging, later] = [1, 3, 5, 1, 2].map((n) => engine.submit(errorAt(n)));
    await settled();
    expect(seen.some(({ type }) => type === 'purged')).toBe(false);
    reset.open({ ok: true });
    const outcomes = await Promise.all([running!, inside!, outside!, purging!, later!]);
    // First in, first out: the one inside had its turn before the purge; only what still waits then is purged.
    expect(outcomes.map(({ recovery, result }) => [recovery, result])).toEqual([
      [1, 'recovered'],
      [2, 'recovered'],
      [3, 'recovered'],
      [4, 'recovered'],
      [0, 'ignored'],
    ]);
    expect(outcomes[4]).toMatchObject({ usable: [] });
    expect(outcomes[4].why).toMatch(/purged/);
  });

  it('last in, first out, purges what is inside its scope and leaves what crosses it or lies elsewhere', async () => {
    const purging = errorAt(1);
    const { engine, seen, reset } = held((_, __, event) => (event === purging ? 'queue_and_purge' : 'queue'), {
      order: 'lifo',
    });
    const submitted = [1, 2, 3, 4, 5, 6].map((n) => engine.submit(errorAt(n)));
    const last = engine.submit(purging);
    await settled();
    reset.open({ ok: true });
    const outcomes = await Promise.all([...submitted, last]);
    expect(outcomes.map(({ recovery }) => recovery)).toEqual([1, 0, 0, 5, 4, 3, 2]);
    const purged = seen.flatMap((event) => (event.type === 'purged' ? [[event.event.device.bdf, event.by]] : []));
    expect(purged).toEqual([
      [address(2), purging],
      [address(3), purging],
    ]);
  });

  it('purges waiting errors of other lanes of its platform too', async () => {
    const { engine, reset } = held((_, __, event) => (event.device.bdf === address(4) ? 'queue_and_purge' : 'queue'), {
      lane: (event) => (event.device.bdf === address(3) ? 'z' : 'a'),
    });
    const outcomes = [1, 4, 3].map((n) => engine.submit(errorAt(n)));
    await settled();
    reset.open({ ok: true });
    expect((await Promise.all(outcomes)).map(({ recovery }) => recovery)).toEqual([1, 2, 0]);
  });
});

describe('nothing is lost', () => {
  it('when the law throws or answers nonsense: the error waits for its turn, and that is reported', async () => {
    for (const law of [() => 'drop' as never, badLaw]) {
      const { engine, seen, reset } = held(law);
      const both = [engine.submit(errorAt(1)), engine.submit(errorAt(2))];
      await settled();
      reset.open({ ok: true });
      expect((await Promise.all(both)).map(({ recovery }) => recovery)).toEqual([1, 2]);
      expect(troubles(seen)).toEqual(['arrival of platform "scripted"']);
      expect(seen).toContainEqual(expect.objectContaining({ type: 'arrived', arrival: 'queue' }));
      await engine.close();
    }
  });
  const badLaw = (): never => {
    throw new Error('no law');
  };

  it('when thousands are counted with one recovery', async () => {
    const { engine, reset } = held(() => 'fold');
    const submitted = Array.from({ length: 20_000 }, () => engine.submit(errorAt(1)));
    await settled();
    reset.open({ ok: true });
    const outcomes = await Promise.all(submitted);
    expect(outcomes.filter(({ foldedInto }) => foldedInto === 1)).toHaveLength(19_999);
    await engine.close();
  });

  it('when it comes at the very end: a recovery that has ended counts nothing with it', async () => {
    const submitted: Promise<RecoveryOutcome>[] = [];
    const rig = bench(
      { stages: [], arrival: () => 'fold' },
      {
        observe: (event) => {
          if (event.type === 'trace' && event.entry.what === 'end' && event.recovery === 1)
            submitted.push(rig.engine.submit(errorAt(1)));
        },
      },
    );
    const first = await rig.recover(errorAt(1));
    const second = await submitted[0]!;
    expect(words(first.trace)).toEqual(['begin', 'end recovered']);
    expect(second).toMatchObject({ recovery: 2 });
    expect(second.foldedInto).toBeUndefined();
  });
});
