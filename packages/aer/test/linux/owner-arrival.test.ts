import { parseBdf } from '@pci-recovery/core';
import { Bench } from './host/bench.js';
import { AT, IN_USE } from './host/config-image.js';
import { unreadable } from './host/machine.js';

const NIC = '02:00.0';
const [MF0, MF1] = ['01:00.0', '01:00.1'];

const RESET = ['error_detected(frozen)', 'slot_reset', 'resume'];
const LEFT = ['error_detected(normal)', 'mmio_enabled', 'resume'];
const restored = (bench: Bench, bdf: string): boolean =>
  bench.machine.get(bdf).view.getUint16(AT.devctl, true) === IN_USE.devctl;

describe('eventfd and uevents are two queues', () => {
  it.each([
    ['the signal first', 0, 300],
    ['the uevents first, the whole recovery before the signal', 300, 0],
    ['both late', 300, 300],
  ])('%s: one error is one recovery', async (_, eventfd, uevent) => {
    const delays = { eventfd: () => eventfd, uevent: () => uevent };
    const bench = await new Bench({ delays }).start({ [MF0]: {}, [MF1]: {} });
    await bench.drive(bench.kernel.error(MF0, 'fatal'));
    await bench.settle();
    expect([bench.toldTo(MF0), bench.toldTo(MF1)]).toEqual([RESET, RESET]);
    expect([restored(bench, MF0), restored(bench, MF1)]).toEqual([true, true]);
    expect(bench.outcomes).toHaveLength(1);
  });

  it('a recovery whose signal never comes is known by its uevents', async () => {
    const bench = await new Bench().start({ [NIC]: {} });
    bench.kernel.eventfds.delete(parseBdf(NIC));
    await bench.drive(bench.kernel.error(NIC, 'fatal'));
    await bench.settle();
    expect(bench.records).toMatchObject([{ origin: 'uevent', severity: 'fatal', sources: [parseBdf(NIC)] }]);
    expect(bench.toldTo(NIC)).toEqual(RESET);
    expect(restored(bench, NIC)).toBe(true);
  });

  it('signals of one error that come one after the other are one error', async () => {
    let late = 0;
    const bench = await new Bench({ delays: { eventfd: () => (late += 120) } }).start({ [MF0]: {}, [MF1]: {} });
    await bench.drive(bench.kernel.error(MF0, 'nonfatal'));
    await bench.settle();
    expect(bench.outcomes).toHaveLength(1);
    expect([bench.toldTo(MF0), bench.toldTo(MF1)]).toEqual([LEFT, LEFT]);
  });
});

describe('counters', () => {
  it('that are late: the worst is assumed, for nobody waits with telling', async () => {
    const bench = await new Bench({ delays: { counters: () => 50 } }).start({ [NIC]: {} });
    await bench.drive(bench.kernel.error(NIC, 'fatal'));
    await bench.settle();
    expect(bench.records).toMatchObject([
      { severity: 'fatal', evidence: expect.not.stringContaining('counters') as string },
    ]);
    expect(bench.toldTo(NIC)).toEqual(RESET);
    expect(bench.calls[0]!.time / 1e6).toBeLessThan(20);
  });

  it('that were late do not colour the next error', async () => {
    let late = 50;
    const bench = await new Bench({ delays: { counters: () => late } }).start({ [NIC]: {} });
    await bench.drive(bench.kernel.error(NIC, 'fatal'));
    await bench.settle();
    late = 0;
    await bench.drive(bench.kernel.error(NIC, 'nonfatal'));
    await bench.settle();
    expect(bench.records).toMatchObject([{ severity: 'fatal' }, { severity: 'nonfatal', errors: ['CmpltTO'] }]);
  });

  it.each([
    ['cannot be read', unreadable()],
    ['are not there', undefined],
    ['are nonsense', 'TOTAL_ERR_FATAL\n\nCmpltTO -1\n a b c\nMalfTLP 99999999999999999999999\nx'],
  ])('that %s: every error is told and recovered all the same', async (_, value) => {
    const bench = new Bench();
    bench.machine.attributes.set('aer_dev_fatal', value).set('aer_dev_nonfatal', value);
    await bench.start({ [MF0]: {}, [MF1]: {} });
    await bench.drive(bench.kernel.error(MF0, 'fatal'));
    await bench.settle();
    expect(bench.outcomes).toHaveLength(1);
    expect([bench.toldTo(MF0), bench.toldTo(MF1)]).toEqual([RESET, RESET]);
    expect(bench.calls[0]!.time / 1e6).toBeLessThan(20);
  });

  it('are not there: whoever is below the same port belongs to it, also before its own signal', async () => {
    const lateness = [0, 600];
    const delays = { eventfd: () => lateness.shift() ?? 0, uevent: () => 300 };
    const bench = new Bench({ delays });
    bench.machine.attributes.set('aer_dev_fatal', undefined).set('aer_dev_nonfatal', undefined);
    await bench.start({ [MF0]: {}, [MF1]: {} });
    await bench.drive(bench.kernel.error(MF1, 'nonfatal'));
    await bench.settle();
    expect(bench.records).toMatchObject([{ evidence: 'recovery', concerns: [parseBdf(MF0), parseBdf(MF1)] }]);
  });

  it('of a function that was plugged in anew begin at 0: its first error is one', async () => {
    const bench = await new Bench({ drivers: { [MF1]: 'vfio' } }).start({ [MF0]: {} });
    await bench.drive(bench.kernel.error(MF1, 'nonfatal'));
    await bench.settle();
    bench.kernel.unplug(MF1);
    bench.kernel.replug(MF1);
    await bench.settle();
    await bench.drive(bench.kernel.error(MF1, 'nonfatal'));
    await bench.settle();
    expect(bench.records).toMatchObject([{ sources: [parseBdf(MF1)] }, { sources: [parseBdf(MF1)] }]);
  });
});

describe('a signal without an error', () => {
  it('is recorded, and starts no recovery: somebody tried his eventfd', async () => {
    const bench = await new Bench().start({ [NIC]: {} });
    bench.port(NIC).signal();
    await bench.settle();
    expect(bench.records).toMatchObject([{ severity: 'informative', evidence: 'none' }]);
    expect(bench.outcomes).toMatchObject([{ result: 'ignored' }]);
    expect(bench.calls).toEqual([]);
  });

  it('is taken seriously when an error would not have shown: uevents were lost, and nobody counts', async () => {
    const bench = new Bench();
    bench.machine.attributes.set('aer_dev_fatal', undefined).set('aer_dev_nonfatal', undefined);
    await bench.start({ [NIC]: {} });
    bench.kernel.uevents.send({ kind: 'lost', count: 3 });
    bench.port(NIC).signal();
    await bench.settle();
    expect(bench.records).toMatchObject([{ severity: 'fatal', evidence: 'recovery' }]);
  });

  it('does not hide a real one soon after', async () => {
    const bench = await new Bench().start({ [NIC]: {} });
    bench.port(NIC).signal();
    await bench.settle();
    await bench.drive(bench.kernel.error(NIC, 'fatal'));
    await bench.settle();
    expect(bench.toldTo(NIC)).toEqual(RESET);
  });

  it('leaves no timer behind', async () => {
    const bench = await new Bench().start({ [NIC]: {} });
    await bench.drive(bench.kernel.error(NIC, 'nonfatal'));
    await bench.drive(Promise.resolve());
    bench.port(NIC).signal();
    await bench.settle();
    expect(bench.clock.pending).toBe(0);
  });
});

describe('two errors back to back', () => {
  it.each([
    ['both of them at once', 0, 0],
    ['signals read as one', 400, 0],
    ['uevents late', 0, 400],
  ])('%s: nothing is lost, and what was restored stays', async (_, eventfd, uevent) => {
    const delays = { eventfd: () => eventfd, uevent: () => uevent };
    const bench = await new Bench({ delays }).start({ [NIC]: {} });
    void bench.kernel.error(NIC, 'nonfatal');
    await bench.drive(bench.kernel.error(NIC, 'fatal'));
    await bench.settle();
    expect(bench.toldTo(NIC)).toContain('error_detected(frozen)');
    expect(bench.toldTo(NIC).slice(-2)).toEqual(['slot_reset', 'resume']);
    expect(restored(bench, NIC)).toBe(true);
    expect(bench.port(NIC).deeds.filter(({ duringRecovery }) => duringRecovery)).toEqual([]);
  });

  it('an error that comes when the first is just over is waited for before anything is restored (R3.5)', async () => {
    const bench = await new Bench().start({ [NIC]: {} });
    void bench.kernel.error(NIC, 'fatal').then(() => bench.kernel.error(NIC, 'fatal'));
    await bench.settle();
    expect(bench.kernel.recoveries).toHaveLength(2);
    expect(restored(bench, NIC)).toBe(true);
    expect(bench.port(NIC).deeds.filter(({ duringRecovery }) => duringRecovery)).toEqual([]);
  });

  it('an end that came too late for its own error is not taken for that of the next', async () => {
    const timings = { host: 50, grace: 500, answer: 60_000, poll: 10, calm: 2_000 };
    const bench = await new Bench({ timings }).start({ [NIC]: {} });
    await bench.drive(bench.kernel.error(NIC, 'fatal'));
    await bench.settle();
    expect(bench.results).toEqual(["disconnected: The host's recovery did not end: timeout."]);
    bench.holds.get(NIC)![Symbol.dispose]();
    await bench.hold(NIC);
    await bench.drive(bench.kernel.error(NIC, 'nonfatal'));
    await bench.settle();
    expect(bench.results).toEqual([expect.any(String), 'recovered: The listeners work again.']);
  });
});

describe('uevents that are lost', () => {
  it('at the end: a time of calm has to do', async () => {
    const bench = await new Bench().start({ [NIC]: {} });
    bench.kernel.uevents.lose = (one) => one.kind === 'error_event' && one.event === 'SUCCESSFUL_RECOVERY';
    await bench.drive(bench.kernel.error(NIC, 'fatal'));
    bench.kernel.uevents.lose = () => false;
    bench.kernel.uevents.send({ kind: 'lost', count: undefined });
    await bench.settle();
    expect(bench.toldTo(NIC)).toEqual(RESET);
    expect(restored(bench, NIC)).toBe(true);
  });

  it('are lost for that recovery only: a signal afterwards is not taken for one more', async () => {
    const bench = await new Bench().start({ [NIC]: {} });
    bench.kernel.uevents.lose = (one) => one.kind === 'error_event' && one.event === 'SUCCESSFUL_RECOVERY';
    await bench.drive(bench.kernel.error(NIC, 'fatal'));
    bench.kernel.uevents.lose = () => false;
    bench.kernel.uevents.send({ kind: 'lost', count: undefined });
    await bench.settle();
    bench.port(NIC).signal();
    await bench.settle();
    expect(bench.records.map(({ severity }) => severity)).toEqual(['fatal', 'informative']);
  });

  it("the host's failure, of which only the second signal tells: nothing is given back", async () => {
    const bench = await new Bench({ drivers: { [MF1]: 'none' } }).start({ [MF0]: {} });
    bench.kernel.uevents.lose = () => true;
    await bench.drive(bench.kernel.error(MF0, 'nonfatal'));
    await bench.settle();
    expect(bench.results).toEqual(["disconnected: The host's recovery did not end: failed."]);
  });

  it('after a failure that was told: what runs since then does not mend it', async () => {
    const bench = await new Bench().start({ [NIC]: {} });
    for (const event of ['BEGIN_RECOVERY', 'FAILED_RECOVERY', 'BEGIN_RECOVERY'] as const) {
      bench.port(NIC).signal();
      bench.kernel.uevents.send({ kind: 'error_event', bdf: parseBdf(NIC), event, online: false });
    }
    bench.kernel.uevents.send({ kind: 'lost', count: 1 });
    await bench.settle();
    expect(bench.results).toEqual(['disconnected: The host gave up.']);
  });

  it('all of them: calm', async () => {
    const bench = await new Bench().start({ [NIC]: {} });
    bench.kernel.uevents.lose = () => true;
    await bench.drive(bench.kernel.error(NIC, 'fatal'));
    await bench.settle();
    expect(bench.toldTo(NIC)).toEqual(RESET);
    expect(restored(bench, NIC)).toBe(true);
  });

  it('the socket breaks: trouble is told, running recoveries end, and later ones are recovered with calm', async () => {
    const bench = await new Bench().start({ [NIC]: {} });
    const error = bench.kernel.error(NIC, 'fatal');
    await bench.drive(new Promise<void>((resolve) => bench.clock.after(20, resolve)));
    bench.kernel.uevents.fail(new Error('The socket broke.'));
    await bench.drive(error);
    const before = bench.clock.monotonic();
    await bench.settle();
    expect(bench.toldTo(NIC)).toEqual(RESET);
    expect((bench.clock.monotonic() - before) / 1e9).toBeLessThan(10);
    expect(bench.events.filter(({ type }) => type === 'trouble')).toHaveLength(1);
    expect(bench.troubles).toHaveLength(1);
  });
});
