import { formatBdf, refOf, type OperationResult, type RecoveryScope } from '@pci-recovery/core';
import {
  address,
  bench,
  errorAt,
  gate,
  member,
  ref,
  scopeOf,
  settled,
  words,
  type Script,
  type Stage,
} from './scripted-platform.js';

const replugged: RecoveryScope = { ...scopeOf(1), members: [member(1, { generation: 1 })] };
const becoming =
  (scope: RecoveryScope): NonNullable<Script['perform']> =>
  () => ({ ok: true, scope });
const RESET: readonly Stage[] = [{ notify: 'errorDetected' }, { change: 'reset' }, { notify: 'resume' }];

describe('an operation that plugs or unplugs', () => {
  it.each([1, 8, 9, 300])(
    'renews all of %d functions: each is called once in either life, and usable in the new one',
    async (n) => {
      const all = Array.from({ length: n }, (_, index) => index % 256);
      const numbered = (generation: number) =>
        all.map((bus, index) => ({
          ...member(bus, { generation }),
          bdf: formatBdf({ domain: index >> 8, bus, device: 0, function: 0 }),
        }));
      const [before, after] = [numbered(0), numbered(1)];
      const called: string[] = [];
      const rig = bench({
        stages: RESET,
        scopeOf: () => ({ ...scopeOf(1), members: before }),
        perform: becoming({ ...scopeOf(1), members: after }),
        handlersOf: () => ({
          errorDetected: ({ device }) => (called.push(`${device.bdf} ${device.generation}`), 'none'),
          resume: ({ device }) => void called.push(`${device.bdf} ${device.generation}`),
        }),
      });
      const outcome = await rig.recover(errorAt(1));
      expect(called).toEqual([...before, ...after].map(({ bdf, generation }) => `${bdf} ${generation}`));
      expect(outcome.usable).toEqual(after.map(refOf));
    },
  );

  it.each([1, 300])('leaves those of %d uncalled that are of another life', async (n) => {
    const members = Array.from({ length: n }, (_, index) => ({
      ...member(1, { generation: 2 }),
      bdf: formatBdf({ domain: 0, bus: index >> 3, device: 0, function: index & 7 }),
    }));
    const old = members.map(({ bdf }) => ({ bdf, generation: 1 }));
    const rig = bench({
      scopeOf: () => ({ ...scopeOf(1), members }),
      begin: () => ({
        do: 'notify',
        at: 'old',
        state: null,
        callback: 'errorDetected',
        channel: 'frozen',
        to: old,
        then: () => ({ do: 'end', at: 'end', state: null, result: 'recovered', why: '', usable: old }),
      }),
      handlersOf: () => ({ errorDetected: () => 'recovered' }),
    });
    const outcome = await rig.recover(errorAt(1));
    const answers = outcome.trace.flatMap((entry) => (entry.what === 'answer' ? entry.answer : []));
    expect(answers).toEqual(old.map((one) => ({ ...one, gave: 'nothing', why: 'gone' })));
    expect(outcome.usable).toEqual([]);
  });

  it('changes the scope: later callbacks are those of the new life, and that one is usable', async () => {
    const called: unknown[] = [];
    const rig = bench({ stages: RESET, perform: becoming(replugged) });
    rig.engine.attach(address(1), {
      errorDetected: ({ device }) => (called.push(device), 'none'),
      resume: ({ device }) => void called.push(device),
    });
    const outcome = await rig.recover(errorAt(1));
    expect(called).toEqual([ref(1, 0), ref(1, 1)]);
    expect(outcome.usable).toEqual([ref(1, 1)]);
    expect(outcome.scope.members.map(refOf)).toEqual([ref(1, 1)]);
  });

  it('shows the law the new membership with what is attached, as at the start', async () => {
    const shown: unknown[] = [];
    const show = ({ driver, handles }: { driver: boolean; handles: ReadonlySet<string> }): void =>
      void shown.push([driver, [...handles]]);
    const rig = bench({
      begin: ({ scope }) => {
        scope.members.forEach(show);
        return {
          do: 'operate',
          at: 'o',
          state: null,
          operation: { name: 'reset', nature: 'change' },
          then: (result) => {
            if (result.ok) result.scope?.members.forEach(show);
            return { do: 'end', at: 'e', state: null, result: 'recovered', why: '', usable: [] };
          },
        };
      },
      perform: becoming(scopeOf(1)),
    });
    rig.engine.attach(address(1), { resume: () => {}, slotReset: () => 'none' });
    await rig.recover(errorAt(1));
    expect(shown).toEqual([
      [true, ['slotReset', 'resume']],
      [true, ['slotReset', 'resume']],
    ]);
  });

  it.each<[string, RecoveryScope, unknown[]]>([
    ['a function that is gone', scopeOf(), []],
    ['a function of an earlier life', replugged, []],
    ['a function that is still there', scopeOf(1), [ref(1)]],
  ])('leaves usable what the law says, but never %s', async (_, scope, usable) => {
    const rig = bench({
      begin: () => ({
        do: 'operate',
        at: 'o',
        state: null,
        operation: { name: 'reset', nature: 'change' },
        then: () => ({ do: 'end', at: 'e', state: null, result: 'recovered', why: '', usable: [ref(1)] }),
      }),
      perform: becoming(scope),
    });
    expect((await rig.recover(errorAt(1))).usable).toEqual(usable);
  });

  it('answers gone for a function that is not there any more', async () => {
    const rig = bench({
      begin: ({ scope }) => ({
        do: 'operate',
        at: 'o',
        state: null,
        operation: { name: 'unplug', nature: 'change' },
        then: () => ({
          do: 'notify',
          at: 'n',
          state: null,
          callback: 'resume',
          channel: 'normal',
          to: scope.members,
          then: () => ({ do: 'end', at: 'e', state: null, result: 'recovered', why: '', usable: [] }),
        }),
      }),
      perform: becoming(scopeOf()),
    });
    rig.engine.attach(address(1), { resume: () => {} });
    expect(words((await rig.recover(errorAt(1))).trace)).toContain('answer nothing gone');
  });

  it('does not hand a function back in its new life when a callback of its old one failed', async () => {
    const rig = bench({
      begin: ({ scope }) => ({
        do: 'notify',
        at: 'n',
        state: null,
        callback: 'errorDetected',
        channel: 'normal',
        to: scope.members,
        then: () => ({
          do: 'operate',
          at: 'o',
          state: null,
          operation: { name: 'replug', nature: 'change' },
          then: () => ({ do: 'end', at: 'e', state: null, result: 'recovered', why: '', usable: [ref(1, 1)] }),
        }),
      }),
      perform: becoming(replugged),
    });
    rig.engine.attach(address(1), {
      errorDetected: () => {
        throw new Error('x');
      },
    });
    expect((await rig.recover(errorAt(1))).usable).toEqual([]);
  });
});

/** A recovery of {1} whose first operation answers `first`, and whose second one waits for `second`. */
function growing(first: OperationResult) {
  const [second, other] = [gate(), gate()];
  const rig = bench({
    stages: [{ change: 'first' }, { change: 'second' }],
    perform: (operation, { recovery }) =>
      recovery === 1
        ? operation.name === 'first'
          ? first
          : second.promise
        : recovery === 2
          ? other.promise
          : { ok: true },
  });
  return { ...rig, second, other };
}

describe('what a recovery holds', () => {
  it('stays held when it leaves the scope: it may come back before the end', async () => {
    const { engine, second, other } = growing({ ok: true, scope: scopeOf() });
    const running = engine.submit(errorAt(1));
    const later = engine.submit(errorAt(1));
    await settled();
    second.open({ ok: true });
    other.open({ ok: true });
    expect((await later).startedAt).toBe((await running).endedAt);
    expect((await running).trace).toContainEqual(expect.objectContaining({ what: 'arrival', extent: 'same' }));
  });

  it('grows with the scope', async () => {
    const { engine, seen, second, other } = growing({ ok: true, scope: scopeOf(1, 2) });
    const running = engine.submit(errorAt(1));
    const later = engine.submit(errorAt(2));
    await settled();
    expect(seen.filter(({ type }) => type === 'arrived')).toEqual([expect.objectContaining({ recovery: 1 })]);
    second.open({ ok: true });
    other.open({ ok: true });
    await Promise.all([running, later]);
  });

  it('stays held when another recovery, which held it first, has ended', async () => {
    const [join, end1, end2] = [gate(), gate(), gate()];
    const rig = bench({
      stages: [{ change: 'first' }, { change: 'second' }],
      perform: ({ name }, { recovery }) => {
        if (recovery === 1) return name === 'first' ? join.promise : end1.promise;
        return recovery === 2 ? end2.promise : { ok: true };
      },
    });
    const joining = rig.engine.submit(errorAt(1));
    const holding = rig.engine.submit(errorAt(2));
    await settled();
    join.open({ ok: true, scope: scopeOf(1, 2) });
    await settled();
    end2.open({ ok: true });
    await holding;
    const later = rig.engine.submit(errorAt(2));
    await settled();
    expect(rig.seen.some((event) => event.type === 'trace' && event.recovery === 3)).toBe(false);
    end1.open({ ok: true });
    expect([(await joining).recovery, (await later).recovery]).toEqual([1, 3]);
    await rig.engine.close();
  });
});
