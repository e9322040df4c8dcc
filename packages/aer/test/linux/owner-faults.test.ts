import { parseBdf } from '@pci-recovery/core';
import { Bench } from './host/bench.js';
import { AT, IN_USE } from './host/config-image.js';
import { unreadable } from './host/machine.js';
import { errno } from './host/vfio-port.js';

const NIC = '02:00.0';
const [MF0, MF1] = ['01:00.0', '01:00.1'];
const RESET = ['error_detected(frozen)', 'slot_reset', 'resume'];
const LOST = 'error_detected(perm_failure)';
const devctl = (bench: Bench, bdf: string): number => bench.machine.get(bdf).view.getUint16(AT.devctl, true);

describe('a device', () => {
  it('that the host wants back in the middle is lost (the REQ eventfd)', async () => {
    const bench = await new Bench().start({ [NIC]: {} });
    const error = bench.kernel.error(NIC, 'fatal');
    await bench.drive(new Promise<void>((resolve) => bench.clock.after(20, resolve)));
    bench.port(NIC).request();
    await bench.drive(error);
    await bench.settle();
    expect(bench.results).toEqual(["disconnected: The host's recovery did not end: gone."]);
    expect(bench.port(NIC).deeds).toEqual([]);
  });

  it('that is taken away in the middle is lost', async () => {
    const bench = await new Bench().start({ [NIC]: {} });
    bench.kernel.onReset = () => bench.kernel.unplug(NIC);
    await bench.drive(bench.kernel.error(NIC, 'fatal'));
    await bench.settle();
    expect(bench.results).toEqual(["disconnected: The host's recovery did not end: gone."]);
    expect(bench.toldTo(NIC)).toEqual(['error_detected(frozen)', LOST]);
    expect(bench.port(NIC).deeds).toEqual([]);
  });

  it('that is silent for ever is not given back, however VFIO shows its silence', async () => {
    const bench = await new Bench().start({ [NIC]: {} });
    bench.kernel.onReset = (fn) => (fn.answers = false);
    await bench.drive(bench.kernel.error(NIC, 'fatal'));
    await bench.settle();
    expect(bench.results).toEqual(["disconnected: The host's recovery did not end: timeout."]);
    expect(bench.port(NIC).deeds).toEqual([]);
    expect(bench.clock.monotonic() / 1e9).toBeLessThan(70);
  });

  it('that comes back some seconds after the reset is waited for', async () => {
    const bench = await new Bench().start({ [NIC]: {} });
    bench.kernel.onReset = (fn) => {
      fn.answers = false;
      bench.clock.after(5_000, () => (fn.answers = true));
    };
    await bench.drive(bench.kernel.error(NIC, 'fatal'));
    await bench.settle();
    expect(bench.toldTo(NIC)).toEqual(RESET);
    expect(devctl(bench, NIC)).toBe(IN_USE.devctl);
  });

  it('whose accesses never end does not hold up the telling, and is given up in time', async () => {
    const bench = await new Bench().start({ [NIC]: {} });
    bench.machine.attributes.set('aer_dev_fatal', undefined);
    bench.port(NIC).broken = 'hangs';
    bench.kernel.uevents.lose = () => true;
    await bench.drive(bench.kernel.error(NIC, 'fatal'));
    await bench.settle();
    expect(bench.toldTo(NIC)).toEqual(['error_detected(frozen)', LOST]);
    expect(bench.results).toEqual(["disconnected: The host's recovery did not end: timeout."]);
  });

  it.each([
    ['does not take its Device Control back', (bench: Bench) => bench.port(NIC).stubborn.add(AT.devctl)],
    [
      'does not take its interrupts back',
      (bench: Bench) => {
        bench.port(NIC).rearmInterrupts = () => Promise.reject(errno('EIO'));
      },
    ],
  ])('that %s is not given back', async (_, break_) => {
    const bench = await new Bench().start({ [NIC]: {} });
    break_(bench);
    await bench.drive(bench.kernel.error(NIC, 'fatal'));
    await bench.settle();
    expect(bench.results).toEqual(['disconnected: Configuration could not be restored: failed.']);
    expect(bench.toldTo(NIC)).toEqual(['error_detected(frozen)', LOST]);
  });

  it('with error masks that VFIO does not let its holder write is given back all the same', async () => {
    const bench = new Bench();
    const { view } = bench.machine.get(NIC);
    view.setUint32(AT.aer + 8, 0x0400_0000, true);
    await bench.start({ [NIC]: {} });
    bench.kernel.onReset = ({ view }) => view.setUint32(AT.aer + 8, 0, true);
    await bench.drive(bench.kernel.error(NIC, 'fatal'));
    await bench.settle();
    expect(bench.results).toEqual(['recovered: The listeners work again.']);
  });
});

it('a host that does not end in time is not waited for for ever', async () => {
  const bench = await new Bench({ delays: { reset: () => 3_600_000 } }).start({ [NIC]: {} });
  void bench.kernel.error(NIC, 'fatal');
  const ended = new Promise<void>((resolve) => {
    bench.engine.observe(({ type }) => type === 'ended' && resolve());
  });
  await bench.drive(ended);
  expect(bench.results).toEqual(["disconnected: The host's recovery did not end: timeout."]);
  expect(bench.clock.monotonic() / 1e9).toBeLessThan(181);
  expect(bench.port(NIC).deeds).toEqual([]);
});

describe('the tree of functions', () => {
  it('that cannot be read at all is trouble; each held device is recovered by itself', async () => {
    const bench = new Bench();
    for (const { bdf } of bench.machine.present()) bench.machine.attributes.set(`${bdf} config`, unreadable());
    await bench.start({ [MF0]: {}, [MF1]: {} });
    await bench.drive(bench.kernel.error(MF0, 'fatal'));
    await bench.settle();
    expect([bench.toldTo(MF0), bench.toldTo(MF1)]).toEqual([RESET, RESET]);
    expect(bench.troubles.length).toBeGreaterThan(0);
  });

  it('is known but for the one function that cannot be read', async () => {
    const bench = new Bench();
    bench.machine.attributes.set(`${parseBdf('02:00.0')} config`, unreadable());
    await bench.start({ [MF0]: {}, [MF1]: {} });
    await bench.drive(bench.kernel.error(MF0, 'fatal'));
    await bench.settle();
    expect(bench.outcomes).toHaveLength(1);
    expect(bench.records).toMatchObject([{ root: parseBdf('00:06.0') }]);
    expect(bench.troubles).toHaveLength(1);
  });
});

describe('an engine', () => {
  it('that gives up while the host recovers tells it at once, and touches nothing', async () => {
    const bench = await new Bench().start({ [NIC]: {} });
    const error = bench.kernel.error(NIC, 'fatal');
    await bench.drive(new Promise<void>((resolve) => bench.clock.after(20, resolve)));
    await bench.drive(bench.engine.abort('The machine stops.'));
    expect(bench.results).toEqual(["disconnected: The host's recovery did not end: stopped."]);
    await bench.drive(error);
    await bench.settle();
    expect(bench.port(NIC).deeds).toEqual([]);
  });

  it('that closes waits for the running recovery', async () => {
    const bench = await new Bench().start({ [NIC]: {} });
    void bench.kernel.error(NIC, 'fatal');
    await bench.drive(new Promise<void>((resolve) => bench.clock.after(20, resolve)));
    await bench.close();
    expect(bench.toldTo(NIC)).toEqual(RESET);
    await bench.settle();
  });
});

it('a platform that closes in the middle ends its waits and lets go of everything', async () => {
  const bench = await new Bench().start({ [NIC]: {} });
  const error = bench.kernel.error(NIC, 'fatal');
  await bench.drive(new Promise<void>((resolve) => bench.clock.after(20, resolve)));
  await bench.drive(bench.platform[Symbol.asyncDispose]());
  await bench.drive(error);
  await bench.settle();
  expect(bench.results).toEqual(["disconnected: The host's recovery did not end: stopped."]);
  expect([bench.port(NIC).listening, bench.kernel.uevents.subscribers, bench.clock.pending]).toEqual([0, 0, 0]);
  await bench.drive(bench.platform[Symbol.asyncDispose]());
});
