import { OPAL } from '../../src/index.js';
import {
  A,
  B,
  CARD,
  factsOf,
  failuresOf,
  FLAVOURS,
  host,
  LOOKING,
  NEEDY,
  placesOf,
  running,
  type Votes,
} from './host.js';
import { A0, single } from './machines.js';

const MS = 1e6;

const hooks = (look: () => void) => ({
  errorDetected: () => 'can_recover' as const,
  mmioEnabled: () => {
    look();
    return 'recovered' as const;
  },
  slotReset: () => 'recovered' as const,
  resume: () => undefined,
});

type Failing = readonly (readonly [string, Parameters<ReturnType<typeof host>['hardware']['script']>[0], string])[];

const FAILING: Readonly<Record<(typeof FLAVOURS)[number], Failing>> = {
  opal: [
    ['the reset fails three times', { fault: 'call_fails', call: 'reset', rc: OPAL.HARDWARE }, 'reset: failed'],
    ['polling a reset fails', { fault: 'call_fails', call: 'poll', rc: OPAL.HARDWARE }, 'reset: failed'],
    ['MMIO cannot be thawed', { fault: 'call_fails', call: 'freezeClear', rc: OPAL.HARDWARE }, 'thaw_mmio: failed'],
    ['a thaw that is reported does not happen', { fault: 'call_ignored', call: 'freezeClear' }, 'thaw_mmio: failed'],
    ['DMA cannot be thawed', { fault: 'call_fails', call: 'freezeClear', rc: -6, skip: 1 }, 'thaw_dma: failed'],
    [
      'the PE is permanently unavailable',
      { fault: 'call_answers', call: 'freezeStatus', answer: { freeze: 6 }, skip: 2 },
      'wait_state: unsupported',
    ],
  ],
  rtas: [
    ['the reset fails three times', { fault: 'call_fails', call: 'setSlotReset', rc: -1 }, 'reset: failed'],
    ['MMIO cannot be thawed', { fault: 'call_fails', call: 'setEehOption', rc: -1 }, 'thaw_mmio: failed'],
    ['DMA cannot be thawed', { fault: 'call_fails', call: 'setEehOption', rc: -1, skip: 1 }, 'thaw_dma: failed'],
    [
      'the state cannot be asked',
      { fault: 'call_fails', call: 'readSlotResetState', rc: -1, skip: 2 },
      'wait_state: failed',
    ],
    [
      'the PE is unavailable without a wait',
      { fault: 'call_answers', call: 'readSlotResetState', answer: { state: 5, wait: 0 }, skip: 2 },
      'wait_state: unsupported',
    ],
  ],
};

describe.each(FLAVOURS)('a frozen PE on %s firmware', (firmware) => {
  it('is reset when a driver needs it; then the drivers set up and resume (R4.8, R3.4)', async () => {
    const here = await running(host({ ...CARD, firmware }), { [A]: NEEDY, [B]: LOOKING });
    here.hardware.freeze(A);
    here.read(A);
    const [outcome] = await here.ended(1);
    expect(outcome!.result).toBe('recovered');
    expect(placesOf(outcome!)).toEqual([
      ...['check_presence', 'count_freeze', 'frozen', 'error_detected', 'wait_state', 'log_temporary', 'unplug'],
      ...['reset', 'restore', 'unfreeze', 'normal', 'slot_reset', 'resume_channels', 'resume', 'finish'],
    ]);
    expect(here.calls).toEqual([
      ...[`errorDetected ${A} frozen`, `errorDetected ${B} frozen`],
      ...[`slotReset ${A}`, `slotReset ${B}`, `resume ${A}`, `resume ${B}`],
    ]);
    expect(here.hardware.frozen(A)).toEqual({ mmio: false, dma: false });
    expect(here.hardware.readMemory(A, 0)).toBe(0);
    expect(here.platform.tree.device(A)!.pe!.state & 0xf).toBe(0);
    await here.clock.drive(here.engine.close());
    expect(here.clock.pending).toBe(0);
  });

  it('is only thawed when every driver can go on: they look between MMIO and DMA (R4.5)', async () => {
    const here = await running(host({ ...CARD, firmware }), {
      [A]: {
        ...hooks(() => seen.push(here.hardware.readMemory(A, 0) === 0, here.hardware.dma(A))),
      },
      [B]: LOOKING,
    });
    const seen: boolean[] = [];
    here.hardware.freeze(A);
    here.read(A);
    const [outcome] = await here.ended(1);
    expect(outcome!.result).toBe('recovered');
    expect(factsOf(here.hardware, 'reset_begin')).toEqual([]);
    expect(seen).toEqual([true, false]);
    expect(here.hardware.dma(A)).toBe(true);
    expect(factsOf(here.hardware, 'thawed').map(({ what }) => what)).toEqual(['mmio', 'dma']);
  });

  it('with drivers that know nothing of errors is reset with everything unplugged, 5 s before it comes back', async () => {
    const here = await running(host({ ...CARD, firmware }), {});
    here.hardware.freeze(A);
    here.read(A);
    const [outcome] = await here.ended(1);
    expect(outcome!.result).toBe('recovered');
    const [end] = factsOf(here.hardware, 'reset_end');
    const [added] = factsOf(here.hardware, 'added');
    expect(added!.time - end!.time).toBeGreaterThanOrEqual(5000 * MS);
    const generations = outcome!.usable.map(({ bdf, generation }) => [bdf, generation]);
    expect(generations).toEqual([
      [A, 1],
      [B, 1],
    ]);
  });

  it('with one driver that cannot take part: only that one leaves before the reset, and hears nothing afterwards', async () => {
    const deaf: Votes = { errorDetected: 'can_recover', mmioEnabled: 'recovered', resume: true };
    const here = await running(host({ ...CARD, firmware }), { [A]: NEEDY, [B]: deaf });
    here.hardware.freeze(A);
    here.read(A);
    const [outcome] = await here.ended(1);
    expect(outcome!.result).toBe('recovered');
    expect(factsOf(here.hardware, 'removed').map(({ functions }) => functions[0])).toEqual([B]);
    expect(factsOf(here.hardware, 'removed')[0]!.time).toBeLessThanOrEqual(
      factsOf(here.hardware, 'reset_begin')[0]!.time,
    );
    expect(here.calls).toEqual([
      ...[`errorDetected ${A} frozen`, `errorDetected ${B} frozen`],
      ...[`slotReset ${A}`, `resume ${A}`],
    ]);
    expect(outcome!.usable.map(({ bdf, generation }) => [bdf, generation])).toEqual([
      [A, 0],
      [B, 1],
    ]);
  });

  it('is given up when a driver gives up: logged, told, removed, never recovered again', async () => {
    const here = await running(host({ ...CARD, firmware }), {
      [A]: { ...NEEDY, errorDetected: 'disconnect' },
      [B]: LOOKING,
    });
    here.hardware.freeze(A);
    here.read(A);
    const [outcome] = await here.ended(1);
    expect(outcome!.result).toBe('disconnected');
    expect(here.calls.slice(2)).toEqual([`errorDetected ${A} perm_failure`, `errorDetected ${B} perm_failure`]);
    expect(here.logs.map(({ severity }) => severity)).toEqual(['permanent']);
    expect(factsOf(here.hardware, 'removed').map(({ functions }) => functions[0])).toEqual([B, A]);
    expect(here.platform.scopeOf(outcome!.event).members).toEqual([]);
    here.hardware.rescan(0, 1);
    here.hardware.freeze(A);
    here.read(A);
    expect(here.platform.readConfig(A, 0, 4)).toBe(0xffff_ffff);
    await here.clock.drive(here.engine.close());
    expect(here.outcomes).toHaveLength(1);
  });

  it.each(FAILING[firmware])('fails closed when %s, and nobody is half reset', async (_, fault, why) => {
    const votes = why.startsWith('thaw') ? LOOKING : NEEDY;
    const here = await running(host({ ...CARD, firmware }), { [A]: votes, [B]: votes });
    here.hardware.script(fault);
    here.hardware.freeze(A);
    here.read(A);
    const [outcome] = await here.ended(1);
    expect(outcome!.result).toBe('disconnected');
    expect(failuresOf(outcome!)).toEqual([why]);
    // A reset that firmware runs by itself comes to its end also when nobody can ask how far it is.
    here.clock.advance(5000);
    expect(factsOf(here.hardware, 'reset_begin')).toHaveLength(factsOf(here.hardware, 'reset_end').length);
    expect(here.calls.slice(-2)).toEqual([`errorDetected ${A} perm_failure`, `errorDetected ${B} perm_failure`]);
  });
});

describe('how long things take (eeh.h, eeh_driver.c)', () => {
  const duration = async (machine: Parameters<typeof host>[0], drivers: Parameters<typeof running>[1]) => {
    const here = await running(host(machine), drivers);
    here.hardware.freeze(A0);
    here.read(A0);
    const [outcome] = await here.ended(1);
    expect(outcome!.result).toBe('recovered');
    return { here, ms: (outcome!.endedAt - outcome!.startedAt) / MS };
  };

  it('a reset through RTAS is held 250 ms and settles 1800 ms', async () => {
    const { here, ms } = await duration({ ...single(), firmware: 'rtas' }, { [A0]: NEEDY });
    expect(factsOf(here.hardware, 'reset_end')[0]!.held).toBe(250 * MS);
    expect(ms).toBe(250 + 1800);
  });

  it('one through OPAL takes what firmware says, then settles 1800 ms', async () => {
    const { here, ms } = await duration({ ...single(), resetMs: { hot: 700 } }, { [A0]: NEEDY });
    expect(factsOf(here.hardware, 'reset_end')[0]!.held).toBe(700 * MS);
    expect(ms).toBe(700 + 1800);
  });

  it('five seconds pass before anything is plugged in again', async () => {
    const { ms } = await duration({ ...single(), firmware: 'rtas' }, {});
    expect(ms).toBe(250 + 1800 + 5000);
  });

  it.each(FLAVOURS)('a PE that is unavailable is waited for, at %s’s pace, 300 s at most', async (firmware) => {
    for (const [busy, result] of [
      [120_000, 'recovered'],
      [301_500, 'disconnected'],
    ] as const) {
      const here = await running(host({ ...single(), firmware }), { [A0]: NEEDY });
      here.hardware.freeze(A0);
      here.read(A0);
      here.hardware.makeUnavailable(A0, busy);
      const [outcome] = await here.ended(1);
      expect(outcome!.result).toBe(result);
      expect((outcome!.endedAt - outcome!.startedAt) / MS).toBeGreaterThan(Math.min(busy, 300_000) - 1);
    }
  });
});

describe('the freeze limit (R4.10, eeh_pe_update_time_stamp)', () => {
  const freezeOnce = async (here: Awaited<ReturnType<typeof running>>, count: number) => {
    here.hardware.freeze(A0);
    here.read(A0);
    return (await here.ended(count))[count - 1]!.result;
  };

  it('the sixth freeze within an hour of the first is one too many: logged, told, removed', async () => {
    const here = await running(host(single()), { [A0]: NEEDY });
    for (let count = 1; count <= 5; count++) expect(await freezeOnce(here, count)).toBe('recovered');
    expect(await freezeOnce(here, 6)).toBe('disconnected');
    expect(here.outcomes[5]!.why).toContain('froze 6 times within an hour');
    expect(here.calls.at(-1)).toBe(`errorDetected ${A0} perm_failure`);
    expect(here.logs.at(-1)!.severity).toBe('permanent');
  });

  it('the window begins with the first freeze and does not slide; an hour and a second later it is a new one', async () => {
    const here = await running(host(single()), { [A0]: NEEDY });
    const startedAt = here.clock.monotonic();
    expect(await freezeOnce(here, 1)).toBe('recovered');
    here.clock.advance(3500_000);
    for (let count = 2; count <= 5; count++) expect(await freezeOnce(here, count)).toBe('recovered');
    here.clock.advance(3601_000 - (here.clock.monotonic() - startedAt) / MS);
    for (let count = 6; count <= 10; count++) expect(await freezeOnce(here, count)).toBe('recovered');
    expect(await freezeOnce(here, 11)).toBe('disconnected');
  });

  it('can be set', async () => {
    const here = await running(host(single(), { mostFreezes: 1 }), { [A0]: NEEDY });
    expect(await freezeOnce(here, 1)).toBe('recovered');
    expect(await freezeOnce(here, 2)).toBe('disconnected');
  });

  it('an empty slot is not counted: its freeze is given up at once', async () => {
    const here = await running(host(single({ hotplugSlot: true })), { [A0]: NEEDY });
    here.hardware.freeze(A0);
    here.hardware.pull(A0);
    here.read(A0);
    const [outcome] = await here.ended(1);
    expect(outcome!.why).toBe('The PE is empty: no device is present.');
    expect(here.platform.tree.find((outcome!.event.record as { name: string }).name)?.freezeCount ?? 0).toBe(0);
  });
});
