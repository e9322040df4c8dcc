import { type DeviceRef, type OperationResult, type PerformContext, type Step } from '@pci-recovery/core';
import {
  address,
  bench,
  errorAt,
  failurePath,
  gate,
  linear,
  ref,
  scopeOf,
  settled,
  words,
  type Stage,
} from './scripted-platform.js';

const CHANGE: readonly Stage[] = [{ change: 'reset', stoppable: true }];
const WAIT: readonly Stage[] = [{ wait: 'settle', stoppable: true }];
const thrower = (value: unknown) => (): never => {
  throw value;
};
const getter = {
  get ok(): boolean {
    throw new Error('getter');
  },
};
const poisoned = Object.defineProperty(Promise.resolve({ ok: true }), 'constructor', { get: thrower(new Error('x')) });
const circular: { [key: string]: unknown } = { ok: true };
circular['scope'] = circular;

describe('an operation has failed, and the law goes on from there,', () => {
  it.each<[string, () => unknown]>([
    ['throws', thrower(new Error('x'))],
    ['throws what cannot be described', thrower(Object.create(null))],
    [
      'throws an error without a readable message',
      thrower(Object.defineProperty(new Error(), 'message', { get: thrower(1) })),
    ],
    ['rejects', () => Promise.reject(new Error('x'))],
    ['rejects with what cannot be described', async () => thrower(Object.create(null))()],
    ['answers a promise that cannot be awaited', () => poisoned],
    ['has a then that throws', () => ({ then: thrower(new Error('x')) })],
    ['has a then that cannot be read', () => Object.defineProperty({}, 'then', { get: thrower(new Error('x')) })],
    ...[undefined, null, true, 1, 'ok', Symbol('ok'), [], {}, () => {}, { ok: 'yes' }, { ok: false }, getter].flatMap(
      (value): [string, () => unknown][] => [
        [`answers ${typeof value}`, () => value],
        [`promises ${typeof value}`, async () => value],
      ],
    ),
    ['answers an unknown failure', () => ({ ok: false, why: 'bad luck' })],
    ['answers a scope that is none', () => ({ ok: true, scope: {} })],
    ['answers a scope whose members are none', () => ({ ok: true, scope: { ...scopeOf(1), members: [1, null] } })],
    ['answers a circle', () => circular],
  ])('when perform %s', async (_, perform) => {
    for (const stages of [CHANGE, WAIT]) {
      const rig = bench({ stages, perform: perform as never });
      const outcome = await rig.recover(errorAt(1));
      expect(words(outcome.trace).filter((word) => word.startsWith('operated'))[0]).toMatch(/ failed$/);
      expect(outcome).toMatchObject({ result: 'disconnected', usable: [] });
      expect(outcome.why).toMatch(/ failed$/);
      await rig.engine.close();
    }
  });

  it.each(['failed', 'refused', 'unsupported', 'timeout', 'gone', 'stopped'] as const)(
    'when it says so: %s',
    async (why) => {
      const rig = bench({ stages: CHANGE, perform: () => ({ ok: false, why, detail: 'x' }) });
      expect((await rig.recover(errorAt(1))).why).toBe(`reset ${why}`);
    },
  );
});

describe('what an operation gets to know', () => {
  it('is the number of the recovery and its scope', async () => {
    const seen: [number, string][] = [];
    const perform = (_: unknown, { recovery, scope }: PerformContext): OperationResult => {
      seen.push([recovery, scope.id]);
      return { ok: true };
    };
    const rig = bench({ stages: [...CHANGE, { wait: 'settle' }], perform, scopeOf: () => scopeOf(1, 2) });
    await rig.recover(errorAt(1));
    expect(seen).toEqual([
      [1, 'scope 1+2'],
      [1, 'scope 1+2'],
    ]);
  });

  it.each<[string, Stage, boolean]>([
    ['a wait that can be stopped', { wait: 'w', stoppable: true }, true],
    ['a wait of a step that can no longer be stopped', { wait: 'w' }, false],
    ['a change', { change: 'c', stoppable: true }, false],
    ['a change of a step that can no longer be stopped', { change: 'c' }, false],
  ])('is a signal that an abort reaches: %s: %j', async (_, stage, reached) => {
    for (const early of [true, false]) {
      const done = gate();
      let context!: PerformContext;
      let signal: AbortSignal | undefined;
      const rig = bench({
        stages: [stage],
        perform: (_operation, given) => {
          context = given;
          if (early) signal = given.signal;
          return done.promise;
        },
      });
      const outcome = rig.engine.submit(errorAt(1));
      await settled();
      const aborted = rig.engine.abort('enough');
      expect((signal ?? context.signal).aborted).toBe(reached);
      done.open({ ok: true });
      await Promise.all([aborted, outcome]);
    }
  });

  it('in the failure path after an abort is a signal that does not abort: what must be done there is done', async () => {
    const seen: [string, boolean][] = [];
    const reset = gate();
    const isolate = (members: readonly DeviceRef[]): Step => ({
      do: 'operate',
      at: 'isolate',
      state: null,
      operation: { name: 'isolate', nature: 'wait' },
      then: ({ ok }) => failurePath(members, `isolated: ${ok}`),
    });
    const rig = bench({
      begin: (input) => ({
        do: 'operate',
        at: 'reset',
        state: null,
        operation: { name: 'reset', nature: 'change' },
        then: () => ({ ...linear(WAIT, input), stopped: () => isolate(input.scope.members) }),
      }),
      perform: (operation, { signal }) => {
        seen.push([operation.name, signal.aborted]);
        return operation.name === 'reset' ? reset.promise : { ok: true };
      },
    });
    const outcome = rig.engine.submit(errorAt(1));
    const aborted = rig.engine.abort('enough');
    reset.open({ ok: true });
    await aborted;
    expect(seen).toEqual([
      ['reset', false],
      ['isolate', false],
    ]);
    expect((await outcome).why).toBe('isolated: true');
  });
});

describe('a procedure that breaks its contract ends as disconnected, and nothing hangs:', () => {
  const end = { do: 'end', at: 'e', state: null, result: 'recovered', why: 'x', usable: [ref(1)] };
  const notify = { do: 'notify', at: 'n', state: null, callback: 'errorDetected', channel: 'frozen', to: [ref(1)] };
  const operate = { do: 'operate', at: 'o', state: null, operation: { name: 'reset', nature: 'change' } };
  const round = (): unknown => ({ ...operate, then: round });
  const slowRound = (): unknown => ({ ...operate, operation: { name: 'slow', nature: 'change' }, then: slowRound });
  it.each<[string, () => unknown]>([
    ['begin throws', thrower(new Error('x'))],
    ['begin throws what cannot be described', thrower(Object.create(null))],
    ['begin answers nothing', () => undefined],
    ['begin answers nonsense', () => 'end'],
    ['a step of no known kind', () => ({ ...end, do: 'finish' })],
    ['an end without usable', () => ({ ...end, usable: undefined })],
    ['an end whose usable holds nonsense', () => ({ ...end, usable: [null] })],
    ['an end with an unknown result', () => ({ ...end, result: 'fine' })],
    ['a walk over nothing', () => ({ ...notify, to: undefined })],
    ['a walk over nonsense', () => ({ ...notify, to: [null], then: () => end })],
    ['then throws', () => ({ ...notify, then: thrower(new Error('x')) })],
    ['then answers nothing', () => ({ ...operate, then: () => undefined })],
    ['it goes round in circles', round],
    ['it goes round in circles, slowly', slowRound],
  ])('%s', async (_, begin) => {
    const perform = async (): Promise<OperationResult> => ({ ok: true });
    const rig = bench({
      begin: begin as never,
      perform: (operation) => (operation.name === 'slow' ? perform() : { ok: true }),
    });
    rig.engine.attach(address(1), { errorDetected: async () => 'can_recover' as const });
    const outcome = await rig.recover(errorAt(1));
    expect(outcome).toMatchObject({ result: 'disconnected', usable: [] });
    expect(outcome.why).toMatch(/^The procedure of "scripted" /);
    expect(words(outcome.trace).filter((word) => /^(begin|end)/.test(word))).toEqual(['begin', 'end disconnected']);
    await rig.clock.drive(rig.engine.close());
  });
});
