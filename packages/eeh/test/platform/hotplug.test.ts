import { A, B, CARD, factsOf, host, LOOKING, NEEDY, running, type Votes } from './host.js';
import { at, LEFT, PF, RIGHT, single, SWITCH, UP, VF1, VF2, VIRTUAL } from './machines.js';

const DEAF: Votes = { errorDetected: 'can_recover', resume: true };
const namesOf = (facts: readonly { readonly functions: readonly string[] }[]): string[] =>
  facts.flatMap(({ functions }) => functions);

describe('who leaves before a reset (eeh_rmv_device)', () => {
  it('virtual functions come back in the reverse order, the last taken first', async () => {
    const here = await running(host(VIRTUAL), { [PF]: NEEDY });
    here.hardware.freeze(PF);
    here.read(PF);
    expect((await here.ended(1))[0]!.result).toBe('recovered');
    expect(namesOf(factsOf(here.hardware, 'removed'))).toEqual([VF1, VF2]);
    expect(namesOf(factsOf(here.hardware, 'added'))).toEqual([VF2, VF1]);
  });

  it('those of a physical function that leaves itself are its driver’s to bring back, not ours', async () => {
    const here = await running(host(VIRTUAL), { [PF]: { ...DEAF, errorDetected: 'need_reset' } });
    here.hardware.freeze(PF);
    here.read(PF);
    expect((await here.ended(1))[0]!.result).toBe('recovered');
    expect(namesOf(factsOf(here.hardware, 'added'))).toEqual([PF]);
  });

  it.each([
    ['whose driver cannot take part', { ...DEAF, errorDetected: 'need_reset' as const }],
    ['without driver', {}],
  ])('a virtual function %s comes back once, after its own reset', async (_, votes) => {
    const here = await running(host(VIRTUAL), { [PF]: NEEDY, ...(Object.keys(votes).length > 0 && { [VF1]: votes }) });
    const asked: unknown[] = [];
    const addVirtual = here.hardware.addVirtual.bind(here.hardware);
    here.hardware.addVirtual = (bdf) => {
      asked.push([bdf, here.hardware.topology.get(bdf)]);
      addVirtual(bdf);
    };
    here.hardware.freeze(VF1);
    here.read(VF1);
    const [outcome] = await here.ended(1);
    expect([outcome!.result, outcome!.usable]).toEqual(['recovered', [{ bdf: VF1, generation: 1 }]]);
    expect(asked).toEqual([[VF1, undefined]]);
  });

  it('everybody: what is below a bridge first, then the bus from its end (pci_hp_remove_devices)', async () => {
    const here = await running(host(SWITCH), {});
    here.hardware.freeze(UP);
    here.read(UP);
    expect((await here.ended(1))[0]!.result).toBe('recovered');
    expect(namesOf(factsOf(here.hardware, 'removed'))).toEqual([
      LEFT,
      RIGHT,
      at('0000:02:01.0'),
      at('0000:02:00.0'),
      UP,
    ]);
  });
});

describe('interrupts (eeh_disable_irq, eeh_enable_irq)', () => {
  it('are switched on only where they were switched off, and once', async () => {
    const here = await running(host(CARD), { [A]: NEEDY, [B]: DEAF });
    here.hardware.freeze(A);
    here.read(A);
    expect((await here.ended(1))[0]!.result).toBe('recovered');
    const switched = factsOf(here.hardware, 'line_interrupt').map(({ functions, enabled }) => [functions[0], enabled]);
    expect(switched).toEqual([
      [A, false],
      [B, false],
      [A, true],
    ]);
  });

  it('of a lost function are switched off once', async () => {
    const here = await running(host(single()), { [PF]: { ...LOOKING, mmioEnabled: 'disconnect' } });
    here.hardware.freeze(PF);
    here.read(PF);
    expect((await here.ended(1))[0]!.result).toBe('disconnected');
    expect(factsOf(here.hardware, 'line_interrupt').map(({ enabled }) => enabled)).toEqual([false]);
  });
});

describe('the attention indicator (eeh_slot_presence_check, eeh_clear_slot_attention)', () => {
  it('of an empty slot is lit too, and stays lit', async () => {
    const here = await running(host(single({ hotplugSlot: true })), { [PF]: NEEDY });
    here.hardware.freeze(PF);
    here.hardware.pull(PF);
    here.read(PF);
    await here.ended(1);
    expect(factsOf(here.hardware, 'attention').map(({ on }) => on)).toEqual([true]);
  });

  it('of a function in no slot is left alone', async () => {
    const here = await running(host(single()), { [PF]: NEEDY });
    here.hardware.freeze(PF);
    here.read(PF);
    await here.ended(1);
    expect(factsOf(here.hardware, 'attention')).toEqual([]);
  });
});

it('a recovered pSeries function has its virtual functions’ PEs let thaw (pseries_notify_resume)', async () => {
  const here = await running(host({ ...VIRTUAL, firmware: 'rtas', log: { calls: true } }), {
    [PF]: LOOKING,
    [VF1]: LOOKING,
    [VF2]: LOOKING,
  });
  here.hardware.freeze(PF);
  here.read(PF);
  expect((await here.ended(1))[0]!.result).toBe('recovered');
  expect(factsOf(here.hardware, 'unfreeze_allowed').map(({ functions }) => functions)).toEqual([
    [VF1, VF2],
    [VF1],
    [VF2],
  ]);
});
