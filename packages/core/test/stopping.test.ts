import { type CallbackContext, type RecoveryOutcome } from '@pci-recovery/core';
import { address, bench, errorAt, gate, scopeOf, settled, words, type Stage } from './scripted-platform.js';

/** What every stage does when its turn comes: nothing else happens before `open`. */
function scripted(stages: readonly Stage[]) {
  const steps: { name: string; open: () => void }[] = [];
  const ended: string[] = [];
  const step = async <T>(name: string, value: T): Promise<T> => {
    const opened = gate<void>();
    steps.push({ name, open: () => opened.open() });
    await opened.promise;
    ended.push(name);
    return value;
  };
  const rig = bench({ stages, perform: ({ name }) => step(name, { ok: true }) });
  const vote = (name: string) => (context: CallbackContext, channel?: string) =>
    channel === 'perm_failure' ? 'none' : (contexts.push(context), step(name, 'can_recover' as const));
  const contexts: CallbackContext[] = [];
  rig.engine.attach(address(1), {
    errorDetected: vote('errorDetected'),
    slotReset: vote('slotReset'),
    resume: async (context) => void (await vote('resume')(context)),
  });
  return { ...rig, steps, ended, contexts };
}

const PROCEDURE: readonly Stage[] = [
  { notify: 'errorDetected', stoppable: true },
  { wait: 'settle', stoppable: true },
  { change: 'reset', stoppable: true },
  { wait: 'link up' },
  { notify: 'slotReset', stoppable: true },
  { change: 'clear' },
  { notify: 'resume' },
];

const nameOf = (stage: Stage): string =>
  'notify' in stage ? stage.notify : 'wait' in stage ? stage.wait : stage.change;

describe.each(PROCEDURE.map((stage, index) => [index, nameOf(stage), stage] as const))(
  'an abort in step %d, %s,',
  (index, name, stage) => {
    const cut = stage.stoppable === true && !('change' in stage);
    const stopsAt = PROCEDURE.findIndex((later, at) => later.stoppable === true && (cut ? at >= index : at > index));

    /** Runs up to the step, aborts by `abort`, and opens whatever still runs. */
    async function abortHere(
      abort: (rig: ReturnType<typeof scripted>, stop: AbortController) => unknown,
    ): Promise<{ outcome: RecoveryOutcome; rig: ReturnType<typeof scripted> }> {
      const rig = scripted(PROCEDURE);
      const stop = new AbortController();
      const done = rig.engine.submit(errorAt(1), { signal: stop.signal });
      for (let step = 0; step < index; step++) {
        rig.steps[step]!.open();
        await settled();
      }
      expect(rig.steps.map((step) => step.name)).toEqual(PROCEDURE.slice(0, index + 1).map(nameOf));
      const aborted = abort(rig, stop);
      await settled();
      for (let step = cut ? index + 1 : index; step < rig.steps.length; step++) {
        rig.steps[step]!.open();
        await settled();
      }
      await aborted;
      return { outcome: await done, rig };
    }

    it.each<[string, Parameters<typeof abortHere>[0]]>([
      ['of the engine', ({ engine }) => engine.abort('enough')],
      ['of the caller', (_, stop) => stop.abort()],
    ])('%s, stops where the law allows it, and leaves no change half done', async (_, abort) => {
      const { outcome, rig } = await abortHere(abort);
      const begun = rig.steps.map((step) => step.name);
      const last = stopsAt < 0 ? PROCEDURE.length : Math.max(stopsAt, index + 1);
      expect(begun).toEqual(PROCEDURE.slice(0, last).map(nameOf));
      // Whatever can change something was waited for; only what may be cut short was not.
      expect(rig.ended).toEqual(begun.filter((_name, at) => !(cut && at === index)));
      expect(outcome.result).toBe(stopsAt < 0 ? 'recovered' : 'disconnected');
      expect(outcome.usable).toHaveLength(stopsAt < 0 ? 1 : 0);
      expect(rig.clock.pending).toBe(0);
    });

    it('is in the trace, with what became of the step', async () => {
      const { outcome } = await abortHere(({ engine }) => engine.abort('enough'));
      const stopped = outcome.trace.filter((entry) => entry.what === 'stopped');
      expect(stopped).toEqual(stopsAt < 0 || cut ? [] : [expect.objectContaining({ reason: 'enough' })]);
      expect(
        words(outcome.trace).includes('notify' in stage ? 'answer fault stopped' : `operated ${name} stopped`),
      ).toBe(cut);
    });

    if ('notify' in stage) {
      it(`${cut ? 'aborts' : 'does not abort'} the signal of the callback`, async () => {
        const { rig } = await abortHere(({ engine }) => engine.abort('enough'));
        const at = PROCEDURE.slice(0, index).filter((one) => 'notify' in one).length;
        expect(rig.contexts[at]!.signal.aborted).toBe(cut);
      });
    }
  },
);

describe('a walk that is stopped', () => {
  it('calls nobody else of this step; whoever was cut off is told of the failure all the same', async () => {
    const calls: string[] = [];
    const rig = bench({ stages: [{ notify: 'errorDetected', stoppable: true }], scopeOf: () => scopeOf(1, 2) });
    for (const n of [1, 2]) {
      rig.engine.attach(address(n), {
        errorDetected: (_, channel) => {
          calls.push(`${n} ${channel}`);
          return channel === 'frozen' ? new Promise(() => {}) : 'none';
        },
      });
    }
    const outcome = rig.engine.submit(errorAt(1));
    await settled();
    await rig.engine.abort('enough');
    expect(calls).toEqual(['1 frozen', '1 perm_failure', '2 perm_failure']);
    expect(words((await outcome).trace)).toContain('answer nothing withheld');
    expect(rig.clock.pending).toBe(0);
  });
});

describe('an abort before the first step', () => {
  it('of the caller starts by the failure path, and says so', async () => {
    const rig = bench();
    const outcome = await rig.engine.submit(errorAt(1), { signal: AbortSignal.abort() });
    expect(outcome.trace[0]).toMatchObject({ what: 'begin', verdict: 'give_up', why: 'Its caller gave it up.' });
    expect(outcome).toMatchObject({ result: 'disconnected', usable: [] });
  });

  it('of the engine gives up what waits by the failure path of its platform', async () => {
    const reset = gate();
    const rig = bench({ stages: [{ change: 'reset' }], perform: () => reset.promise });
    const all = [1, 1, 1].map((n) => rig.engine.submit(errorAt(n)));
    await settled();
    const aborted = rig.engine.abort('enough');
    reset.open({ ok: true });
    await aborted;
    const outcomes = await Promise.all(all);
    expect(outcomes.map(({ trace }) => trace[0])).toMatchObject([
      { verdict: 'recover' },
      { verdict: 'give_up', why: 'enough' },
      { verdict: 'give_up', why: 'enough' },
    ]);
  });

  it('of one caller gives up that one only', async () => {
    const reset = gate();
    const rig = bench({ stages: [{ change: 'reset' }], perform: () => reset.promise });
    const stop = new AbortController();
    const all = [undefined, stop.signal, undefined].map((signal) =>
      rig.engine.submit(errorAt(1), signal ? { signal } : {}),
    );
    await settled();
    stop.abort();
    reset.open({ ok: true });
    expect((await Promise.all(all)).map(({ result }) => result)).toEqual(['recovered', 'disconnected', 'recovered']);
  });

  it('of the caller of a folded error leaves the recovery alone that it was counted with', async () => {
    const reset = gate();
    const rig = bench({
      stages: [{ change: 'reset', stoppable: true }],
      perform: () => reset.promise,
      arrival: () => 'fold',
    });
    const stop = new AbortController();
    const both = [rig.engine.submit(errorAt(1)), rig.engine.submit(errorAt(1), { signal: stop.signal })];
    await settled();
    stop.abort();
    reset.open({ ok: true });
    expect((await Promise.all(both)).map(({ result }) => result)).toEqual(['recovered', 'recovered']);
  });
});

describe('close()', () => {
  it('lets everything that was taken in come to its own end, and takes in nothing more', async () => {
    const reset = gate();
    const rig = bench({ stages: [{ change: 'reset' }], perform: () => reset.promise });
    const all = [1, 1, 2].map((n) => rig.engine.submit(errorAt(n)));
    let closed = false;
    const closing = rig.engine.close().then(() => (closed = true));
    await expect(rig.engine.submit(errorAt(3))).rejects.toMatchObject({ code: 'ERR_PCI_ENGINE_CLOSED' });
    await expect(rig.engine.start()).rejects.toMatchObject({ code: 'ERR_PCI_ENGINE_CLOSED' });
    expect(() => rig.engine.attach(address(3), {})).toThrow(
      expect.objectContaining({ code: 'ERR_PCI_ENGINE_CLOSED' }) as Error,
    );
    await settled();
    expect(closed).toBe(false);
    reset.open({ ok: true });
    await closing;
    expect((await Promise.all(all)).map(({ result }) => result)).toEqual(['recovered', 'recovered', 'recovered']);
  });

  it('resolves after the last outcome was reported, that of a recorded error too', async () => {
    const told = gate<void>();
    const rig = bench({ stages: [{ change: 'reset' }], perform: async () => ({ ok: true }), arrival: () => 'fold' });
    rig.engine.attach(address(2), { corErrorDetected: () => told.promise });
    for (const n of [1, 1, 3]) void rig.engine.submit(errorAt(n));
    void rig.engine.submit(errorAt(2, { severity: 'correctable' }));
    const closing = rig.engine.close();
    await settled();
    told.open();
    await closing;
    expect(rig.seen.filter(({ type }) => type === 'ended')).toHaveLength(4);
  });

  it('is idempotent, is what disposal does, and may be followed or joined by an abort', async () => {
    const rig = bench();
    await rig.engine.close();
    await Promise.all([rig.engine.close(), rig.engine[Symbol.asyncDispose](), rig.engine.abort('x')]);
    const hanging = bench({ stages: [{ wait: 'settle', stoppable: true }], perform: () => new Promise(() => {}) });
    const outcome = hanging.engine.submit(errorAt(1));
    const closing = hanging.engine.close();
    await settled();
    await hanging.engine.abort('no patience');
    await closing;
    expect((await outcome).result).toBe('disconnected');
  });
});
