import { type CallbackContext, type ErsResult, ERS_RESULTS, type PciErrorHandlers } from '@pci-recovery/core';
import { address, bench, errorAt, ref, settled, troubles, words, type Bench, type Stage } from './scripted-platform.js';

/** One stage that asks for a vote, and the end. */
const ASK: readonly Stage[] = [{ notify: 'errorDetected', stoppable: true }];

interface Asked {
  readonly answers: string[];
  readonly rig: Bench;
  readonly usable: number;
}

/** What a recovery makes of one function's errorDetected. */
async function ask(errorDetected: unknown, stages = ASK): Promise<Asked> {
  const rig = bench({ stages });
  rig.engine.attach(address(1), { errorDetected } as PciErrorHandlers);
  const outcome = await rig.recover(errorAt(1));
  await rig.clock.drive(rig.engine.close());
  expect(rig.clock.pending).toBe(0);
  return {
    answers: words(outcome.trace).filter((word) => word.startsWith('answer')),
    rig,
    usable: outcome.usable.length,
  };
}

/** Calls back twice: a promise settles once, and so does this. */
const twice = { then: (resolve: (vote: ErsResult) => void) => (resolve('can_recover'), resolve('disconnect')) };

const poisoned = (): Promise<ErsResult> =>
  Object.defineProperty(Promise.resolve<ErsResult>('can_recover'), 'constructor', {
    get: () => {
      throw new Error('poisoned constructor');
    },
  });

const overridden = (then: () => unknown): Promise<ErsResult> =>
  Object.assign(Promise.resolve<ErsResult>('can_recover'), { then });

describe('a vote counts', () => {
  it.each(ERS_RESULTS)('%s, given at once or promised', async (vote) => {
    const expected = vote === 'disconnect' ? [`answer ${vote}`, 'answer nothing no_callback'] : [`answer ${vote}`];
    for (const give of [() => vote, async () => vote, () => ({ then: (go: (v: ErsResult) => void) => go(vote) })]) {
      const { answers } = await ask(give);
      expect(answers[0]).toBe(expected[0]);
    }
  });

  it('when a thenable that calls back twice gave it first', async () => {
    expect(await ask(() => twice)).toMatchObject({ answers: ['answer can_recover'], usable: 1 });
  });

  it('when a function can be waited for, as await does', async () => {
    const callable = Object.assign(() => {}, { then: (go: (vote: ErsResult) => void) => go('can_recover') });
    expect(await ask(() => callable)).toMatchObject({ answers: ['answer can_recover'], usable: 1 });
  });
});

describe('a callback has failed, and its function is not handed back,', () => {
  const thrown = (value: unknown) => () => {
    throw value;
  };
  const hostile = {
    get then(): never {
      throw new Error('getter');
    },
  };
  it.each<[string, () => unknown, why: string]>([
    ['throws', thrown(new Error('x')), 'threw'],
    ['throws undefined', thrown(undefined), 'threw'],
    ['throws what cannot be described', thrown(Object.create(null)), 'threw'],
    ['rejects', () => Promise.reject(new Error('x')), 'threw'],
    ['rejects with nothing', async () => thrown(undefined)(), 'threw'],
    ['has a then that throws', () => ({ then: thrown(new Error('x')) }), 'threw'],
    ['has a then that cannot be read', () => hostile, 'threw'],
    ['answers a promise whose constructor cannot be read', poisoned, 'threw'],
    ['answers a promise whose own then throws', () => overridden(thrown(new Error('x'))), 'threw'],
    ['never settles', () => new Promise(() => {}), 'overran'],
    ['has a then that never calls back', () => ({ then: () => {} }), 'overran'],
    ['answers a promise whose own then does nothing', () => overridden(() => {}), 'overran'],
    ['promises a promise that never settles', async () => new Promise(() => {}), 'overran'],
    ['answers undefined', () => undefined, 'nonsense'],
    ['answers null', () => null, 'nonsense'],
    ['answers a boolean', () => true, 'nonsense'],
    ['answers a number', () => 3, 'nonsense'],
    ['answers NaN', () => NaN, 'nonsense'],
    ['answers a bigint', () => 3n, 'nonsense'],
    ['answers a symbol', () => Symbol('can_recover'), 'nonsense'],
    ['answers an unknown word', () => 'reset', 'nonsense'],
    ['answers the kernel’s spelling', () => 'CAN_RECOVER', 'nonsense'],
    ['answers an empty word', () => '', 'nonsense'],
    ['answers a boxed vote', () => Object('can_recover') as unknown, 'nonsense'],
    ['answers an array of a vote', () => ['can_recover'], 'nonsense'],
    ['answers an object', () => ({ toString: () => 'can_recover' }), 'nonsense'],
    ['answers a function', () => () => 'can_recover', 'nonsense'],
    ['answers an object whose then is no function', () => ({ then: 'can_recover' }), 'nonsense'],
    ['answers a proxy', () => new Proxy({}, {}), 'nonsense'],
    ['promises nonsense', async () => 'reset', 'nonsense'],
    ['promises undefined', async () => undefined, 'nonsense'],
  ])('when it %s', async (_, errorDetected, why) => {
    const { answers, usable } = await ask(errorDetected);
    expect(answers).toEqual([`answer fault ${why}`, 'answer nothing faulted']);
    expect(usable).toBe(0);
  });

  it('when the callback itself cannot be read', async () => {
    const rig = bench({ stages: ASK });
    rig.engine.attach(address(1), {
      get errorDetected(): never {
        throw new Error('getter');
      },
    });
    const outcome = await rig.recover(errorAt(1));
    expect(words(outcome.trace)).toContain('answer fault threw');
    expect(outcome).toMatchObject({ result: 'disconnected', usable: [] });
  });

  it('and it is never called again in this recovery, also where the law goes on', async () => {
    const calls: string[] = [];
    const rig = bench({
      begin: ({ scope }) => {
        const to = scope.members;
        const end = { do: 'end', at: 'e', state: null, result: 'recovered', why: '', usable: to } as const;
        const notify = { do: 'notify', state: null, channel: 'normal', to } as const;
        const resume = { ...notify, at: 'r', callback: 'resume', then: () => end } as const;
        return { ...notify, at: 'a', callback: 'errorDetected', then: () => resume };
      },
    });
    rig.engine.attach(address(1), {
      errorDetected: () => {
        calls.push('errorDetected');
        throw new Error('x');
      },
      resume: () => void calls.push('resume'),
    });
    const outcome = await rig.recover(errorAt(1));
    expect(calls).toEqual(['errorDetected']);
    expect(words(outcome.trace)).toContain('answer nothing faulted');
    expect(outcome).toMatchObject({ result: 'recovered', usable: [] });
    await rig.recover(errorAt(1));
    expect(calls).toEqual(['errorDetected', 'errorDetected']);
  });

  it('but a callback that is only told may answer anything', async () => {
    const rig = bench({ stages: [{ notify: 'resume' }] });
    rig.engine.attach(address(1), { resume: () => 'nonsense' as never });
    expect(await rig.recover(errorAt(1))).toMatchObject({ result: 'recovered', usable: [ref(1)] });
  });
});

describe('a function that has nobody to call answers', () => {
  it('no_driver, no_callback, or gone, and the platform sees each of them', async () => {
    const walked: string[] = [];
    const rig = bench({
      stages: ASK,
      handlersOf: (device) => (device.bdf === address(2) ? { resume: () => {} } : undefined),
      afterCallback: (answer) => void walked.push(`${answer.gave} ${'why' in answer ? answer.why : ''}`),
      begin: () => ({
        do: 'notify',
        at: 'a',
        state: null,
        callback: 'errorDetected',
        channel: 'frozen',
        to: [ref(1), ref(2), ref(1, 7)],
        then: () => ({ do: 'end', at: 'e', state: null, result: 'recovered', why: '', usable: [] }),
      }),
      scopeOf: () => ({ id: 's', members: [memberOf(1), memberOf(2)], capabilities: {} }),
    });
    await rig.recover(errorAt(1));
    expect(walked).toEqual(['nothing no_driver', 'nothing no_callback', 'nothing gone']);
  });

  const memberOf = (n: number) => ({
    ...ref(n),
    bridge: false,
    channel: 'normal' as const,
    driver: false,
    handles: new Set<never>(),
  });
});

describe('the deadline of a callback', () => {
  const hanging = (seen: CallbackContext[]): PciErrorHandlers => ({
    errorDetected: (context, channel) => {
      seen.push(context);
      return channel === 'perm_failure' ? 'none' : new Promise(() => {});
    },
  });

  it('is what the policy says, to the nanosecond; the overrun callback sees its signal abort', async () => {
    const seen: CallbackContext[] = [];
    const rig = bench({ stages: ASK }, { policy: policyWith(() => 1234) });
    rig.engine.attach(address(1), hanging(seen));
    const done = rig.engine.submit(errorAt(1));
    await settled();
    const { signal } = seen[0]!;
    rig.clock.advance(1233);
    expect(signal.aborted).toBe(false);
    expect((await rig.clock.drive(done)).endedAt).toBe(1234e6);
    expect(signal.aborted).toBe(true);
  });

  it('may be Infinity: then there is no timer, and only an abort ends it', async () => {
    const seen: CallbackContext[] = [];
    const rig = bench({ stages: ASK }, { policy: policyWith(() => Infinity) });
    rig.engine.attach(address(1), hanging(seen));
    const done = rig.engine.submit(errorAt(1));
    await settled();
    expect(rig.clock.pending).toBe(0);
    await rig.engine.abort('enough');
    expect(words((await done).trace)).toContain('answer fault stopped');
    // Looked at for the first time only now: it tells the truth all the same.
    expect(seen[0]!.signal.aborted).toBe(true);
  });

  it.each<[string, () => number]>([
    ['NaN', () => NaN],
    ['negative', () => -1],
    ['no number', () => 'soon' as never],
    ['thrown', () => badDeadline()],
  ])('is 30 seconds where the policy’s answer is %s, and that is reported', async (_, deadline) => {
    const rig = bench({ stages: ASK }, { policy: policyWith(deadline) });
    rig.engine.attach(address(1), hanging([]));
    const outcome = await rig.recover(errorAt(1));
    expect(outcome.endedAt).toBe(30_000e6);
    expect(words(outcome.trace)).toContain('answer fault overran');
    expect(troubles(rig.seen)).toEqual(['the policy']);
  });

  const badDeadline = (): never => {
    throw new Error('no deadline');
  };
  const policyWith = (deadline: () => number) => ({
    judge: () => ({ verdict: 'recover' as const, why: 'test' }),
    deadline,
  });
});

describe('an answer that comes too late', () => {
  it('is noted and changes nothing', async () => {
    let answer!: (vote: ErsResult) => void;
    const rig = bench({
      stages: [...ASK, { wait: 'pause' }],
      perform: () => new Promise((go) => rig.clock.after(9, () => go({ ok: true }))),
    });
    rig.engine.attach(address(1), {
      errorDetected: (_, channel) =>
        channel === 'frozen' ? new Promise<ErsResult>((resolve) => (answer = resolve)) : 'can_recover',
      resume: () => {},
    });
    rig.engine.attach(address(2), { errorDetected: () => 'can_recover' });
    const done = rig.engine.submit(errorAt(1));
    rig.clock.advance(30_000);
    answer('can_recover');
    const outcome = await rig.clock.drive(done);
    expect(outcome.result).toBe('disconnected');
    expect(words(outcome.trace).filter((word) => word === 'late_answer')).toHaveLength(1);
  });

  it('is told to the observers after the end of its recovery, but the outcome does not change any more', async () => {
    let answer!: (vote: ErsResult) => void;
    const rig = bench({ stages: ASK });
    rig.engine.attach(address(1), { errorDetected: () => new Promise<ErsResult>((resolve) => (answer = resolve)) });
    const outcome = await rig.recover(errorAt(1));
    const before = words(outcome.trace);
    answer('can_recover');
    await settled();
    expect(words(outcome.trace)).toEqual(before);
    expect(before.at(-1)).toBe('end disconnected');
    const last = rig.seen.at(-1)!;
    expect(last.type === 'trace' && last.entry.what).toBe('late_answer');
  });
});
