import { PE_STATE, type EehRecord } from '../../src/index.js';
import { factsOf, host, NEEDY, placesOf, running, type Machine, type Votes } from './host.js';
import { at, LEFT, PF, RIGHT, single, SWITCH, UP, VF1, VF2, VIRTUAL } from './machines.js';

const LOOKS: Votes = { ...NEEDY, errorDetected: 'can_recover' };
const recordOf = (outcome: { readonly event: { readonly record: unknown } }) => outcome.event.record as EehRecord;

describe('PEs within PEs', () => {
  const DRIVERS = { [LEFT]: LOOKS, [RIGHT]: LOOKS };

  it('one that freezes leaves its siblings alone', async () => {
    const here = await running(host(SWITCH), { [LEFT]: NEEDY, [RIGHT]: NEEDY });
    here.hardware.freeze(LEFT);
    here.read(LEFT);
    const [outcome] = await here.ended(1);
    expect(outcome!.scope.members.map(({ bdf }) => bdf)).toEqual([LEFT]);
    expect(factsOf(here.hardware, 'reset_begin').map(({ reset, functions }) => [reset, functions])).toEqual([
      ['bus', [LEFT]],
    ]);
    expect(here.calls.filter((call) => call.includes(RIGHT))).toEqual([]);
  });

  it('the topmost frozen one is recovered, with everything below it, in walk order', async () => {
    const here = await running(host(SWITCH), DRIVERS);
    here.hardware.freeze(LEFT);
    here.hardware.freeze(UP, { mmio: false });
    here.read(LEFT);
    const [outcome] = await here.ended(1);
    expect(recordOf(outcome!).name).toBe('PHB#0-PE#2');
    expect(outcome!.scope.members.map(({ bdf }) => bdf)).toEqual([
      UP,
      at('0000:02:00.0'),
      at('0000:02:01.0'),
      LEFT,
      RIGHT,
    ]);
    expect(outcome!.result).toBe('recovered');
  });

  it('and frozen ones below it are thawed with it: nobody looks at a frozen device, nobody resumes one', async () => {
    const seen: number[] = [];
    const here = await running(host(SWITCH), {
      [LEFT]: {
        errorDetected: () => 'can_recover',
        mmioEnabled: () => (seen.push(here.hardware.readMemory(LEFT, 0)), 'recovered'),
        resume: () => void seen.push(here.hardware.readMemory(LEFT, 0)),
      },
    });
    here.hardware.freeze(LEFT);
    here.hardware.freeze(UP, { mmio: false });
    here.read(LEFT);
    expect((await here.ended(1))[0]!.result).toBe('recovered');
    expect([seen, here.hardware.frozen(LEFT)]).toEqual([[0, 0], { mmio: false, dma: false }]);
  });

  it('also when both MMIO and DMA of the upper one are stopped, which the kernel overlooks', async () => {
    const here = await running(host(SWITCH), DRIVERS);
    here.hardware.freeze(LEFT);
    here.hardware.freeze(UP);
    here.read(LEFT);
    expect(recordOf((await here.ended(1))[0]!).name).toBe('PHB#0-PE#2');
  });
});

describe('virtual functions (R4.9)', () => {
  it('have PEs of their own, below that of the physical function', () => {
    const { platform } = host(VIRTUAL);
    const pe = platform.tree.device(VF1)!.pe!;
    expect([pe.type, pe.parent?.name]).toEqual(['vf', platform.tree.device(PF)!.pe!.name]);
  });

  it('are reset by themselves only', async () => {
    const here = await running(host(VIRTUAL), { [PF]: LOOKS, [VF1]: NEEDY, [VF2]: LOOKS });
    here.hardware.freeze(VF1);
    here.read(VF1);
    const [outcome] = await here.ended(1);
    expect(outcome!.result).toBe('recovered');
    expect(factsOf(here.hardware, 'reset_begin').map(({ reset, functions }) => [reset, functions])).toEqual([
      ['flr', [VF1]],
    ]);
  });

  it('that cannot take part in the recovery of their card leave, and come back only when it works again', async () => {
    const here = await running(host(VIRTUAL), { [PF]: NEEDY, [VF1]: NEEDY });
    here.hardware.freeze(PF);
    here.read(PF);
    const [outcome] = await here.ended(1);
    expect(outcome!.result).toBe('recovered');
    expect(factsOf(here.hardware, 'removed').map(({ functions }) => functions[0])).toEqual([VF2]);
    const order = placesOf(outcome!);
    expect(order.indexOf('replug_virtual')).toBeGreaterThan(order.indexOf('slot_reset'));
    expect(order.indexOf('replug_virtual')).toBeLessThan(order.indexOf('resume'));
    expect(outcome!.usable.find(({ bdf }) => bdf === VF2)?.generation).toBe(1);
    expect(here.calls.filter((call) => call.includes(VF2))).toEqual([]);
  });

  it('without any reset of their own cannot be recovered that way', async () => {
    const machine = single({ virtualFunctions: [{ bdf: '01:00.1', driver: 'iavf', flr: false }] });
    const here = await running(host(machine), { [PF]: LOOKS, [VF1]: NEEDY });
    here.hardware.freeze(VF1);
    here.read(VF1);
    const [outcome] = await here.ended(1);
    expect(outcome!.result).toBe('disconnected');
    expect(here.platform.tree.device(VF1)!.pe!.state & PE_STATE.REMOVED).not.toBe(0);
  });

  it('without drivers are reset and come back as new ones', async () => {
    const here = await running(host(VIRTUAL), { [PF]: LOOKS });
    here.hardware.freeze(VF1);
    here.read(VF1);
    const [outcome] = await here.ended(1);
    expect(outcome!.result).toBe('recovered');
    expect(outcome!.usable).toEqual([{ bdf: VF1, generation: 1 }]);
  });
});

describe('a function without device (pSeries, eeh_pe_report_edev)', () => {
  const withAbsent = (absent: string, present: string): Machine => ({
    firmware: 'rtas',
    hostBridges: [
      {
        phb: 0,
        below: [
          {
            kind: 'root_port',
            bdf: '00:00.0',
            below: [
              { kind: 'endpoint', bdf: absent, unprobed: true },
              { kind: 'endpoint', bdf: present, driver: 'nvme' },
            ],
          },
        ],
      },
    ],
  });

  it.each([
    ['before it: its vote lifts the disconnect, the PE is reset, and then lost', '01:00.0', '01:00.1', true],
    ['after it: its vote is forgotten, and nothing is tried', '01:00.2', '01:00.1', false],
  ])('walked %s', async (_, absent, present, isReset) => {
    const here = await running(host(withAbsent(absent, present)), { [`0000:${present}`]: NEEDY });
    here.hardware.freeze(present);
    here.read(`0000:${present}`);
    const [outcome] = await here.ended(1);
    expect([outcome!.result, placesOf(outcome!).includes('reset')]).toEqual(['disconnected', isReset]);
    expect(here.calls.at(-1)).toBe(`errorDetected 0000:${present} perm_failure`);
  });
});
