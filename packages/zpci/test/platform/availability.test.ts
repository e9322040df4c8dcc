import { encodeCcdfAvailability, type FunctionState } from '../../src/index.js';
import { type HardwareFault, type SimulatedZpci } from '../../src/sim/index.js';
import { AT, host, LOOKING, RESETTING, type Host } from '../machine.js';

const A = AT[1];

/** A function as the platform can know it: not at all, or in a state, with a PCI function or without. */
type Known = 'unknown' | FunctionState;

/** The state that a function is in afterwards, and whether drivers see it. */
type After = readonly [Known, present: boolean];

/** Puts a function into a state; a reserved one that is known lingers as a PCI function. */
async function put(run: Host, state: Known): Promise<void> {
  if (state === 'standby' || state === 'unknown') run.hardware.takeAway(1);
  if (state === 'reserved') run.hardware.notify({ contentCode: 2, ccdf: avail(0x308) });
  await run.settled();
  if (state === 'unknown') run.hardware.reserve(1);
  await run.settled();
}

const avail = (pec: number, fh = 0): Uint8Array => encodeCcdfAvailability({ fh, fid: 1, pec });

const stateOf = (run: Host): After => {
  const fn = run.platform.functions().find(({ fid }) => fid === 1);
  return [fn?.state ?? 'unknown', fn?.present ?? false];
};

/**
 * What becomes of a function by each event, by the state that it was known in. Firmware's own state is the one that the
 * event tells of. Written by hand from Linux 7.3 arch/s390/pci/pci_event.c:zpci_event_avail_existing_device,
 * zpci_event_avail_new_device.
 */
const TABLE: Readonly<Record<Known, Readonly<Record<string, After>>>> = {
  unknown: {
    '0x301': ['configured', true],
    '0x302': ['standby', false],
    '0x303': ['unknown', false],
    '0x304': ['unknown', false],
    '0x308': ['unknown', false],
    '0x309': ['unknown', false],
  },
  standby: {
    '0x301': ['configured', true],
    '0x302': ['standby', false],
    '0x303': ['standby', false],
    '0x304': ['standby', false],
    '0x308': ['unknown', false],
    '0x309': ['standby', false],
  },
  configured: {
    '0x301': ['configured', true],
    '0x302': ['configured', true],
    '0x303': ['standby', false],
    '0x304': ['standby', false],
    '0x308': ['reserved', true],
    '0x309': ['configured', true],
  },
  reserved: {
    '0x301': ['configured', true],
    '0x302': ['standby', true],
    '0x303': ['reserved', true],
    '0x304': ['reserved', true],
    '0x308': ['reserved', true],
    '0x309': ['reserved', true],
  },
};

/** Firmware does what its event tells of, then tells of it. */
function happen(hardware: SimulatedZpci, pec: number): void {
  if (pec === 0x301) hardware.make(1, 'configured');
  else if (pec === 0x302) hardware.make(1, 'standby');
  else hardware.notify({ contentCode: 2, ccdf: avail(pec, hardware.inspect(1)!.fh) });
}

const ROWS = Object.entries(TABLE).flatMap(([state, row]) =>
  Object.entries(row).map(([pec, after]) => [pec, state as Known, after] as const),
);

describe('availability events (R2.12)', () => {
  it.each(ROWS)('%s of a function that is %s', async (pec, state, after) => {
    const run = await host();
    await put(run, state);
    expect(stateOf(run)[0]).toBe(state);
    happen(run.hardware, Number(pec));
    await run.settled();
    expect(stateOf(run)).toEqual(after);
    expect(run.told.filter(({ type }) => type === 'trouble')).toEqual([]);
  });

  it('0x304 may reserve the function at once', async () => {
    const run = await host();
    run.hardware.takeAway(1, 'reserved');
    await run.settled();
    expect(stateOf(run)).toEqual(['unknown', false]);
  });

  it('0x306 finds what came, went and changed', async () => {
    const run = await host();
    run.hardware.takeAway(1);
    await run.settled();
    run.hardware.change({ 1: 'reserved', 2: 'configured' });
    await run.settled();
    expect(stateOf(run)).toEqual(['unknown', false]);
    run.hardware.change({ 1: 'configured' });
    await run.settled();
    expect(stateOf(run)).toEqual(['configured', true]);
    expect(run.hardware.inspect(1)!.enabled).toBe(true);
  });

  it('0x306 changes nothing when functions cannot be listed', async () => {
    const run = await host();
    run.hardware.script({ fault: 'call_fails', call: 'list', times: 1 });
    run.hardware.notify({ contentCode: 2, ccdf: encodeCcdfAvailability({ pec: 0x306 }) });
    await run.settled();
    expect(run.platform.functions()).toHaveLength(3);
  });

  it('takes in a new function, enables it, and recovers it', async () => {
    const run = await host({ drivers: { '0009:00:00.0': LOOKING } });
    run.hardware.plug({ fid: 9, bdf: '0009:00:00.0' });
    await run.settled();
    expect(run.platform.functions().at(-1)).toMatchObject({
      fid: 9,
      state: 'configured',
      present: true,
      generation: 0,
    });
    run.hardware.detect(9);
    expect((await run.ended(1))[0]).toMatchObject({ result: 'recovered' });
  });

  it('knows a function that was replaced by its generation', async () => {
    const run = await host();
    for (const generation of [1, 2, 3]) {
      run.hardware.takeAway(1);
      run.hardware.make(1, 'configured');
      await run.settled();
      expect(run.platform.functions()[0]).toMatchObject({ present: true, generation });
    }
    expect(run.happenings.filter(({ what }) => what === 'appeared')).toHaveLength(3);
  });

  it('counts what it takes in', async () => {
    const run = await host();
    run.hardware.requestDeconfiguration(1);
    run.hardware.make(1, 'configured');
    await run.settled();
    expect(run.platform.counters.availability).toBe(2);
  });
});

describe('firmware that does not do what was asked', () => {
  const failing: [string, HardwareFault, (hardware: SimulatedZpci) => void, After][] = [
    [
      'a function that cannot be disabled stays configured, but drivers see it no more',
      { fault: 'call_fails', call: 'disable' },
      (hardware) => hardware.requestDeconfiguration(1),
      ['configured', false],
    ],
    [
      'one that was disabled already stays configured too',
      { fault: 'call_fails', call: 'disable', answer: 0x105 },
      (hardware) => hardware.requestDeconfiguration(1),
      ['configured', false],
    ],
    [
      'one that cannot be deconfigured stays configured',
      { fault: 'call_fails', call: 'deconfigure' },
      (hardware) => hardware.requestDeconfiguration(1),
      ['configured', false],
    ],
    [
      'one that was taken away is standby even if it cannot be disabled',
      { fault: 'call_fails', call: 'disable' },
      (hardware) => hardware.notify({ contentCode: 2, ccdf: avail(0x304, hardware.inspect(1)!.fh) }),
      ['standby', false],
    ],
  ];

  it.each(failing)('%s', async (_, fault, doing, after) => {
    const run = await host();
    run.hardware.script(fault);
    doing(run.hardware);
    await run.settled();
    expect(stateOf(run)).toEqual(after);
  });

  it('a function that cannot be enabled is configured, but no PCI function', async () => {
    const run = await host();
    run.hardware.takeAway(1);
    run.hardware.script({ fault: 'call_fails', call: 'enable' });
    run.hardware.make(1, 'configured');
    await run.settled();
    expect(stateOf(run)).toEqual(['configured', false]);
    expect(run.happenings).toContainEqual(expect.objectContaining({ what: 'refused', fid: 1 }));
  });

  it('a new function that cannot be described is not taken in', async () => {
    const run = await host();
    run.hardware.script({ fault: 'call_fails', call: 'query' });
    run.hardware.plug({ fid: 9, bdf: '0009:00:00.0' });
    await run.settled();
    expect(run.platform.functions().map(({ fid }) => fid)).toEqual([1, 2, 3]);
  });
});

describe('availability and recovery of one function', () => {
  it('a request in the middle of a recovery waits for its end, with an engine to wait for', async () => {
    const run: Host = await host({
      drivers: { [A]: RESETTING },
      options: { exclusively: (scope, work) => run.engine.exclusive(scope, work) },
    });
    const order: string[] = [];
    run.engine.observe((event) => void (event.type === 'ended' && order.push(event.outcome.result, stateOf(run)[0])));
    run.hardware.detect(1);
    run.hardware.requestDeconfiguration(1);
    await run.ended(1);
    await run.settled();
    order.push(stateOf(run)[0]);
    expect(order).toEqual(['recovered', 'configured', 'standby']);
  });

  it('0x306 enables nobody whose recovery is under way', async () => {
    const order: string[] = [];
    const run: Host = await host({
      policy: { deadlineMs: Infinity },
      drivers: {
        [A]: {
          errorDetected: async () => {
            run.hardware.notify({ contentCode: 2, ccdf: encodeCcdfAvailability({ pec: 0x306 }) });
            run.hardware.requestDeconfiguration(2);
            await run.settled();
            order.push(`${run.hardware.inspect(1)!.enabled}`);
            return 'need_reset' as const;
          },
        },
      },
      options: { exclusively: (scope, work) => run.engine.exclusive(scope, work) },
    });
    run.hardware.detect(1, { disables: 'openly' });
    const [outcome] = await run.ended(1);
    await run.settled();
    expect(order).toEqual(['false']);
    expect(outcome!.result).toBe('recovered');
    expect(run.platform.functions().map(({ state }) => state)).toEqual(['configured', 'standby', 'configured']);
  });

  it('without one, the recovery finds its function gone, and never half reset', async () => {
    const run: Host = await host({
      policy: { deadlineMs: Infinity },
      drivers: {
        [A]: {
          errorDetected: async (_, channel) => {
            if (channel === 'perm_failure') return 'disconnect';
            run.hardware.requestDeconfiguration(1);
            await run.settled();
            return 'need_reset';
          },
        },
      },
    });
    run.hardware.detect(1);
    const [outcome] = await run.ended(1);
    expect(outcome).toMatchObject({ result: 'disconnected', usable: [] });
    expect(outcome!.why).toContain('not there any more');
    expect(run.hardware.inspect(1)).toMatchObject({ state: 'standby', enabled: false });
  });

  it('an operation never touches a function that took the place of another', async () => {
    const run: Host = await host({
      policy: { deadlineMs: Infinity },
      drivers: {
        [A]: {
          errorDetected: async (_, channel) => {
            if (channel === 'perm_failure') return 'disconnect';
            run.hardware.takeAway(1);
            run.hardware.make(1, 'configured');
            await run.settled();
            run.hardware.clearLog();
            return 'need_reset';
          },
        },
      },
    });
    run.hardware.detect(1);
    expect((await run.ended(1))[0]).toMatchObject({ result: 'disconnected', usable: [] });
    expect(run.hardware.log.filter(({ kind }) => kind === 'disabled' || kind === 'uevent')).toEqual([]);
    expect(run.platform.channelOf(A)).toBe('normal');
  });

  it('a function that leaves lets go of its holder’s records', async () => {
    const run = await host({ drivers: { [A]: { errorDetected: 'can_recover' } } });
    run.platform.open(A);
    run.hardware.detect(1);
    await run.ended(1);
    run.hardware.takeAway(1);
    await run.settled();
    expect(run.happenings).toContainEqual({ what: 'unread', fid: 1, count: 1 });
    expect(run.platform.functions()[0]).toMatchObject({ mediated: false, pending: 0 });
  });
});
