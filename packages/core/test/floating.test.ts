import { type EngineEvent, type RecoveryPolicy } from '@pci-recovery/core';
import { address, bench, errorAt, troubles, type Script } from './scripted-platform.js';

/**
 * What an async function returns where nobody waits: types allow it for what returns nothing, and plain JavaScript everywhere. Jest
 * fails a test that leaves an unhandled rejection.
 */
const rejects = (): never => Promise.reject(new Error('floating')) as unknown as never;

const whatFailed = (seen: readonly EngineEvent[]): string[] =>
  seen.flatMap((event) => (event.type === 'trouble' ? [`${event.where}: ${(event.error as Error).message}`] : []));

describe('a promise where none is waited for: its failure is trouble, and nobody’s unhandled rejection', () => {
  it.each(['beforeCallback', 'afterCallback'] as const)('from %s of a platform', async (which) => {
    const rig = bench({ stages: [{ notify: 'errorDetected' }], [which]: rejects });
    rig.engine.attach(address(1), { errorDetected: () => 'can_recover' });
    expect((await rig.recover(errorAt(1))).result).toBe('recovered');
    expect(whatFailed(rig.seen)).toEqual([`${which} of platform "scripted": floating`]);
  });

  it('from an observer', async () => {
    const rig = bench();
    rig.engine.observe((event) => (event.type === 'ended' ? rejects() : undefined));
    await rig.recover(errorAt(1));
    await Promise.resolve();
    expect(whatFailed(rig.seen)).toEqual(['an observer of "ended": floating']);
  });

  it('from an observer of trouble: that is told to nobody, or it would go on for ever', async () => {
    const rig = bench({ stages: [{ notify: 'errorDetected' }], beforeCallback: rejects });
    rig.engine.observe((event) => (event.type === 'trouble' ? rejects() : undefined));
    await rig.recover(errorAt(1));
    expect(troubles(rig.seen)).toEqual(['beforeCallback of platform "scripted"']);
  });

  it.each<[string, Script]>([
    ['begin', { begin: rejects }],
    ['lane', { lane: rejects }],
    ['scopeOf', { scopeOf: rejects }],
    ['handlersOf', { handlersOf: rejects, stages: [{ notify: 'errorDetected' }] }],
    [
      'a step',
      {
        begin: () => ({
          do: 'operate',
          at: 'x',
          state: null,
          operation: { name: 'x', nature: 'change' },
          then: rejects,
        }),
      },
    ],
  ])('from %s of a platform: nothing is handed back', async (_, script) => {
    const rig = bench(script);
    expect(await rig.recover(errorAt(1))).toMatchObject({ result: 'disconnected', usable: [] });
  });

  it.each<[keyof RecoveryPolicy, string]>([
    ['judge', 'disconnected'],
    ['deadline', 'recovered'],
    ['ended', 'recovered'],
  ])('from %s of the policy', async (which, result) => {
    const policy = {
      judge: () => ({ verdict: 'recover', why: '' }),
      deadline: () => 1000,
      [which]: rejects,
    } as RecoveryPolicy;
    const rig = bench({ stages: [{ notify: 'errorDetected' }] }, { policy });
    rig.engine.attach(address(1), { errorDetected: () => 'can_recover' });
    expect((await rig.recover(errorAt(1))).result).toBe(result);
    await Promise.resolve();
    expect(rig.seen.some(({ type }) => type === 'trouble')).toBe(true);
  });
});
