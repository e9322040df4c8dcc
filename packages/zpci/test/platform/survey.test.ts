import { type ErrorEvent } from '@pci-recovery/core';
import { encodeCcdfError, ZpciPlatform, type ZpciHappening } from '../../src/index.js';
import { type SimulatedZpci } from '../../src/sim/index.js';
import { AT, host, LOOKING, machine, running, seen, type Host } from '../machine.js';

const A = AT[1];

/** A host that starts on a machine to which something has happened before. */
async function late(before: (hardware: SimulatedZpci) => void, hold = false): Promise<Host> {
  const { clock, hardware } = machine();
  before(hardware);
  const happenings: ZpciHappening[] = [];
  const platform = new ZpciPlatform(hardware, clock, { observe: (one) => happenings.push(one) });
  if (hold) platform.open(A);
  const run = await running(clock, platform, { [A]: LOOKING });
  await run.settled();
  return { ...run, hardware, platform, happenings };
}

const ends = (run: Host): string[] => run.outcomes.map(({ result }) => result);

describe('an error from before the start', () => {
  it('is recovered once: its record is over when its function is not in the error state any more', async () => {
    const run = await late((hardware) => hardware.detect(1));
    expect(ends(run)).toEqual(['recovered', 'ignored']);
    expect(run.outcomes[1]).toMatchObject({
      usable: [{ bdf: A, generation: 0 }],
      event: { record: { origin: 'event' } },
    });
    expect(run.calls).toEqual([`errorDetected ${A} frozen`, `mmioEnabled ${A}`, `resume ${A}`]);
    expect(seen(run.hardware)).not.toContain('disabled');
    expect(run.platform.counters).toMatchObject({ over: 1, stale: 0 });
    expect(run.happenings).toContainEqual({ what: 'dropped', fid: 1, pec: 0x0b, why: 'over' });
  });

  it('and so are all of its records, until there is a new error', async () => {
    const run = await late((hardware) => [1, 2, 3].forEach((pec) => hardware.detect(1, { pec })));
    expect(ends(run)).toEqual(['recovered', 'ignored', 'ignored', 'ignored']);
    // From here on it is as ever: each record is an error.
    run.hardware.detect(1);
    run.hardware.detect(1);
    await run.ended(6);
    expect(ends(run).slice(4)).toEqual(['recovered', 'recovered']);
    expect(run.platform.counters.over).toBe(3);
  });

  it('a permanent one is permanent, whatever the survey found', async () => {
    const run = await late((hardware) => hardware.detect(1));
    const { fh } = run.hardware.inspect(1)!;
    run.hardware.notify({ contentCode: 1, ccdf: encodeCcdfError({ fh, fid: 1, pec: 0x3b }) });
    await run.ended(3);
    expect(ends(run)).toEqual(['recovered', 'ignored', 'disconnected']);
    expect(run.calls.at(-1)).toBe(`errorDetected ${A} perm_failure`);
  });

  it('is an error all the same when firmware does not say what state the function is in', async () => {
    const run = await late((hardware) => {
      hardware.detect(1);
      hardware.script({ fault: 'call_fails', call: 'controls', fid: 1, skip: 2 });
    });
    expect(ends(run)).toEqual(['recovered', 'recovered']);
  });

  it('of a function that was held before: its holder gets the record', async () => {
    const run = await late((hardware) => hardware.detect(1), true);
    expect(ends(run)).toEqual(['handed_over', 'handed_over']);
    expect(run.platform.nextPending(A)).toHaveLength(32);
    expect(run.platform.nextPending(A)).toBeUndefined();
  });
});

describe('an error that somebody else tells of, without a record', () => {
  const told = (run: Host, generation = 0): ErrorEvent => ({
    platform: 'zpci',
    sequence: 0,
    monotonic: run.clock.monotonic(),
    wall: run.clock.wall(),
    severity: 'fatal',
    device: { bdf: A, generation },
    record: undefined,
  });

  it('is recovered when its function is in the error state, by the handle that it has now', async () => {
    const run = await host();
    run.hardware.script({ fault: 'notification_lost', fid: 1 });
    for (const disables of [undefined, 'openly'] as const) {
      run.hardware.detect(1, disables ? { disables } : {});
      const outcome = await run.clock.drive(run.engine.submit(told(run)));
      expect(outcome).toMatchObject({ result: 'recovered', usable: [{ bdf: A, generation: 0 }] });
      expect(run.hardware.inspect(1)).toMatchObject({ enabled: true, error: false, translated: true });
    }
  });

  it('is over when it is not, and concerns nobody when the function was replaced, or is unknown to firmware', async () => {
    const run = await host();
    const outcomes = [await run.clock.drive(run.engine.submit(told(run)))];
    run.hardware.takeAway(1);
    await run.settled();
    outcomes.push(await run.clock.drive(run.engine.submit(told(run))));
    run.hardware.make(1, 'configured');
    await run.settled();
    run.hardware.script({ fault: 'removed_at_call', call: 'list', fid: 1 });
    outcomes.push(await run.clock.drive(run.engine.submit(told(run, 1))));
    expect(outcomes.map(({ result, usable }) => [result, usable.length])).toEqual([
      ['ignored', 1],
      ['ignored', 0],
      ['ignored', 0],
    ]);
    expect(run.calls).toEqual([]);
  });
});

describe('a survey in between', () => {
  it('does not recover once more what was recovered since', async () => {
    const run = await host();
    run.hardware.detect(1);
    const [found] = await run.platform.survey(new AbortController());
    await run.ended(1);
    expect(found).toMatchObject({ record: { origin: 'survey' } });
    expect(await run.clock.drive(run.engine.submit(found!))).toMatchObject({
      result: 'ignored',
      usable: [{ bdf: A, generation: 0 }],
    });
    expect(seen(run.hardware)).not.toContain('disabled');
  });

  it('leaves what it finds as it is: so does the next one, which finds it again', async () => {
    const run = await host();
    run.hardware.script({ fault: 'notification_lost', fid: 1 });
    run.hardware.detect(1, { disables: 'openly' });
    for (let count = 0; count < 3; count++) {
      expect(await run.platform.survey(new AbortController())).toMatchObject([{ device: { bdf: A } }]);
      expect(run.hardware.inspect(1)).toMatchObject({ enabled: false, error: true });
    }
  });

  it('enables nobody whose recovery is under way', async () => {
    const enabled: unknown[] = [];
    const run: Host = await host({
      policy: { deadlineMs: Infinity },
      drivers: {
        [A]: {
          errorDetected: async () => {
            await run.platform.survey(new AbortController());
            enabled.push(run.hardware.inspect(1)!.enabled);
            return 'can_recover' as const;
          },
        },
      },
    });
    run.hardware.detect(1, { disables: 'openly' });
    expect((await run.ended(1))[0]).toMatchObject({ result: 'recovered' });
    expect(enabled).toEqual([false]);
    expect(run.hardware.inspect(1)).toMatchObject({ enabled: true, error: false, translated: true });
  });

  it('fails closed when it is given up while a busy function is asked whether its error is over', async () => {
    const run = await host();
    run.hardware.detect(1);
    const [found] = await run.platform.survey(new AbortController());
    await run.ended(1);
    run.hardware.script({ fault: 'call_fails', call: 'controls', fid: 1, answer: 2 });
    const outcome = run.engine.submit(found!);
    await run.settled();
    const aborted = run.engine.abort('The operator said so.');
    expect(await run.clock.drive(outcome)).toMatchObject({ result: 'disconnected', usable: [] });
    await run.clock.drive(aborted);
    expect(run.platform.channelOf(A)).toBe('perm_failure');
  });

  it('asks a busy function again', async () => {
    const run = await host();
    run.hardware.script({ fault: 'notification_lost', fid: 1 });
    run.hardware.detect(1);
    run.hardware.script({ fault: 'call_fails', call: 'controls', fid: 1, answer: 2, times: 3 });
    expect(await run.clock.drive(run.platform.survey(new AbortController()))).toHaveLength(1);
  });
});
