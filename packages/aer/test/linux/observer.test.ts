import { KernelPolicy, parseBdf } from '@pci-recovery/core';
import { AT } from './host/config-image.js';
import { unreadable, type DriverKind } from './host/machine.js';
import { ObserverBench } from './host/observer-bench.js';

const NIC = '02:00.0';
const [MF0, MF1] = ['01:00.0', '01:00.1'];
const RECOVERED = 'recovered: The host has recovered it.';
const GAVE_UP = 'disconnected: The host gave up.';

describe.each([true, false])('the host recovers by itself; with a trace of errors: %s', (trace) => {
  const evidence = trace ? 'trace' : 'counters';

  it.each(['nonfatal', 'fatal'] as const)('a %s error is reported with its source and its end', async (severity) => {
    const bench = await new ObserverBench({ trace }).start();
    await bench.drive(bench.kernel.error(MF1, severity));
    await bench.pass(10);
    expect(bench.records).toMatchObject([
      {
        severity,
        evidence,
        sources: [parseBdf(MF1)],
        concerns: [parseBdf(MF0), parseBdf(MF1)],
        root: parseBdf('00:06.0'),
      },
    ]);
    expect(bench.results).toEqual([RECOVERED]);
    expect(bench.outcomes[0]!.usable.map(({ bdf }) => bdf)).toEqual([parseBdf(MF0), parseBdf(MF1)]);
    await bench.close();
    expect([bench.clock.pending, bench.kernel.uevents.subscribers]).toEqual([0, 0]);
  });

  it.each<[string, 'nonfatal' | 'fatal', DriverKind, DriverKind, string]>([
    [
      'an early FAILED of a driver that disconnects, and a reset that mends it',
      'fatal',
      'disconnect',
      'need_reset',
      RECOVERED,
    ],
    ['a driver that disconnects', 'nonfatal', 'disconnect', 'vfio', GAVE_UP],
    ['only drivers that disconnect', 'fatal', 'disconnect', 'disconnect', GAVE_UP],
    ['a driver without error handlers', 'nonfatal', 'deaf', 'vfio', GAVE_UP],
    ['nobody at all: no uevent before the reset', 'fatal', 'none', 'none', GAVE_UP],
    ['a reset that one driver asks for', 'nonfatal', 'need_reset', 'vfio', RECOVERED],
  ])('%s, and then: the last uevent counts', async (_, severity, first, second, end) => {
    const drivers = { [MF0]: first, [MF1]: second };
    const bench = await new ObserverBench({ trace, drivers, delays: { reset: () => 30_000 } }).start();
    await bench.drive(bench.kernel.error(MF0, severity));
    await bench.pass(80);
    expect(bench.results).toEqual([end]);
    await bench.close();
  });

  it('errors of one root port, back to back, are reported each, and end with the last', async () => {
    const bench = await new ObserverBench({ trace }).start();
    bench.kernel.failingResets = 1;
    void bench.kernel.error(MF0, 'fatal');
    await bench.drive(bench.kernel.error(MF1, 'nonfatal'));
    await bench.pass(10);
    expect(new Set(bench.results)).toEqual(new Set([RECOVERED]));
    expect(bench.records.flatMap(({ sources }) => sources)).toContain(parseBdf(MF0));
    await bench.close();
  });

  it('a correctable error is recorded (R1.2)', async () => {
    const bench = await new ObserverBench({ trace }).start();
    bench.kernel.correctable(NIC);
    await bench.pass(30);
    expect(bench.records).toMatchObject([
      { severity: 'correctable', evidence, sources: [parseBdf(NIC)], errors: ['BadTLP'] },
    ]);
    expect(bench.outcomes).toMatchObject([{ result: 'ignored' }]);
    await bench.close();
  });

  it('an error above a switch concerns all below it, bridges too', async () => {
    const bench = await new ObserverBench({ trace }).start();
    await bench.drive(bench.kernel.error('00:08.0', 'fatal'));
    await bench.pass(10);
    expect(bench.records[0]!.concerns).toEqual(
      ['03:00.0', '04:00.0', '04:01.0', '05:00.0', '06:00.0'].map((one) => parseBdf(one)),
    );
    expect(bench.results).toEqual([RECOVERED]);
    await bench.close();
  });
});

it('nobody is asked for a vote: it could not matter', async () => {
  const bench = await new ObserverBench().start();
  const called: string[] = [];
  bench.engine.attach(parseBdf(NIC), {
    errorDetected: () => (called.push('errorDetected'), 'need_reset'),
    resume: () => void called.push('resume'),
  });
  await bench.drive(bench.kernel.error(NIC, 'fatal'));
  await bench.pass(10);
  expect(bench.results).toEqual([RECOVERED]);
  expect(called).toEqual([]);
});

it('nothing is touched', async () => {
  const bench = await new ObserverBench().start();
  const { view } = bench.machine.get(NIC);
  await bench.drive(bench.kernel.error(NIC, 'fatal'));
  await bench.pass(10);
  expect(bench.machine.written).toEqual([]);
  expect(view.getUint16(AT.devctl, true)).toBe(0x2810);
});

describe("the host's word is checked", () => {
  it('a function that does not answer after it is not usable', async () => {
    const bench = await new ObserverBench().start();
    bench.kernel.onReset = (fn) => (fn.answers = fn.bdf !== parseBdf(MF1));
    await bench.drive(bench.kernel.error(MF0, 'fatal'));
    await bench.pass(20);
    expect(bench.results).toEqual(['recovered: The host has recovered it; 0000:01:00.1 does not answer.']);
    expect(bench.outcomes[0]!.usable.map(({ bdf }) => bdf)).toEqual([parseBdf(MF0)]);
  });

  it('nobody answers: lost', async () => {
    const bench = await new ObserverBench().start();
    bench.kernel.onReset = (fn) => (fn.answers = false);
    await bench.drive(bench.kernel.error(NIC, 'fatal'));
    await bench.pass(20);
    expect(bench.results).toEqual(['disconnected: Nobody answers.']);
  });

  it('one that comes a little later is waited for', async () => {
    const bench = await new ObserverBench().start();
    bench.kernel.onReset = (fn) => {
      fn.answers = false;
      bench.clock.after(4_000, () => (fn.answers = true));
    };
    await bench.drive(bench.kernel.error(NIC, 'fatal'));
    await bench.pass(20);
    expect(bench.results).toEqual([RECOVERED]);
  });

  it('a function that is taken away in the middle is gone', async () => {
    const bench = await new ObserverBench().start();
    bench.kernel.onReset = () => bench.kernel.unplug(NIC);
    await bench.drive(bench.kernel.error(NIC, 'fatal'));
    await bench.pass(10);
    expect(bench.results).toEqual(["disconnected: The end of the host's recovery was not seen: gone."]);
  });
});

describe('what is not heard', () => {
  it("every uevent: an error that is still there is nobody's", async () => {
    const bench = await new ObserverBench().start();
    bench.kernel.uevents.lose = () => true;
    await bench.drive(bench.kernel.error(NIC, 'fatal'));
    await bench.pass(100);
    expect(bench.results).toEqual(['disconnected: Nobody was heard to recover it, and the error is still there.']);
  });

  it('every uevent: without an error left it is well', async () => {
    const bench = await new ObserverBench().start();
    bench.kernel.uevents.lose = () => true;
    await bench.drive(bench.kernel.error(NIC, 'nonfatal'));
    await bench.pass(100);
    expect(bench.results).toEqual(['recovered: Nobody was heard to recover it, but no error is left.']);
  });

  it('the end, with a word that something was lost: it is looked at instead', async () => {
    const bench = await new ObserverBench().start();
    bench.kernel.uevents.lose = (one) => one.kind === 'error_event' && one.event !== 'BEGIN_RECOVERY';
    await bench.drive(bench.kernel.error(NIC, 'nonfatal'));
    bench.kernel.uevents.lose = () => false;
    bench.kernel.uevents.send({ kind: 'lost', count: 1 });
    await bench.pass(10);
    expect(bench.results).toEqual(['recovered: Nobody was heard to recover it, but no error is left.']);
  });

  it('the end, without a word: it is waited for, but not for ever', async () => {
    const bench = await new ObserverBench().start();
    bench.kernel.uevents.lose = (one) => one.kind === 'error_event' && one.event !== 'BEGIN_RECOVERY';
    await bench.drive(bench.kernel.error(NIC, 'nonfatal'));
    await bench.pass(200);
    expect(bench.results).toEqual(["disconnected: The end of the host's recovery was not seen: timeout."]);
  });

  it('the trace, when it breaks: trouble is told, and counters tell instead', async () => {
    const bench = await new ObserverBench().start();
    bench.kernel.trace.fail(new Error('The trace broke.'));
    await bench.pass(1);
    await bench.drive(bench.kernel.error(NIC, 'nonfatal'));
    await bench.pass(10);
    expect(bench.troubles).toHaveLength(1);
    expect(bench.records).toMatchObject([{ evidence: 'counters', errors: ['CmpltTO'] }]);
  });

  it('neither trace nor counters: the worst is assumed', async () => {
    const bench = new ObserverBench({ trace: false });
    bench.machine.attributes.set('aer_dev_fatal', unreadable()).set('aer_dev_nonfatal', unreadable());
    await bench.start();
    await bench.drive(bench.kernel.error(NIC, 'nonfatal'));
    await bench.pass(10);
    expect(bench.records).toMatchObject([{ severity: 'fatal', evidence: 'recovery', origin: 'uevent', sources: [] }]);
    expect(bench.results).toEqual([RECOVERED]);
    await bench.close();
  });

  it('a trace that is late: the uevent waits for it', async () => {
    const bench = await new ObserverBench({ delays: { trace: () => 200 } }).start();
    await bench.drive(bench.kernel.error(NIC, 'nonfatal'));
    await bench.pass(10);
    expect(bench.records).toMatchObject([{ severity: 'nonfatal', evidence: 'trace', origin: 'uevent' }]);
    expect(bench.results).toEqual([RECOVERED]);
  });

  it('what an earlier error counted does not colour one that nothing traces', async () => {
    const bench = await new ObserverBench().start();
    await bench.drive(bench.kernel.error(NIC, 'fatal'));
    await bench.pass(10);
    bench.kernel.trace.lose = () => true;
    await bench.drive(bench.kernel.error(NIC, 'nonfatal'));
    await bench.pass(10);
    expect(bench.records).toMatchObject([{ severity: 'fatal' }, { severity: 'nonfatal', evidence: 'counters' }]);
  });
});

it('only errors that concern somebody whom it observes are reported', async () => {
  const bench = await new ObserverBench({ observes: (bdf) => bdf === parseBdf(MF0) }).start();
  await bench.drive(bench.kernel.error(NIC, 'fatal'));
  await bench.drive(bench.kernel.error(MF1, 'fatal'));
  bench.kernel.correctable(NIC);
  await bench.pass(10);
  expect(bench.records.map(({ sources }) => sources)).toEqual([[parseBdf(MF1)]]);
});

it('what policy gives up ends at once, and says who has to act', async () => {
  const policy = new KernelPolicy({ perDevice: { count: 1, windowMs: 1000, window: 'sliding' } });
  const bench = await new ObserverBench({ policy }).start();
  await bench.drive(bench.kernel.error(NIC, 'fatal'));
  await bench.pass(10);
  expect(bench.results).toEqual(['disconnected: It was given up: whoever holds the devices has to let go of them.']);
});

it('an engine that gives up does not wait for the host', async () => {
  const bench = await new ObserverBench().start();
  const error = bench.kernel.error(NIC, 'fatal');
  await bench.pass(0.02);
  await bench.drive(bench.engine.abort('The machine stops.'));
  expect(bench.results).toEqual(["disconnected: The end of the host's recovery was not seen: stopped."]);
  await bench.drive(error);
  await bench.drive(bench.platform[Symbol.asyncDispose]());
});

it('a platform that closes ends its waits', async () => {
  const bench = await new ObserverBench({ trace: false }).start();
  const error = bench.kernel.error(NIC, 'fatal');
  await bench.pass(0.02);
  await bench.drive(bench.platform[Symbol.asyncDispose]());
  await bench.drive(error);
  await bench.pass(1);
  expect(bench.results).toEqual(["disconnected: The end of the host's recovery was not seen: stopped."]);
  expect(bench.clock.pending).toBe(0);
});

describe('a survey finds', () => {
  it('nothing where all is well', async () => {
    const bench = await new ObserverBench().start();
    await bench.pass(10);
    expect(bench.outcomes).toEqual([]);
  });

  it.each([
    ['an error that nobody recovers', 0x4000, 'nonfatal'],
    ['a fatal one', 0x0004_0000, 'fatal'],
  ] as const)('%s', async (_, status, severity) => {
    const bench = new ObserverBench();
    bench.machine.get(NIC).uncorrectable = status;
    await bench.start();
    await bench.pass(10);
    expect(bench.records).toMatchObject([{ origin: 'survey', severity, sources: [parseBdf(NIC)] }]);
    expect(bench.results).toEqual(['disconnected: Nobody was heard to recover it, and the error is still there.']);
  });

  it('a function that does not answer (R1.6)', async () => {
    const bench = new ObserverBench();
    bench.machine.get(NIC).answers = false;
    await bench.start();
    await bench.pass(10);
    expect(bench.records).toMatchObject([{ severity: 'fatal', sources: [parseBdf(NIC)] }]);
    expect(bench.outcomes).toMatchObject([{ result: 'disconnected', usable: [] }]);
  });

  it('nothing in what it has no privilege to read', async () => {
    const bench = new ObserverBench();
    const fn = bench.machine.get(NIC);
    fn.uncorrectable = 0x4000;
    bench.machine.configBytes = 64;
    await bench.start();
    await bench.pass(10);
    expect(bench.outcomes).toEqual([]);
  });
});
