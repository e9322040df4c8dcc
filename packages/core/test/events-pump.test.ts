import { type EngineEvent, type ErrorEvent, type RecoveryOutcome, type RecoveryPlatform } from '@pci-recovery/core';
import { bench, errorAt, gate, scripted, settled, troubles, type Script } from './scripted-platform.js';

const ended = (seen: readonly EngineEvent[]): RecoveryOutcome[] =>
  seen.flatMap((event) => (event.type === 'ended' ? [event.outcome] : []));

async function* from(events: readonly ErrorEvent[]): AsyncGenerator<ErrorEvent> {
  for (const event of events) yield await Promise.resolve(event);
}
const boom = (): never => {
  throw new Error('boom');
};

describe('start()', () => {
  it('takes in what is already broken, then what comes', async () => {
    const [old, fresh] = [errorAt(1), errorAt(2)];
    const log: string[] = [];
    const rig = bench({
      survey: async () => (log.push('survey'), [old]),
      events: () => (log.push('events'), from([fresh])),
    });
    await rig.engine.start();
    await settled();
    expect(log).toEqual(['survey', 'events']);
    expect(ended(rig.seen).map(({ event }) => event)).toEqual([old, fresh]);
    await rig.engine.close();
  });

  it('surveys once and takes events once, however often it is called', async () => {
    let count = 0;
    const rig = bench({ survey: async () => (count++, []), events: () => (count++, from([])) });
    await Promise.all([rig.engine.start(), rig.engine.start()]);
    await rig.engine.start();
    expect(count).toBe(2);
    await rig.engine.close();
  });

  it.each<[string, Script, string]>([
    ['events throws', { events: boom }, 'the events of platform "scripted"'],
    [
      'events ends with an error',
      { events: () => ({ [Symbol.asyncIterator]: () => ({ next: async () => boom() }) }) },
      'the events of platform "scripted"',
    ],
    ['events is nothing to iterate over', { events: () => undefined as never }, 'the events of platform "scripted"'],
    ['an event is none', { events: () => from([undefined as never]) }, 'submit'],
    ['an event names another platform', { events: () => from([errorAt(1, { platform: 'eeh' })]) }, 'submit'],
    ['the survey throws', { survey: boom }, 'the survey of platform "scripted"'],
    ['the survey rejects', { survey: async () => boom() }, 'the survey of platform "scripted"'],
    ['the survey answers nothing', { survey: async () => undefined as never }, 'the survey of platform "scripted"'],
  ])('reports trouble when %s, and takes in what the other platforms have', async (_, script, where) => {
    const event = errorAt(2, { platform: 'other' });
    const platforms: RecoveryPlatform[] = [scripted(script), scripted({ name: 'other', survey: async () => [event] })];
    const rig = bench({}, { platforms });
    await rig.engine.start();
    await settled();
    expect(troubles(rig.seen)).toEqual([where]);
    expect(ended(rig.seen).map((outcome) => outcome.event)).toEqual([event]);
    await rig.engine.close();
  });

  it('goes on with the events of a platform whose survey failed', async () => {
    const event = errorAt(1);
    const rig = bench({ survey: boom, events: () => from([event]) });
    await rig.engine.start();
    await settled();
    expect(ended(rig.seen).map((outcome) => outcome.event)).toEqual([event]);
    await rig.engine.close();
  });

  it('lets no survey wait for that of another platform', async () => {
    const slow = gate<readonly ErrorEvent[]>();
    const event = errorAt(2, { platform: 'other' });
    const platforms = [
      scripted({ survey: () => slow.promise }),
      scripted({ name: 'other', events: () => from([event]) }),
    ];
    const rig = bench({}, { platforms });
    const started = rig.engine.start();
    await settled();
    expect(ended(rig.seen)).toHaveLength(1);
    slow.open([]);
    await started;
    await rig.engine.close();
  });
});

describe('the events', () => {
  it('stop when the engine is closed or aborted: their signal aborts', async () => {
    for (const end of ['close', 'abort'] as const) {
      let signal!: AbortSignal;
      const rig = bench({
        events: (options) => {
          ({ signal } = options);
          return from([]);
        },
      });
      await rig.engine.start();
      expect(signal.aborted).toBe(false);
      await rig.engine[end]('enough');
      expect(signal.aborted).toBe(true);
    }
  });

  it('that come, or fail, after the end are dropped without a word', async () => {
    const late = gate<void>();
    const rig = bench({
      async *events() {
        await late.promise;
        yield errorAt(1);
        boom();
      },
    });
    await rig.engine.start();
    await settled();
    await rig.engine.close();
    late.open();
    await settled();
    expect(rig.seen).toEqual([]);
  });

  it('are not listened to, and a survey is dropped, when the engine is closed before the survey is done', async () => {
    const survey = gate<readonly ErrorEvent[]>();
    let listened = false;
    const rig = bench({ survey: () => survey.promise, events: () => ((listened = true), from([])) });
    const started = rig.engine.start();
    await rig.engine.close();
    survey.open([errorAt(1)]);
    await started;
    await settled();
    expect([listened, rig.seen]).toEqual([false, []]);
  });
});
