import { parseBdf } from '@pci-recovery/core';
import { Bench, type Votes } from './host/bench.js';
import { AT, IN_USE } from './host/config-image.js';

const [MF0, MF1] = ['01:00.0', '01:00.1'];
const WANTS: Votes = { errorDetected: 'need_reset' };
const PROMOTED = ['error_detected(normal)', 'error_detected(frozen)', 'slot_reset', 'resume'];
const devctl = (bench: Bench, bdf: string): number => bench.machine.get(bdf).view.getUint16(AT.devctl, true);
const hotResets = (bench: Bench): number =>
  [...bench.ports.values()].flatMap(({ deeds }) => deeds).filter(({ what }) => what === 'hot_reset').length;

it("a listener's reset becomes a real one where the host did not reset (R3.11), one for all functions", async () => {
  const bench = await new Bench().start({ [MF0]: WANTS, [MF1]: {} });
  await bench.drive(bench.kernel.error(MF0, 'nonfatal'));
  await bench.settle();
  expect(bench.operations).toEqual(['await_host=left', 'hot_reset=ok', 'restore_config=ok', 'clear_status=ok']);
  expect([bench.toldTo(MF0), bench.toldTo(MF1)]).toEqual([PROMOTED, PROMOTED]);
  expect([devctl(bench, MF0), devctl(bench, MF1), hotResets(bench)]).toEqual([IN_USE.devctl, IN_USE.devctl, 1]);
});

it('never after a reset of the host (R3.5)', async () => {
  const bench = await new Bench().start({ [MF0]: WANTS, [MF1]: WANTS });
  await bench.drive(bench.kernel.error(MF0, 'fatal'));
  await bench.settle();
  expect(bench.operations).toEqual(['await_host=reset', 'restore_config=ok', 'clear_status=ok']);
  expect(hotResets(bench)).toBe(0);
});

it.each([
  ['EAGAIN', 'timeout'],
  ['EBUSY', 'refused'],
  ['EINVAL', 'refused'],
  ['EPERM', 'refused'],
  ['ENOTTY', 'unsupported'],
  ['ENODEV', 'gone'],
  ['EIO', 'failed'],
])('one that the kernel answers with %s is the end: %s', async (errno, why) => {
  const bench = await new Bench().start({ [MF0]: WANTS, [MF1]: {} });
  for (const bdf of [MF0, MF1]) bench.port(bdf).refusals.push(errno);
  await bench.drive(bench.kernel.error(MF0, 'nonfatal'));
  await bench.settle();
  expect(bench.results).toEqual([`disconnected: The hot reset did not succeed: ${why}.`]);
});

it('one that is not ours to ask for is refused, and it is said whose functions are in the way (R4.2)', async () => {
  const bench = new Bench();
  bench.port(MF0).hotResetAllowed = { absent: '0000:01:00.1 is not owned' };
  await bench.start({ [MF0]: WANTS });
  await bench.drive(bench.kernel.error(MF0, 'nonfatal'));
  await bench.settle();
  expect(bench.results).toEqual(['disconnected: A hot reset is needed and not possible: 0000:01:00.1 is not owned.']);
  expect(hotResets(bench)).toBe(0);
});

it('one that became ours when the second function was held is allowed', async () => {
  const bench = new Bench();
  bench.port(MF0).hotResetAllowed = { absent: '0000:01:00.1 is not owned' };
  await bench.hold(MF0);
  bench.port(MF0).hotResetAllowed = true;
  await bench.hold(MF1);
  for (const bdf of [MF0, MF1]) bench.engine.attach(bench.port(bdf).bdf, bench.listener(bdf, WANTS));
  await bench.drive(bench.engine.start());
  await bench.drive(bench.kernel.error(MF0, 'nonfatal'));
  await bench.settle();
  expect(bench.operations).toContain('hot_reset=ok');
});

it('one that the kernel cannot say anything about is not possible', async () => {
  const bench = new Bench();
  bench.port(MF0).hotResetScope = () => Promise.reject(new Error('broken'));
  await bench.start({ [MF0]: WANTS });
  await bench.drive(bench.kernel.error(MF0, 'nonfatal'));
  await bench.settle();
  expect(bench.results).toEqual([
    expect.stringMatching(/^disconnected: A hot reset is needed and not possible: .*broken/),
  ]);
});

it("a newer fatal error whose reset is under way is the listener's reset: no second one (R3.5)", async () => {
  const bench = await new Bench().start({ [MF1]: {} });
  await bench.hold(MF0);
  let errors = 0;
  bench.engine.attach(parseBdf(MF0), {
    ...bench.listener(MF0, WANTS),
    async errorDetected(_, channel) {
      if (channel === 'frozen' && errors++ === 0) {
        void bench.kernel.error(MF1, 'fatal');
        await new Promise<void>((resolve) => bench.clock.after(20, resolve));
      }
      return 'need_reset' as const;
    },
  });
  await bench.drive(bench.kernel.error(MF0, 'nonfatal'));
  await bench.settle();
  expect(bench.kernel.recoveries.filter(({ reset }) => reset)).toHaveLength(1);
  expect(hotResets(bench)).toBe(0);
  expect(bench.outcomes.map(({ result }) => result)).toEqual(['recovered', 'recovered']);
  expect([devctl(bench, MF0), devctl(bench, MF1)]).toEqual([IN_USE.devctl, IN_USE.devctl]);
});

it('after a newer error that the host gave up on, nothing is reset any more', async () => {
  const bench = await new Bench().start({ [MF1]: {} });
  await bench.hold(MF0);
  bench.kernel.failingResets = 1;
  bench.engine.attach(parseBdf(MF0), {
    ...bench.listener(MF0, WANTS),
    async errorDetected(_, channel) {
      if (channel === 'frozen' && bench.kernel.recoveries.length === 1) void bench.kernel.error(MF1, 'fatal');
      await new Promise<void>((resolve) => bench.clock.after(20, resolve));
      return 'need_reset' as const;
    },
  });
  await bench.drive(bench.kernel.error(MF0, 'nonfatal'));
  await bench.settle();
  expect(hotResets(bench)).toBe(0);
  expect(bench.results[0]).toBe('disconnected: The hot reset did not succeed: refused.');
  expect(bench.outcomes.at(-1)).toMatchObject({ result: 'disconnected' });
});
