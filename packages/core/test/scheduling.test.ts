import { type RecoveryOutcome, type RecoveryScope } from '@pci-recovery/core';
import { address, bench, errorAt, gate, scopeOf, settled, type Script } from './scripted-platform.js';

/** Recoveries whose reset takes as long as the test likes: `gates[n]` opens that of the error with that record. */
function slow(script: Script & { readonly mostQueued?: number } = {}) {
  const gates = new Map<string, ReturnType<typeof gate>>();
  const order: string[] = [];
  const { mostQueued, ...more } = script;
  const rig = bench(
    {
      stages: [{ change: 'reset' }],
      begin: ({ event, scope }) => ({
        do: 'operate',
        at: 'reset',
        state: null,
        operation: { name: event.record as string, nature: 'change' },
        then: () => ({ do: 'end', at: 'end', state: null, result: 'recovered', why: '', usable: scope.members }),
      }),
      perform: ({ name }) => {
        order.push(name);
        const opened = gate();
        gates.set(name, opened);
        return opened.promise;
      },
      ...more,
    },
    mostQueued === undefined ? {} : { mostQueued },
  );
  const submit = (name: string, n = 1): Promise<RecoveryOutcome> => rig.engine.submit(errorAt(n, { record: name }));
  const finish = async (name: string): Promise<void> => {
    gates.get(name)!.open({ ok: true });
    await settled();
  };
  return { ...rig, order, submit, finish };
}

/** Finishes whatever runs until everything is done. */
async function finishAll(rig: ReturnType<typeof slow>, outcomes: Promise<unknown>[]): Promise<void> {
  let done = false;
  void Promise.all(outcomes).then(() => (done = true));
  for (let index = 0; !done; index++) {
    await settled();
    const name = rig.order[index];
    if (name !== undefined) await rig.finish(name);
    else if (index > 1000) throw new Error('It never ends.');
  }
}

describe('recoveries of one lane', () => {
  it('end, for whoever observes, before the next one begins', async () => {
    const rig = slow();
    const both = [rig.submit('a'), rig.submit('b')];
    await finishAll(rig, both);
    const what = rig.seen.flatMap((one) => {
      if (one.type === 'ended') return `ended ${String(one.outcome.event.record)}`;
      return one.type === 'trace' && one.entry.what === 'begin' ? `begin ${String(one.event.record)}` : [];
    });
    expect(what).toEqual(['begin a', 'ended a', 'begin b', 'ended b']);
  });

  it('run one at a time, also when their scopes are disjoint', async () => {
    const rig = slow({ lane: () => 'one' });
    const both = [rig.submit('a', 1), rig.submit('b', 2)];
    await settled();
    expect(rig.order).toEqual(['a']);
    await rig.finish('a');
    expect(rig.order).toEqual(['a', 'b']);
    await rig.finish('b');
    expect((await Promise.all(both)).map(({ result }) => result)).toEqual(['recovered', 'recovered']);
  });

  it.each<['fifo' | 'lifo', string[]]>([
    ['fifo', ['a', 'b', 'c', 'd']],
    ['lifo', ['a', 'd', 'c', 'b']],
  ])('have their turn %s', async (order, expected) => {
    const rig = slow({ order, lane: () => 'one' });
    await finishAll(
      rig,
      ['a', 'b', 'c', 'd'].map((name) => rig.submit(name)),
    );
    expect(rig.order).toEqual(expected);
  });
});

describe('recoveries of different lanes', () => {
  it('run at the same time when their scopes are disjoint', async () => {
    const rig = slow();
    const all = [1, 2, 3].map((n) => rig.submit(`${n}`, n));
    await settled();
    expect(rig.order).toEqual(['1', '2', '3']);
    await rig.finish('2');
    expect(await all[1]).toMatchObject({ recovery: 2 });
    await finishAll(rig, all);
  });

  it('run one at a time when their scopes overlap', async () => {
    const scopes: Record<string, RecoveryScope> = { [address(1)]: scopeOf(1, 2), [address(2)]: scopeOf(2, 3) };
    const rig = slow({ lane: (event) => event.device.bdf, scopeOf: (event) => scopes[event.device.bdf]! });
    const both = [rig.submit('a', 1), rig.submit('b', 2)];
    await settled();
    expect(rig.order).toEqual(['a']);
    await finishAll(rig, both);
    expect(rig.order).toEqual(['a', 'b']);
  });

  it('belong to their platform: lanes of the same name do not meet', async () => {
    const other = slow({ name: 'other', lane: () => 'one' });
    const rig = slow({ lane: () => 'one' });
    const engine = bench({}, { platforms: [rig.platform, other.platform] }).engine;
    const both = [
      engine.submit(errorAt(1, { record: 'a' })),
      engine.submit(errorAt(2, { record: 'b', platform: 'other' })),
    ];
    await settled();
    expect([rig.order, other.order]).toEqual([['a'], ['b']]);
    await Promise.all([rig.finish('a'), other.finish('b')]);
    await Promise.all(both);
  });

  it('of two platforms run one at a time when they hold the same function', async () => {
    const other = slow({ name: 'other' });
    const rig = slow();
    const engine = bench({}, { platforms: [rig.platform, other.platform] }).engine;
    const both = [
      engine.submit(errorAt(1, { record: 'a' })),
      engine.submit(errorAt(1, { record: 'b', platform: 'other' })),
    ];
    await settled();
    expect(other.order).toEqual([]);
    await rig.finish('a');
    expect(other.order).toEqual(['b']);
    await other.finish('b');
    await Promise.all(both);
  });
});

describe('the scope of an error that waited', () => {
  it('is read anew when its turn comes', async () => {
    let scope = scopeOf(1);
    const rig = slow({ lane: () => 'one', scopeOf: () => scope });
    const both = [rig.submit('a'), rig.submit('b')];
    await settled();
    scope = scopeOf(1, 2);
    await finishAll(rig, both);
    expect((await Promise.all(both)).map((outcome) => outcome.scope.id)).toEqual(['scope 1', 'scope 1+2']);
  });

  it('may have come to overlap another recovery meanwhile: then it waits for that one, too', async () => {
    const scopes = new Map([
      [address(1), scopeOf(1)],
      [address(2), scopeOf(2)],
    ]);
    const rig = slow({
      lane: (event) => (event.record === 'c' ? 'a' : (event.record as string)),
      scopeOf: (event) => scopes.get(event.device.bdf)!,
    });
    const all = [rig.submit('a', 1), rig.submit('b', 2), rig.submit('c', 1)];
    await settled();
    scopes.set(address(1), scopeOf(1, 2));
    await rig.finish('a');
    expect(rig.order).toEqual(['a', 'b']);
    await rig.finish('b');
    expect(rig.order).toEqual(['a', 'b', 'c']);
    await finishAll(rig, all);
  });
});

describe('a lane whose queue is full', () => {
  it('ends further errors as disconnected, and reports each', async () => {
    const rig = slow({ lane: () => 'one', mostQueued: 2 });
    const all = ['a', 'b', 'c', 'd'].map((name) => rig.submit(name));
    const overflowed = await all[3]!;
    expect(overflowed).toMatchObject({ recovery: 0, result: 'disconnected', usable: [], scope: { id: address(1) } });
    expect(rig.seen.filter(({ type }) => type === 'overflowed')).toEqual([
      { type: 'overflowed', event: overflowed.event, lane: 'scripted/one' },
    ]);
    await finishAll(rig, all);
    expect(rig.order).toEqual(['a', 'b', 'c']);
  });

  it('leaves the other lanes alone', async () => {
    const rig = slow({ mostQueued: 1 });
    const all = [rig.submit('a', 1), rig.submit('b', 1), rig.submit('c', 2), rig.submit('d', 2), rig.submit('e', 2)];
    expect((await all[4]!).recovery).toBe(0);
    await finishAll(rig, all);
    expect(rig.order).toHaveLength(4);
  });
});

describe('nobody starves', () => {
  it('not the error with the wide scope, while errors of its single functions keep coming', async () => {
    const rig = slow({
      scopeOf: ({ device }) => (device.bdf === address(9) ? scopeOf(1, 2) : scopeOf(busOf(device.bdf))),
    });
    const all = [rig.submit('1.0', 1), rig.submit('2.0', 2), rig.submit('wide', 9)];
    for (let turn = 1; turn <= 5; turn++) {
      all.push(rig.submit(`1.${turn}`, 1));
      await settled();
      if (rig.order.includes(`1.${turn - 1}`)) await rig.finish(`1.${turn - 1}`);
      all.push(rig.submit(`2.${turn}`, 2));
      await settled();
      if (rig.order.includes(`2.${turn - 1}`)) await rig.finish(`2.${turn - 1}`);
    }
    expect(rig.order).toEqual(['1.0', '2.0', 'wide']);
    await finishAll(rig, all);
  });

  it('and nobody waits who is in nobody’s way', async () => {
    const rig = slow({
      scopeOf: ({ device }) => (device.bdf === address(9) ? scopeOf(1, 2) : scopeOf(busOf(device.bdf))),
    });
    const all = [rig.submit('1', 1), rig.submit('wide', 9), rig.submit('3', 3)];
    await settled();
    expect(rig.order).toEqual(['1', '3']);
    await finishAll(rig, all);
  });

  const busOf = (bdf: string): number => Number.parseInt(bdf.slice(5, 7), 16);
});
