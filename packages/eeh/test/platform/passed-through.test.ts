import { EEH_OPTION, VFIO_EEH_PE as OP, VFIO_EEH_PE_STATE as STATE, type EehRecord } from '../../src/index.js';
import { factsOf, host, LOOKING, NEEDY, running, type Host } from './host.js';
import { A0, LEFT, RIGHT, single, SWITCH, UP } from './machines.js';

const drive = <T>({ clock }: Host, promise: Promise<T>): Promise<T> => clock.drive(promise);
/** The interrupt is taken some turns after it was raised. */
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
};
const FROZEN = { mmio: true, dma: true };

describe('PEs that are passed through stay frozen for their owner (eeh_pe_refreeze_passed)', () => {
  it('after a reset without hotplug above', async () => {
    const here = await running(host(SWITCH), { [UP]: NEEDY, [RIGHT]: NEEDY });
    await drive(here, here.platform.open(LEFT));
    here.hardware.freeze(UP);
    here.read(UP);
    expect((await here.ended(1))[0]!.result).toBe('recovered');
    expect([here.hardware.frozen(LEFT), here.hardware.frozen(RIGHT).mmio]).toEqual([FROZEN, false]);
  });

  it('after one with hotplug: the owner’s function is not unplugged', async () => {
    const here = await running(host(SWITCH), {});
    await drive(here, here.platform.open(LEFT));
    here.hardware.freeze(UP);
    here.read(UP);
    expect((await here.ended(1))[0]!.result).toBe('recovered');
    expect(factsOf(here.hardware, 'removed').map(({ functions }) => functions[0])).toEqual([RIGHT]);
    expect(here.hardware.frozen(LEFT)).toEqual(FROZEN);
  });

  it('the root of a forced recovery as well: it is reset, and frozen for its owner again', async () => {
    const here = await running(host(single()), { [A0]: NEEDY });
    await drive(here, here.platform.open(A0));
    expect(here.platform.forceRecovery('PHB#0-PE#2')).toBe(true);
    const [outcome] = await here.ended(1);
    expect([outcome!.result, outcome!.usable, here.calls]).toEqual(['recovered', [], []]);
    expect(factsOf(here.hardware, 'reset_end')).toHaveLength(1);
    expect(here.hardware.frozen(A0)).toEqual(FROZEN);
    expect(await drive(here, here.platform.peOperation(A0, OP.GET_STATE))).toBe(STATE.STOPPED);
  });

  it('and when the reset of a PE above fails three times', async () => {
    const here = await running(host(SWITCH), { [UP]: NEEDY, [RIGHT]: NEEDY });
    await drive(here, here.platform.open(LEFT));
    here.hardware.script({ fault: 'call_fails', call: 'reset', rc: -6 });
    here.hardware.freeze(UP);
    here.read(UP);
    expect((await here.ended(1))[0]!.result).toBe('disconnected');
    expect(here.hardware.frozen(LEFT)).toEqual(FROZEN);
  });
});

describe('firmware reports one (pnv_eeh_get_pe)', () => {
  const recordOf = (outcome: { readonly event: { readonly record: unknown } }) => outcome.event.record as EehRecord;

  it('below a frozen PE of the host: that one is recovered', async () => {
    const here = await running(host(SWITCH), { [UP]: LOOKING, [RIGHT]: LOOKING });
    await drive(here, here.platform.open(LEFT));
    here.hardware.freeze(UP, { dma: false });
    here.hardware.freeze(LEFT, { reported: true });
    const [outcome] = await here.ended(1);
    expect(recordOf(outcome!)).toMatchObject({ name: 'PHB#0-PE#2', origin: 'interrupt' });
  });

  it('of which only MMIO is stopped: all of it is frozen, so that its owner sees a freeze', async () => {
    const here = await running(host(single()), { [A0]: NEEDY });
    await drive(here, here.platform.open(A0));
    here.hardware.freeze(A0, { dma: false, reported: true });
    await here.clock.drive(turns());
    await here.clock.drive(here.engine.close());
    expect(here.outcomes).toEqual([]);
    expect(here.hardware.frozen(A0)).toEqual(FROZEN);
  });
});

it('a restricted pSeries PE cannot be frozen again: firmware has no such option', async () => {
  const here = await running(host({ ...SWITCH, firmware: 'rtas', log: { calls: true } }), { [UP]: NEEDY });
  await drive(here, here.platform.open(LEFT));
  here.hardware.freeze(UP);
  here.read(UP);
  expect((await here.ended(1))[0]!.result).toBe('recovered');
  const options = factsOf(here.hardware, 'call').filter(({ call }) => call === 'setEehOption');
  expect(options.map(({ action }) => action)).not.toContain(EEH_OPTION.FREEZE);
});
