import { KernelPolicy, type RecoveryPolicy } from '@pci-recovery/core';
import { address, bench, errorAt, scopeOf, settled, troubles, words, type Script } from './scripted-platform.js';

const boom = (): never => {
  throw new Error('boom');
};
const undescribable = (): never => {
  throw Object.create(null);
};
const judging = (judge: RecoveryPolicy['judge']): { policy: RecoveryPolicy } => ({
  policy: { judge, deadline: () => 1000 },
});

describe('what policy decides', () => {
  it('recover and give_up start a recovery with that verdict, and its trace says why', async () => {
    for (const verdict of ['recover', 'give_up'] as const) {
      const rig = bench(
        {},
        judging(() => ({ verdict, why: 'because' })),
      );
      const outcome = await rig.recover(errorAt(1));
      expect(outcome.trace[0]).toMatchObject({ what: 'begin', verdict, why: 'because' });
      expect(outcome.result).toBe(verdict === 'recover' ? 'recovered' : 'disconnected');
    }
  });

  it('ignore and record start none: the error is ignored and observed', async () => {
    for (const verdict of ['ignore', 'record'] as const) {
      const rig = bench(
        {},
        judging((_, scope) => ({ verdict, why: scope().id })),
      );
      const event = errorAt(1);
      expect(await rig.recover(event)).toMatchObject({
        recovery: 0,
        result: 'ignored',
        why: address(1),
        trace: [],
        event,
      });
      expect(rig.seen[1]).toEqual({ type: verdict === 'record' ? 'recorded' : 'ignored', event, why: address(1) });
    }
  });

  it('is told of every outcome, recovered or not; what it throws is reported and changes nothing', async () => {
    const policy = Object.assign(new KernelPolicy(), { ended: boom });
    const rig = bench({}, { policy });
    expect(await rig.recover(errorAt(1))).toMatchObject({ result: 'recovered' });
    expect(await rig.recover(errorAt(1, { severity: 'correctable' }))).toMatchObject({ result: 'ignored' });
    expect(troubles(rig.seen)).toEqual(['the policy', 'the policy']);
  });
});

describe('an error on which nothing can be decided fails closed, is reported, and does not stop the engine:', () => {
  it.each<[string, Script, { policy?: RecoveryPolicy }]>([
    ['policy throws', {}, judging(boom)],
    ['policy throws what cannot be described', {}, judging(undescribable)],
    ['policy answers nothing', {}, judging(() => undefined as never)],
    ['policy answers an unknown verdict', {}, judging(() => ({ verdict: 'Recover' as never, why: '' }))],
    ['scopeOf throws', { scopeOf: boom }, {}],
    ['scopeOf answers nothing', { scopeOf: () => undefined as never }, {}],
    ['scopeOf answers a scope without members', { scopeOf: () => ({ id: 'x', capabilities: {} }) as never }, {}],
    ['the lane throws', { lane: boom }, {}],
    ['the lane throws what cannot be described', { lane: undescribable }, {}],
  ])('%s', async (_, script, options) => {
    const rig = bench(script, options);
    const outcome = await rig.recover(errorAt(1));
    expect(outcome).toMatchObject({ recovery: 0, result: 'disconnected', usable: [], trace: [] });
    expect(outcome.why).toMatch(/could not be decided/);
    expect(troubles(rig.seen)).toEqual(['the decision on an error']);
    await rig.engine.close();
  });

  it('when scopeOf throws only after the error has waited, what was known at its arrival has to do', async () => {
    let calls = 0;
    const rig = bench({
      scopeOf: () => (++calls > 2 ? boom() : scopeOf(1)),
      stages: [{ change: 'reset' }],
      perform: () => new Promise((resolve) => rig.clock.after(1, () => resolve({ ok: true }))),
    });
    const both = [rig.engine.submit(errorAt(1)), rig.engine.submit(errorAt(1))];
    const outcomes = await rig.clock.drive(Promise.all(both));
    expect(outcomes.map(({ recovery, scope }) => [recovery, scope.id])).toEqual([
      [1, 'scope 1'],
      [2, 'scope 1'],
    ]);
    expect(new Set(troubles(rig.seen))).toEqual(new Set(['scopeOf of platform "scripted"']));
    await rig.engine.close();
  });
});

describe('misuse is refused', () => {
  it('an error of a platform that is not here: ERR_PCI_UNKNOWN_PLATFORM, naming those that are', async () => {
    const rig = bench();
    await expect(rig.engine.submit(errorAt(1, { platform: 'eeh' }))).rejects.toMatchObject({
      code: 'ERR_PCI_UNKNOWN_PLATFORM',
      message: expect.stringContaining('scripted') as string,
    });
  });

  it('a second platform of the same name: ERR_PCI_DUPLICATE_PLATFORM', () => {
    const { platform } = bench();
    expect(() => bench({}, { platforms: [platform, platform] })).toThrow(
      expect.objectContaining({ code: 'ERR_PCI_DUPLICATE_PLATFORM' }) as Error,
    );
  });

  it.each([0, -1, 1.5, NaN])('a queue of %d: ERR_PCI_BAD_SETTING', (mostQueued) => {
    expect(() => bench({}, { mostQueued })).toThrow(expect.objectContaining({ code: 'ERR_PCI_BAD_SETTING' }) as Error);
  });
});

describe('an error that starts no recovery (R1.2)', () => {
  const correctable = () => errorAt(1, { severity: 'correctable' });

  it('is told to corErrorDetected, never to errorDetected, outside any recovery', async () => {
    const told: unknown[] = [];
    const rig = bench();
    rig.engine.attach(address(1), {
      errorDetected: () => (told.push('errorDetected'), 'none'),
      corErrorDetected: (event) => void told.push(event),
    });
    const event = correctable();
    expect(await rig.recover(event)).toMatchObject({ recovery: 0, result: 'ignored' });
    expect(told).toEqual([event]);
  });

  it('is acknowledged by the platform, which tells at its own moment', async () => {
    const log: string[] = [];
    const rig = bench({
      acknowledge: async (_, tell) => {
        log.push('status cleared');
        await tell();
        log.push('counted');
      },
    });
    rig.engine.attach(address(1), { corErrorDetected: async () => void log.push('told') });
    await rig.recover(correctable());
    expect(log).toEqual(['status cleared', 'told', 'counted']);
  });

  it.each<[string, () => unknown]>([
    ['throws', boom],
    ['rejects', async () => boom()],
    ['never settles', () => new Promise(() => {})],
    ['has a then that never calls back', () => ({ then: () => {} })],
  ])(
    'is recorded also when corErrorDetected %s; that is reported, and close() does not hang',
    async (_, corErrorDetected) => {
      const rig = bench({}, { policy: new KernelPolicy({ deadlineMs: 7 }) });
      rig.engine.attach(address(1), { corErrorDetected: corErrorDetected as () => Promise<void> });
      const recorded = rig.engine.submit(correctable());
      await rig.clock.drive(rig.engine.close());
      expect((await recorded).result).toBe('ignored');
      expect(rig.clock.monotonic()).toBeLessThanOrEqual(7e6);
      expect(rig.clock.pending).toBe(0);
      expect(troubles(rig.seen)).toEqual(['corErrorDetected']);
    },
  );

  it.each<[string, Script, RecoveryPolicy['deadline']]>([
    ['the deadline throws', {}, boom],
    ['acknowledge throws', { acknowledge: boom }, () => 1],
    ['acknowledge rejects', { acknowledge: async () => boom() }, () => 1],
    ['handlersOf throws', { handlersOf: boom }, () => 1],
  ])('is recorded also when %s', async (_, script, deadline) => {
    const rig = bench(script, { policy: { judge: () => ({ verdict: 'record', why: 'w' }), deadline } });
    expect(await rig.recover(correctable())).toMatchObject({ result: 'ignored' });
    expect(troubles(rig.seen)).toHaveLength(1);
    await rig.clock.drive(rig.engine.close());
  });

  it('does not wait for a recovery of its function', async () => {
    const rig = bench({
      stages: [{ change: 'reset' }],
      perform: () => new Promise((go) => rig.clock.after(5, () => go({ ok: true }))),
    });
    const recovery = rig.engine.submit(errorAt(1));
    await settled();
    expect(await rig.engine.submit(correctable())).toMatchObject({ result: 'ignored', endedAt: 0 });
    expect(words((await rig.clock.drive(recovery)).trace)).not.toContain('arrival same queue');
  });
});
