import { wait, type ErsResult, type PciErrorHandlers } from '@pci-recovery/core';
import { CONTENT_CODE, encodeCcdfError, ERROR_CODES } from '../../src/index.js';
import { AT, host, LOOKING, operated, RESETTING, seen, type Host } from '../machine.js';

const A = AT[1];

const HOLDING = { drivers: { [A]: LOOKING } };

/** One error after the other, each to its end. */
async function errors(run: Host, ...pecs: number[]): Promise<void> {
  for (const pec of pecs) {
    const before = run.outcomes.length;
    run.hardware.detect(1, { pec });
    await run.ended(before + 1);
  }
}

describe('every class of event (R2.1)', () => {
  it.each(ERROR_CODES.map(({ name, pec }) => [name, pec] as const))(
    '%s is treated as the kernel does',
    async (_, pec) => {
      const run = await host(HOLDING);
      await errors(run, pec);
      const [outcome] = run.outcomes;
      const measurement = pec >= 0x2a && pec <= 0x2c;
      const permanent = pec === 0x3b || pec === 0x40;
      expect(outcome!.result).toBe(measurement ? 'ignored' : permanent ? 'disconnected' : 'recovered');
      expect(outcome!.event.severity).toBe(measurement ? 'informative' : 'fatal');
      expect(run.platform.channelOf(A)).toBe(permanent ? 'perm_failure' : 'normal');
      if (measurement) expect(run.calls).toEqual([]);
      if (permanent) expect(run.calls).toEqual([`errorDetected ${A} perm_failure`]);
      const key = measurement ? 'measurement' : permanent ? 'permanent' : 'recoverable';
      expect(run.platform.counters[key]).toBe(1);
    },
  );

  it('carries the record as it came, and as plain data', async () => {
    const run = await host(HOLDING);
    run.hardware.detect(1, { pec: 4, faddr: 0xffff_ffff_ffff_fff0n, ett: 5, mvn: 0x123, dmaas: 7, q: 1, rw: 1 });
    const [outcome] = await run.ended(1);
    const { raw, record } = outcome!.event;
    const { fh } = run.hardware.inspect(1)!;
    expect(raw).toEqual(
      encodeCcdfError({ fh, fid: 1, pec: 4, faddr: 0xffff_ffff_ffff_fff0n, ett: 5, mvn: 0x123, dmaas: 7, q: 1, rw: 1 }),
    );
    expect(JSON.parse(JSON.stringify(record))).toMatchObject({
      class: 'recoverable',
      ccdf: { faddr: '0xfffffffffffffff0', ett: 5, mvn: 0x123, dmaas: 7, q: 1, rw: 1, pec: 4 },
    });
  });

  it('carries a copy of the record, also of one in a Buffer that is used again', async () => {
    const run = await host(HOLDING);
    const { fh } = run.hardware.inspect(1)!;
    const record = encodeCcdfError({ fh, fid: 1, pec: 0x2a });
    const buffer = Buffer.from(record);
    run.hardware.notify({ contentCode: CONTENT_CODE.ERROR, ccdf: buffer });
    const [outcome] = await run.ended(1);
    buffer.fill(0);
    expect(outcome!.event.raw).toEqual(record);
  });

  it('says nothing to user space about a permanent failure', async () => {
    const run = await host(HOLDING);
    await errors(run, 0x3b);
    expect(seen(run.hardware)).toEqual(['error_state', 'notification']);
  });
});

describe('a function that is lost', () => {
  it('is skipped by every later recovery, and told so once more each time', async () => {
    const run = await host({ drivers: { [A]: { ...LOOKING, errorDetected: 'disconnect' } } });
    await errors(run, 4, 4, 0x40);
    expect(run.outcomes.map(({ result }) => result)).toEqual(['disconnected', 'disconnected', 'disconnected']);
    expect(run.outcomes[1]!.why).toContain('lost before');
    expect(run.calls).toEqual([
      `errorDetected ${A} frozen`,
      `errorDetected ${A} perm_failure`,
      `errorDetected ${A} perm_failure`,
      `errorDetected ${A} perm_failure`,
    ]);
    expect(operated(run.outcomes[1]!)).toEqual(['refresh_handle', 'store_record']);
  });

  it('is well again when it was taken away and given back', async () => {
    const run = await host({ drivers: { [A]: LOOKING } });
    await errors(run, 0x40);
    run.hardware.takeAway(1);
    run.hardware.make(1, 'configured');
    await run.settled();
    expect(run.platform.channelOf(A)).toBe('normal');
    await errors(run, 4);
    expect(run.outcomes[1]).toMatchObject({ result: 'recovered', usable: [{ bdf: A, generation: 1 }] });
  });
});

describe('stale handles (R2.2)', () => {
  it('drops and counts an error from before the reset', async () => {
    const run = await host({ drivers: { [A]: RESETTING } });
    run.hardware.detect(1);
    run.hardware.detect(1);
    await run.ended(2);
    expect(run.outcomes.map(({ result }) => result)).toEqual(['recovered', 'ignored']);
    expect(run.outcomes[1]!.usable).toEqual([{ bdf: A, generation: 0 }]);
    expect(run.platform.counters.stale).toBe(1);
    expect(run.calls.filter((call) => call.startsWith('errorDetected'))).toHaveLength(1);
  });

  it('recovers twice where the handle stays the same', async () => {
    const run = await host({
      drivers: { [A]: RESETTING },
      machine: { functions: [{ fid: 1, bdf: A }], handles: 'keep' },
    });
    run.hardware.detect(1);
    run.hardware.detect(1);
    await run.ended(2);
    expect(run.outcomes.map(({ result }) => result)).toEqual(['recovered', 'recovered']);
    expect(run.platform.counters.stale).toBe(0);
  });

  it('drops an error with any other handle, permanent or of a measurement too', async () => {
    const run = await host(HOLDING);
    for (const pec of [0x04, 0x3b, 0x2a]) {
      const before = run.outcomes.length;
      run.hardware.notify({ contentCode: 1, ccdf: encodeCcdfError({ fh: 0x1234_5678, fid: 1, pec }) });
      await run.ended(before + 1);
    }
    expect(run.outcomes.map(({ result }) => result)).toEqual(['ignored', 'ignored', 'ignored']);
    expect(run.platform.counters.stale).toBe(3);
    expect(run.calls).toEqual([]);
    expect(run.platform.channelOf(A)).toBe('normal');
  });

  it('drops an error when the handle cannot be read, and hands nobody back', async () => {
    const run = await host(HOLDING);
    run.hardware.script({ fault: 'call_fails', call: 'list' });
    run.hardware.detect(1);
    expect((await run.ended(1))[0]).toMatchObject({ result: 'ignored', usable: [] });
    expect(run.calls).toEqual([]);
    expect(run.platform.counters.stale).toBe(1);
  });

  it('drops an error of a function that firmware does not list any more, and hands nobody back', async () => {
    const run = await host(HOLDING);
    run.hardware.script({ fault: 'removed_at_call', call: 'list', fid: 1 });
    run.hardware.detect(1);
    expect((await run.ended(1))[0]).toMatchObject({ result: 'ignored', usable: [] });
    expect(run.calls).toEqual([]);
    expect(run.platform.counters.stale).toBe(1);
  });

  it('drops an error when the handle now is 0', async () => {
    const run = await host(HOLDING);
    run.hardware.notify({ contentCode: 1, ccdf: encodeCcdfError({ fh: 0, fid: 1, pec: 4 }) });
    expect((await run.ended(1))[0]).toMatchObject({ result: 'ignored' });
  });

  it('tells which error was dropped', async () => {
    for (const pec of [0x04, 0x2b]) {
      const run = await host(HOLDING);
      run.hardware.notify({ contentCode: 1, ccdf: encodeCcdfError({ fh: 0x1234_5678, fid: 1, pec }) });
      await run.ended(1);
      expect(run.happenings).toContainEqual({ what: 'dropped', fid: 1, pec, why: 'stale' });
    }
  });
});

describe('errors that concern nobody', () => {
  it('counts those of a function that nobody knows', async () => {
    const run = await host(HOLDING);
    run.hardware.notify({ contentCode: 1, ccdf: encodeCcdfError({ fh: 0x8000_0001, fid: 99, pec: 4 }) });
    await run.settled();
    expect(run.outcomes).toEqual([]);
    expect(run.platform.counters.unknown).toBe(1);
    expect(run.happenings).toContainEqual({ what: 'dropped', fid: 99, pec: 4, why: 'unknown' });
  });

  it('counts those of a function that is standby', async () => {
    const run = await host(HOLDING);
    run.hardware.takeAway(1);
    run.hardware.detect(1);
    await run.settled();
    expect(run.outcomes).toEqual([]);
    expect(run.platform.counters.absent).toBe(1);
  });
});

describe('notifications that make no sense', () => {
  it.each([
    ['a record that is too short', 1, 31],
    ['a record that is too long', 1, 33],
    ['no record at all', 1, 0],
    ['an availability record that is too short', 2, 4],
    ['an unknown content code', 7, 32],
  ])('%s is counted, told, and disturbs nobody', async (_, contentCode, length) => {
    const run = await host(HOLDING);
    run.hardware.notify({ contentCode, ccdf: new Uint8Array(length).fill(0xab) });
    await run.settled();
    expect(run.platform.counters.malformed).toBe(1);
    expect(run.happenings).toContainEqual(
      expect.objectContaining({ what: 'malformed', contentCode, bytes: 'ab'.repeat(length) }),
    );
    await errors(run, 4);
    expect(run.outcomes[0]!.result).toBe('recovered');
    expect(run.told.filter(({ type }) => type === 'trouble')).toEqual([]);
  });
});

describe('a survey', () => {
  it('finds functions in the error state whose record was lost', async () => {
    const first = await host({ drivers: {} });
    first.hardware.script({ fault: 'notification_lost', fid: 1 });
    first.hardware.detect(1);
    const events = await first.platform.survey({ signal: new AbortController().signal });
    expect(events.map(({ device, severity, record }) => [device.bdf, severity, record.origin])).toEqual([
      [A, 'fatal', 'survey'],
    ]);
    expect(await first.clock.drive(first.engine.submit(events[0]!))).toMatchObject({ result: 'disconnected' });
  });

  it('finds one that its error disabled, although its handle has changed with that', async () => {
    const run = await host(HOLDING);
    run.hardware.script({ fault: 'notification_lost', fid: 1 });
    run.hardware.detect(1, { disables: 'openly' });
    const [event] = await run.platform.survey({ signal: new AbortController().signal });
    expect(run.hardware.inspect(1)!.enabled).toBe(false);
    expect(event?.record).toMatchObject({ origin: 'survey', fh: run.hardware.inspect(1)!.fh });
    expect(await run.clock.drive(run.engine.submit(event!))).toMatchObject({ result: 'recovered' });
    expect(run.hardware.inspect(1)).toMatchObject({ enabled: true, error: false, translated: true });
  });

  it('recovers what it finds', async () => {
    const run = await host(HOLDING);
    run.hardware.script({ fault: 'notification_lost', fid: 1 });
    run.hardware.detect(1);
    const [event] = await run.platform.survey({ signal: new AbortController().signal });
    expect(await run.clock.drive(run.engine.submit(event!))).toMatchObject({ result: 'recovered' });
  });

  it('finds nothing on a healthy machine, and enables what is configured', async () => {
    const functions = [{ fid: 1, bdf: A, enabled: false }];
    const run = await host({ machine: { functions } });
    expect(run.outcomes).toEqual([]);
    expect(run.hardware.inspect(1)!.enabled).toBe(true);
    expect(run.platform.functions()).toMatchObject([{ fid: 1, present: true, state: 'configured' }]);
  });
});

it('recovers different functions at the same time, and one function’s errors one after the other (R2.10)', async () => {
  const order: string[] = [];
  const slow = (name: string): PciErrorHandlers => ({
    async errorDetected(): Promise<ErsResult> {
      order.push(`${name} begins`);
      await wait(run.clock, 5);
      return 'need_reset';
    },
    resume: () => void order.push(`${name} resumes`),
  });
  const functions = ([1, 2] as const).map((fid) => ({ fid, bdf: AT[fid] }));
  const run: Host = await host({
    drivers: { [A]: slow('a'), [AT[2]]: slow('b') },
    machine: { handles: 'keep', functions },
  });
  for (const fid of [1, 2, 1]) run.hardware.detect(fid);
  await run.ended(3);
  expect(order).toEqual(['a begins', 'b begins', 'a resumes', 'a begins', 'b resumes', 'a resumes']);
  expect(run.told.flatMap((event) => (event.type === 'arrived' ? [event.arrival] : []))).toEqual(['queue']);
});
