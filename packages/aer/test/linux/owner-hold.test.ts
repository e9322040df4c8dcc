import { parseBdf } from '@pci-recovery/core';
import { Bench } from './host/bench.js';
import { AT, IN_USE, POWER_ON } from './host/config-image.js';

const NIC = '02:00.0';
const [MF0, MF1] = ['01:00.0', '01:00.1'];
const RESET = ['error_detected(frozen)', 'slot_reset', 'resume'];
const devctl = (bench: Bench, bdf: string): number => bench.machine.get(bdf).view.getUint16(AT.devctl, true);
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'ok',
    (error: { code?: string }) => error.code ?? 'no code',
  );

it('a device is held once', async () => {
  const bench = await new Bench().start({ [NIC]: {} });
  expect(await codeOf(bench.drive(bench.platform.hold(bench.port(NIC))))).toBe('ERR_PCI_DUPLICATE_FUNCTION');
});

it('a device that does not answer cannot be taken into care (R2.8), and nothing of it is left', async () => {
  const bench = new Bench();
  bench.machine.get(NIC).answers = false;
  expect(await codeOf(bench.drive(bench.platform.hold(bench.port(NIC))))).toBe('ERR_PCI_NO_ANSWER');
  expect(bench.port(NIC).listening).toBe(0);
  bench.machine.get(NIC).answers = true;
  await bench.hold(NIC);
});

it('nothing is held by a platform that is closed', async () => {
  const bench = await new Bench().start({});
  await bench.close();
  expect(await codeOf(bench.drive(bench.platform.hold(bench.port(NIC))))).toBe('ERR_PCI_CLOSED');
});

it('a device that was set up further is saved again', async () => {
  const bench = await new Bench().start({ [NIC]: {} });
  await bench.drive(bench.port(NIC).writeConfig(AT.devctl, Uint8Array.of(0x2f, 0x48)));
  expect(await bench.drive(bench.platform.save(parseBdf(NIC)))).toBe(true);
  await bench.drive(bench.kernel.error(NIC, 'fatal'));
  await bench.settle();
  expect(devctl(bench, NIC)).toBe(0x482f);
});

it('nothing is saved while the host recovers: what the reset left would be restored later', async () => {
  const bench = await new Bench().start({ [NIC]: {} });
  const error = bench.kernel.error(NIC, 'fatal');
  await bench.drive(new Promise<void>((resolve) => bench.clock.after(20, resolve)));
  const saved = bench.platform.save(parseBdf(NIC));
  await bench.drive(error);
  await bench.settle();
  expect(await saved).toBe(false);
  expect(devctl(bench, NIC)).toBe(IN_USE.devctl);
});

it('a device of which nobody holds anything is not saved', async () => {
  expect(await new Bench().platform.save(parseBdf(NIC))).toBe(false);
});

it('what happened before a device was held is not its error', async () => {
  const bench = await new Bench({ trace: true }).start({});
  await bench.drive(bench.kernel.error(NIC, 'fatal'));
  await bench.settle();
  bench.machine.get(NIC).uncorrectable = 0;
  await bench.hold(NIC);
  bench.port(NIC).signal();
  await bench.settle();
  expect(bench.records).toMatchObject([{ severity: 'informative' }]);
});

it('holding a sibling takes away no evidence of an error that is just signalled', async () => {
  const bench = await new Bench({ trace: true, delays: { eventfd: () => 30, uevent: () => 30 } }).start({ [MF0]: {} });
  void bench.kernel.error(MF0, 'nonfatal');
  await bench.hold(MF1);
  await bench.settle();
  expect(bench.records[0]).toMatchObject({ severity: 'nonfatal', evidence: 'trace', errors: ['CmpltTO'] });
});

it('a device that is let go of in the middle is lost to its recovery; held again, its next error is recovered', async () => {
  const bench = await new Bench().start({ [NIC]: {} });
  const error = bench.kernel.error(NIC, 'fatal');
  await bench.drive(new Promise<void>((resolve) => bench.clock.after(20, resolve)));
  bench.holds.get(NIC)![Symbol.dispose]();
  await bench.drive(error);
  expect(bench.port(NIC).listening).toBe(0);
  bench.machine.get(NIC).view.setUint16(AT.devctl, IN_USE.devctl, true);
  bench.machine.get(NIC).view.setUint16(4, IN_USE.command, true);
  await bench.hold(NIC);
  await bench.drive(bench.kernel.error(NIC, 'fatal'));
  await bench.settle();
  expect(bench.outcomes.map(({ result }) => result)).toEqual(['disconnected', 'recovered']);
  expect(bench.outcomes.map(({ scope }) => scope.members.map(({ generation }) => generation))).toEqual([[0], [1]]);
  expect(bench.toldTo(NIC).slice(-3)).toEqual(RESET);
});

it('one of two functions is let go of in the middle: the scope has changed, so nobody is given back', async () => {
  const bench = await new Bench().start({ [MF0]: {}, [MF1]: {} });
  const error = bench.kernel.error(MF0, 'fatal');
  await bench.drive(new Promise<void>((resolve) => bench.clock.after(20, resolve)));
  bench.holds.get(MF1)![Symbol.dispose]();
  await bench.drive(error);
  await bench.settle();
  expect(bench.outcomes).toMatchObject([{ result: 'disconnected' }]);
  expect(devctl(bench, MF1)).toBe(POWER_ON.devctl);
});

describe('a survey finds (R1.6)', () => {
  it.each([
    ['nothing where all is well', () => undefined, []],
    ['an error that nobody recovers', (fn: { uncorrectable: number }) => (fn.uncorrectable = 0x4000), ['nonfatal']],
    ['a fatal one', (fn: { uncorrectable: number }) => (fn.uncorrectable = 0x0004_0000), ['fatal']],
    ['a device that does not answer', (fn: { answers: boolean }) => (fn.answers = false), ['fatal']],
  ] as const)('%s', async (_, break_, severities) => {
    const bench = new Bench();
    await bench.hold(NIC);
    bench.engine.attach(parseBdf(NIC), bench.listener(NIC, {}));
    break_(bench.machine.get(NIC));
    await bench.drive(bench.engine.start());
    await bench.settle();
    expect(bench.records.map(({ severity }) => severity)).toEqual(severities);
    expect(bench.records.map(({ origin }) => origin)).toEqual(severities.map(() => 'survey'));
  });

  it('and a process that was killed in the middle of a recovery takes it up where the host left it', async () => {
    const bench = new Bench();
    await bench.hold(NIC);
    bench.engine.attach(parseBdf(NIC), bench.listener(NIC, {}));
    const fn = bench.machine.get(NIC);
    fn.uncorrectable = 0x0004_0000;
    fn.reset();
    await bench.drive(bench.engine.start());
    await bench.settle();
    expect(bench.operations).toEqual(['await_host=reset', 'restore_config=ok', 'clear_status=ok']);
    expect([devctl(bench, NIC), fn.uncorrectable]).toEqual([IN_USE.devctl, 0]);
  });
});
