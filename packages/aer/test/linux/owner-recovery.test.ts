import { KernelPolicy, parseBdf } from '@pci-recovery/core';
import { Bench } from './host/bench.js';
import { AT, IN_USE } from './host/config-image.js';

const NIC = '02:00.0';
const [MF0, MF1] = ['01:00.0', '01:00.1'];
const ms = (bench: Bench): number => bench.clock.monotonic() / 1e6;

const RESET = ['error_detected(frozen)', 'slot_reset', 'resume'];
const LEFT = ['error_detected(normal)', 'mmio_enabled', 'resume'];
const LOST = 'error_detected(perm_failure)';

describe.each([true, false])('severity and source are worked out, with a trace: %s', (trace) => {
  const evidence = trace ? 'trace' : 'counters';

  it('a non-fatal error is told as such, and nothing is reset', async () => {
    const bench = await new Bench({ trace }).start({ [NIC]: {} });
    await bench.drive(bench.kernel.error(NIC, 'nonfatal'));
    await bench.settle();
    expect(bench.records).toEqual([
      {
        origin: 'signal',
        root: parseBdf('00:07.0'),
        severity: 'nonfatal',
        evidence,
        sources: [parseBdf(NIC)],
        errors: ['CmpltTO'],
        ...(trace ? { tlpHeader: [0x4000_0001, 0x0f, 0, 0] } : {}),
        concerns: [parseBdf(NIC)],
      },
    ]);
    expect(bench.operations).toEqual(['await_host=left', 'clear_status=ok']);
    expect(bench.toldTo(NIC)).toEqual(LEFT);
    expect(bench.results).toEqual(['recovered: The listeners work again.']);
  });

  it("a fatal error: what the host's reset took is restored, and its sticky status cleared (R2.7)", async () => {
    const bench = await new Bench({ trace }).start({ [NIC]: {} });
    await bench.drive(bench.kernel.error(NIC, 'fatal'));
    await bench.settle();
    expect(bench.records).toMatchObject([{ severity: 'fatal', evidence, errors: [], sources: [parseBdf(NIC)] }]);
    expect(bench.operations).toEqual(['await_host=reset', 'restore_config=ok', 'clear_status=ok']);
    expect(bench.toldTo(NIC)).toEqual(RESET);
    const { view, uncorrectable } = bench.machine.get(NIC);
    expect([view.getUint16(4, true), view.getUint16(AT.devctl, true), uncorrectable]).toEqual([
      IN_USE.command,
      IN_USE.devctl,
      0,
    ]);
    expect(view.getUint16(AT.msixControl, true)).toBe(IN_USE.msix);
  });

  it('an error of one function concerns both below its port; one recovery serves both', async () => {
    const bench = await new Bench({ trace }).start({ [MF0]: {}, [MF1]: {} });
    await bench.drive(bench.kernel.error(MF1, 'fatal'));
    await bench.settle();
    expect(bench.records).toMatchObject([
      { sources: [parseBdf(MF1)], concerns: [MF0, MF1].map((one) => parseBdf(one)) },
    ]);
    expect([bench.toldTo(MF0), bench.toldTo(MF1)]).toEqual([RESET, RESET]);
    expect(bench.outcomes.map(({ event }) => event.device.bdf)).toEqual([parseBdf(MF1)]);
  });

  it('an error of the root port concerns everything below it, through switches', async () => {
    const bench = await new Bench({ trace }).start({ '05:00.0': {}, '06:00.0': {} });
    await bench.drive(bench.kernel.error('00:08.0', 'nonfatal'));
    await bench.settle();
    expect(bench.records).toMatchObject([
      { sources: [parseBdf('00:08.0')], severity: 'nonfatal', errors: ['CmpltTO'] },
    ]);
    expect([bench.toldTo('05:00.0'), bench.toldTo('06:00.0')]).toEqual([LEFT, LEFT]);
  });

  it('an error below one port of a switch does not concern the other', async () => {
    const bench = await new Bench({ trace }).start({ '05:00.0': {}, '06:00.0': {} });
    await bench.drive(bench.kernel.error('05:00.0', 'fatal'));
    await bench.settle();
    expect([bench.toldTo('05:00.0'), bench.toldTo('06:00.0')]).toEqual([RESET, []]);
  });
});

it('listeners are told before the host has begun its reset (R3.8)', async () => {
  const bench = await new Bench().start({ [NIC]: {} });
  const begun = ms(bench);
  await bench.drive(bench.kernel.error(NIC, 'fatal'));
  await bench.settle();
  const [first] = bench.calls;
  expect(first!.what).toBe('error_detected(frozen)');
  expect(first!.time / 1e6 - begun).toBeLessThan(2);
  expect(bench.port(NIC).deeds.filter(({ duringRecovery }) => duringRecovery)).toEqual([]);
});

it('a correctable error is recorded with its source, and nobody is told (R1.2)', async () => {
  const bench = await new Bench({ trace: true }).start({ [NIC]: {} });
  bench.kernel.correctable(NIC);
  bench.kernel.correctable('00:07.0');
  bench.kernel.correctable(MF0);
  await bench.settle();
  expect(bench.records).toMatchObject([
    { origin: 'kernel', severity: 'correctable', sources: [parseBdf(NIC)], errors: ['BadTLP'] },
    { severity: 'correctable', sources: [parseBdf('00:07.0')], concerns: [parseBdf(NIC)] },
  ]);
  expect(bench.outcomes.map(({ result }) => result)).toEqual(['ignored', 'ignored']);
  expect(bench.calls).toEqual([]);
});

it('a sibling without driver: the host gives up, and so do we, once (R1.7)', async () => {
  const bench = await new Bench({ drivers: { [MF1]: 'none' } }).start({ [MF0]: {} });
  await bench.drive(bench.kernel.error(MF0, 'nonfatal'));
  await bench.settle();
  expect(bench.operations).toEqual(['await_host=gave_up']);
  expect(bench.toldTo(MF0)).toEqual(['error_detected(normal)', LOST]);
  expect(bench.results).toEqual(['disconnected: The host gave up.']);
  expect(bench.port(MF0).deeds).toEqual([]);
});

it('a failed reset of the link is the end', async () => {
  const bench = await new Bench().start({ [NIC]: {} });
  bench.kernel.failingResets = 1;
  await bench.drive(bench.kernel.error(NIC, 'fatal'));
  await bench.settle();
  expect(bench.toldTo(NIC)).toEqual(['error_detected(frozen)', LOST]);
  expect(bench.results).toEqual(['disconnected: The host gave up.']);
});

it('a failure is told and not stored: the next error is recovered as any other (err.c:report_perm_failure_detected)', async () => {
  const bench = await new Bench().start({ [NIC]: {} });
  bench.kernel.failingResets = 1;
  for (let errors = 0; errors < 2; errors++) {
    await bench.drive(bench.kernel.error(NIC, 'fatal'));
    await bench.settle();
  }
  expect(bench.results).toEqual(['disconnected: The host gave up.', 'recovered: The listeners work again.']);
});

it('a sibling that has a non-fatal error end in a reset promotes it (R1.5)', async () => {
  const bench = await new Bench({ drivers: { [MF1]: 'need_reset' } }).start({ [MF0]: {} });
  await bench.drive(bench.kernel.error(MF0, 'nonfatal'));
  await bench.settle();
  expect(bench.operations).toEqual(['await_host=reset', 'restore_config=ok', 'clear_status=ok']);
  expect(bench.toldTo(MF0)).toEqual(['error_detected(normal)', ...RESET]);
  expect(bench.machine.get(MF0).view.getUint16(AT.devctl, true)).toBe(IN_USE.devctl);
});

it('a listener that stops bus mastering while the host recovers has not reset its device', async () => {
  const bench = await new Bench().start({ [NIC]: {} });
  const { view } = bench.machine.get(NIC);
  bench.engine.observe((event) => {
    if (event.type === 'received') view.setUint16(4, IN_USE.command & ~4, true);
  });
  await bench.drive(bench.kernel.error(NIC, 'nonfatal'));
  await bench.settle();
  expect(bench.operations).toEqual(['await_host=left', 'clear_status=ok']);
});

it('a function that nobody listens to is not given back (R1.3)', async () => {
  const bench = new Bench();
  await bench.hold(NIC);
  await bench.drive(bench.engine.start());
  await bench.drive(bench.kernel.error(NIC, 'fatal'));
  await bench.settle();
  expect(bench.outcomes).toMatchObject([{ result: 'disconnected', usable: [] }]);
});

it('what policy gives up is told at once, and nothing is touched', async () => {
  const policy = new KernelPolicy({ perDevice: { count: 1, windowMs: 1000, window: 'sliding' } });
  const bench = await new Bench({ policy }).start({ [NIC]: {} });
  await bench.drive(bench.kernel.error(NIC, 'fatal'));
  await bench.settle();
  expect(bench.operations).toEqual([]);
  expect(bench.toldTo(NIC)).toEqual([LOST]);
  expect(bench.port(NIC).deeds).toEqual([]);
});
