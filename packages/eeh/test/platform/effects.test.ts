import { OPAL } from '../../src/index.js';
import { A, B, CARD, factsOf, host, LOOKING, NEEDY, running } from './host.js';
import { A0, single } from './machines.js';

const hooked = { errorDetected: () => 'need_reset' as const, resume: () => undefined };

describe('what resets and thaws do besides (eeh_pe_reset_full)', () => {
  it('a fundamental reset when any function wants one (R4.4)', async () => {
    const here = await running(host(single({ needsFundamentalReset: true })), { [A0]: NEEDY });
    here.hardware.freeze(A0);
    here.read(A0);
    await here.ended(1);
    expect(factsOf(here.hardware, 'reset_begin').map(({ reset }) => reset)).toEqual(['fundamental']);
  });

  it('a hot one on pSeries firmware that has no fundamental one', async () => {
    const here = await running(host({ ...single({ needsFundamentalReset: true }), firmware: 'rtas' }), { [A0]: NEEDY });
    here.hardware.script({ fault: 'call_fails', call: 'setSlotReset', rc: -8, times: 1 });
    here.hardware.freeze(A0);
    here.read(A0);
    expect((await here.ended(1))[0]!.result).toBe('recovered');
  });

  it.each([1, 2])('%i failures are forgiven: the next try succeeds', async (times) => {
    const here = await running(host(single()), { [A0]: NEEDY });
    here.hardware.script({ fault: 'call_fails', call: 'reset', rc: OPAL.HARDWARE, times });
    here.hardware.freeze(A0);
    here.read(A0);
    expect((await here.ended(1))[0]!.result).toBe('recovered');
    expect(factsOf(here.hardware, 'reset_end').at(-1)).toMatchObject({ ok: true });
  });

  it('registers that the reset cleared are written back before the drivers are told', async () => {
    const here = await running(host(single()), {
      [A0]: {
        errorDetected: () => 'need_reset',
        slotReset: () => {
          bars.push(here.hardware.readConfig(A0, 0x10, 4));
          return 'recovered';
        },
      },
    });
    const bars = [here.hardware.readConfig(A0, 0x10, 4)];
    here.hardware.freeze(A0);
    here.read(A0);
    await here.ended(1);
    expect(bars[0]).not.toBe(0);
    expect(bars[1]).toBe(bars[0]);
  });

  it('a function that freezes again right after its reset is recovered again', async () => {
    const here = await running(host(single()), { [A0]: NEEDY });
    here.hardware.freeze(A0);
    here.read(A0);
    await here.ended(1);
    here.hardware.freeze(A0);
    here.read(A0);
    expect((await here.ended(2))[1]!.result).toBe('recovered');
  });

  it('a card that is pulled while its bus is reset fails closed or comes to an end', async () => {
    const here = await running(host(single()), {
      [A0]: { ...hooked, slotReset: () => (here.hardware.answers(A0) ? 'recovered' : 'disconnect') },
    });
    here.hardware.script({ fault: 'pulled_at_reset', bdf: A0, times: 1 });
    here.hardware.freeze(A0);
    here.read(A0);
    const [outcome] = await here.ended(1);
    expect([outcome!.result, outcome!.usable]).toEqual(['disconnected', []]);
  });
});

describe('logs and their side effects (eeh_slot_error_detail)', () => {
  it('are whole: firmware’s blob and the registers of every function (R4.7)', async () => {
    const here = await running(host(CARD), { [A]: LOOKING, [B]: LOOKING });
    here.hardware.freeze(A);
    here.read(A);
    await here.ended(1);
    const [log] = here.logs;
    expect(log!.severity).toBe('temporary');
    expect(log!.blob).toHaveLength(8576);
    expect(log!.functions.map(({ bdf, values }) => [bdf, values.length])).toEqual([
      [A, 2 + 9 + 14],
      [B, 2 + 9 + 14],
    ]);
    for (const { offsets, values } of log!.functions) {
      expect(values).toHaveLength(offsets.length);
      expect([offsets[0], values[0]]).toEqual([0, 0x0001_1014]);
      expect(offsets.slice(-14)).toEqual(Array.from({ length: 14 }, (_, index) => 0x100 + 4 * index));
    }
  });

  it('thaw MMIO on pSeries, before anybody said so', async () => {
    const here = await running(host({ ...single(), firmware: 'rtas' }), { [A0]: NEEDY });
    here.hardware.freeze(A0);
    here.read(A0);
    await here.ended(1);
    const [first] = factsOf(here.hardware, 'thawed', 'reset_begin');
    expect(first).toMatchObject({ kind: 'thawed', what: 'mmio' });
    expect(factsOf(here.hardware, 'configured').length).toBeGreaterThan(0);
  });

  it('do not on PowerNV, but the permanent one does, so that drivers can quiesce their devices', async () => {
    const here = await running(host(single()), { [A0]: { ...NEEDY, errorDetected: 'disconnect' } });
    here.hardware.freeze(A0);
    here.read(A0);
    await here.ended(1);
    const [first] = factsOf(here.hardware, 'thawed', 'removed');
    expect(first).toMatchObject({ kind: 'thawed', what: 'mmio' });
    expect(factsOf(here.hardware, 'thawed').map(({ what }) => what)).toEqual(['mmio']);
  });

  it('leave configuration space of restricted cards alone', async () => {
    const here = await running(host(single({ vendorId: 0x14e4, deviceId: 0x1656 })), { [A0]: NEEDY });
    here.hardware.freeze(A0);
    here.read(A0);
    expect(here.platform.readConfig(A0, 0, 4)).toBe(0xffff_ffff);
    await here.ended(1);
    expect(here.logs.map(({ functions }) => functions)).toEqual([[]]);
    expect(here.platform.readConfig(A0, 0, 4)).toBe(0x1656_14e4);
  });
});

describe('user space and interrupts', () => {
  it('hears of every callback that ran, and of no other', async () => {
    const here = await running(host(CARD), { [A]: NEEDY });
    here.hardware.freeze(A);
    here.read(A);
    await here.ended(1);
    expect(factsOf(here.hardware, 'uevent').map(({ functions, event }) => [functions[0], event])).toEqual([
      [A, 'BEGIN_RECOVERY'],
      [A, 'SUCCESSFUL_RECOVERY'],
    ]);
  });

  it('interrupts of drivers are off while their channel is frozen', async () => {
    const here = await running(host(single()), { [A0]: NEEDY });
    here.hardware.freeze(A0);
    here.read(A0);
    await here.ended(1);
    const enabled = factsOf(here.hardware, 'line_interrupt').map((fact) => fact.enabled);
    expect([enabled[0], enabled.at(-1)]).toEqual([false, true]);
  });

  it('the attention indicator shines from the look into the slot until the end', async () => {
    const here = await running(host(single({ hotplugSlot: true })), { [A0]: NEEDY });
    here.hardware.freeze(A0);
    here.read(A0);
    await here.ended(1);
    expect(factsOf(here.hardware, 'attention').map(({ on }) => on)).toEqual([true, false]);
  });
});
