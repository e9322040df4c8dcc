import { getEventListeners } from 'node:events';
import { address, bench, errorAt, gate, scopeOf, settled, words, type Bench, type Stage } from './scripted-platform.js';

const RESET: readonly Stage[] = [{ change: 'reset' }];

/** An engine whose recoveries last until `reset` opens. */
function held(): Bench & { reset: ReturnType<typeof gate> } {
  const reset = gate();
  return { ...bench({ stages: RESET, perform: () => reset.promise }), reset };
}

describe('exclusive work', () => {
  it('answers what it answers, at once or promised', async () => {
    const { engine } = bench();
    expect(await engine.exclusive(scopeOf(1), () => 1)).toBe(1);
    expect(await engine.exclusive(scopeOf(1), async () => 'two')).toBe('two');
  });

  it('waits for a recovery of its scope, but not for one elsewhere', async () => {
    const { engine, reset } = held();
    const running = engine.submit(errorAt(1));
    const log: string[] = [];
    const waiting = engine.exclusive(scopeOf(1, 2), () => void log.push('overlapping'));
    await engine.exclusive(scopeOf(3), () => void log.push('disjoint'));
    expect(log).toEqual(['disjoint']);
    reset.open({ ok: true });
    await Promise.all([running, waiting]);
    expect(log).toEqual(['disjoint', 'overlapping']);
  });

  it('keeps recoveries of its scope waiting, and other work of it', async () => {
    const { engine, seen, reset } = held();
    const [first, second] = [gate<void>(), gate<void>()];
    const works = [
      engine.exclusive(scopeOf(1), () => first.promise),
      engine.exclusive(scopeOf(1, 2), () => second.promise),
    ];
    const recovery = engine.submit(errorAt(1));
    await settled();
    first.open();
    await settled();
    expect(seen.map(({ type }) => type)).toEqual(['received']);
    second.open();
    await settled();
    expect(seen.some(({ type }) => type === 'trace')).toBe(true);
    reset.open({ ok: true });
    await Promise.all([...works, recovery]);
  });

  it.each<[string, () => unknown]>([
    ['throws', () => thrown()],
    ['rejects', async () => thrown()],
  ])('that %s passes that on and releases its scope', async (_, work) => {
    const { engine } = bench();
    await expect(engine.exclusive(scopeOf(1), work)).rejects.toThrow('work');
    expect(await engine.exclusive(scopeOf(1), () => 'free')).toBe('free');
    await engine.close();
  });
  const thrown = (): never => {
    throw new Error('work');
  };

  it('that is aborted while it waits is never begun, and nobody waits for it', async () => {
    const { engine, reset } = held();
    const stop = new AbortController();
    const running = engine.submit(errorAt(1));
    const work = engine.exclusive(scopeOf(1, 2), () => thrown(), { signal: stop.signal });
    const behind = engine.exclusive(scopeOf(2), () => 'free');
    await settled();
    stop.abort('enough');
    await expect(work).rejects.toMatchObject({ code: 'ERR_PCI_ABORTED', cause: 'enough' });
    expect(await behind).toBe('free');
    reset.open({ ok: true });
    await running;
    await engine.close();
  });

  it('is not begun with a signal that is aborted already, and leaves no listener on one that is not', async () => {
    const { engine } = bench();
    const aborted = engine.exclusive(scopeOf(1), () => 1, { signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ code: 'ERR_PCI_ABORTED' });
    const { signal } = new AbortController();
    await engine.exclusive(scopeOf(1), () => 1, { signal });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('is refused with ERR_PCI_ENGINE_CLOSED by a closed engine, which waits for what it had taken in', async () => {
    const { engine } = bench();
    const work = gate<string>();
    const running = engine.exclusive(scopeOf(1), () => work.promise);
    const queued = engine.exclusive(scopeOf(1), () => 'second');
    let closed = false;
    const closing = engine.close().then(() => (closed = true));
    await expect(engine.exclusive(scopeOf(1), () => 1)).rejects.toMatchObject({ code: 'ERR_PCI_ENGINE_CLOSED' });
    await settled();
    expect(closed).toBe(false);
    work.open('first');
    expect(await Promise.all([running, queued, closing])).toEqual(['first', 'second', true]);
  });
});

describe('a reset that would wait for itself is refused with ERR_PCI_REENTRANT_RESET', () => {
  const ASK: readonly Stage[] = [{ notify: 'errorDetected' }];

  /** What becomes of exclusive use of `functions` from inside a callback of function 1, which shares a scope with 2. */
  async function fromInside(functions: number[], before: () => Promise<unknown>): Promise<string> {
    let found = 'not asked';
    const rig = bench({ stages: ASK, scopeOf: () => scopeOf(1, 2) });
    rig.engine.attach(address(1), {
      async errorDetected() {
        await before();
        found = await rig.engine
          .exclusive(scopeOf(...functions), () => 'done')
          .catch((error: { code: string }) => error.code);
        return 'can_recover' as const;
      },
    });
    expect((await rig.engine.submit(errorAt(1))).result).toBe('recovered');
    return found;
  }

  it.each<[string, () => Promise<unknown>]>([
    ['at once', () => Promise.resolve()],
    ['after an await', settled],
    ['after a timer', () => new Promise((resolve) => setTimeout(resolve, 1))],
    [
      'after many awaits',
      async () => {
        for (let n = 0; n < 10; n++) await Promise.resolve();
      },
    ],
  ])('from inside a callback: %s', async (_, before) => {
    expect(await fromInside([1], before)).toBe('ERR_PCI_REENTRANT_RESET');
    expect(await fromInside([2], before)).toBe('ERR_PCI_REENTRANT_RESET');
    expect(await fromInside([2, 3], before)).toBe('ERR_PCI_REENTRANT_RESET');
    expect(await fromInside([3], before)).toBe('done');
  });

  it('from inside exclusive work on it, also through a disjoint one', async () => {
    const { engine } = bench();
    const nested = (inner: number, middle?: number): Promise<unknown> =>
      engine.exclusive(scopeOf(1), async () => {
        await settled();
        const innermost = (): Promise<string> => engine.exclusive(scopeOf(inner), () => 'done');
        return middle === undefined ? innermost() : engine.exclusive(scopeOf(middle), innermost);
      });
    await expect(nested(1)).rejects.toMatchObject({ code: 'ERR_PCI_REENTRANT_RESET' });
    await expect(nested(1, 2)).rejects.toMatchObject({ code: 'ERR_PCI_REENTRANT_RESET' });
    expect(await nested(2)).toBe('done');
    expect(await nested(3, 2)).toBe('done');
    await engine.close();
  });

  it('but not when the recovery, or the work, that it was begun in is over', async () => {
    const later = gate<void>();
    let work!: Promise<unknown>;
    const rig = bench({ stages: ASK });
    const reset = (): Promise<unknown> => later.promise.then(() => rig.engine.exclusive(scopeOf(1), () => 'done'));
    rig.engine.attach(address(1), { errorDetected: () => ((work = reset()), 'can_recover') });
    await rig.recover(errorAt(1));
    let second!: Promise<unknown>;
    await rig.engine.exclusive(scopeOf(1), () => void (second = reset()));
    later.open();
    expect(await Promise.all([work, second])).toEqual(['done', 'done']);
  });

  it('and one of a disjoint scope does not wait behind work that waits for the callback’s own recovery', async () => {
    const asked = gate<void>();
    const rig = bench({ stages: ASK });
    rig.engine.attach(address(1), {
      async errorDetected() {
        await asked.promise;
        await rig.engine.exclusive(scopeOf(2), () => {});
        return 'can_recover' as const;
      },
    });
    const recovery = rig.engine.submit(errorAt(1));
    const wide = rig.engine.exclusive(scopeOf(1, 2), () => 'wide');
    asked.open();
    expect(words((await recovery).trace)).toContain('answer can_recover');
    expect(await wide).toBe('wide');
  });
});
