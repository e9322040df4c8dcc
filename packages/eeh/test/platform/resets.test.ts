import { ERRNO, OPAL, OPAL_RESET, VFIO_EEH_PE as OP } from '../../src/index.js';
import { type EndpointDescription } from '../../src/sim/index.js';
import { factsOf, host, NEEDY, running, type Host, type Machine } from './host.js';
import { A0, at, LEFT, single, SWITCH, VF1, VIRTUAL } from './machines.js';

const MS = 1e6;
const drive = <T>({ clock }: Host, promise: Promise<T>): Promise<T> => clock.drive(promise);

/** A switch below which one card wants a fundamental reset. */
const nested = (more: object): Machine => ({
  hostBridges: [
    {
      phb: 0,
      below: [
        {
          kind: 'root_port',
          bdf: '00:00.0',
          below: [
            {
              kind: 'upstream_port',
              bdf: '01:00.0',
              below: [
                {
                  kind: 'downstream_port',
                  bdf: '02:00.0',
                  below: [{ kind: 'endpoint', bdf: '03:00.0', driver: 'nvme', ...more }],
                },
              ],
            },
          ],
        },
      ],
    },
  ],
});

describe('a reset is taken back (pnv_eeh_reset)', () => {
  it.each([
    ['a fundamental reset below a switch', { needsFundamentalReset: true }],
    ['a hot one after which nobody answers, which is done once more', { readyAfterMs: 200_000 }],
  ])('%s: the kernel leaves the bus in reset', async (_, more) => {
    const here = await running(host(nested(more)), { [LEFT]: NEEDY });
    here.hardware.freeze(LEFT);
    here.read(LEFT);
    await here.ended(1);
    expect(here.hardware.readConfig(at('0000:02:00.0'), 0x3e, 2) & 0x40).toBe(0);
    expect(factsOf(here.hardware, 'reset_begin')).toHaveLength(factsOf(here.hardware, 'reset_end').length);
  });

  it('and settles 1800 ms, also a fundamental one below a root port', async () => {
    const here = await running(host(single({ needsFundamentalReset: true, readyAfterMs: 1500 })), { [A0]: NEEDY });
    const before = here.hardware.readConfig(A0, 0x10, 4);
    here.hardware.freeze(A0);
    here.read(A0);
    const [outcome] = await here.ended(1);
    expect((outcome!.endedAt - outcome!.startedAt) / MS).toBe(1000 + 1800);
    expect([before, here.hardware.readConfig(A0, 0x10, 4)]).toEqual([before, before]);
  });
});

describe('a P7IOC is cleared of injected errors before each reset (pnv_eeh_reset)', () => {
  const P7IOC: Machine = { hostBridges: [{ ...single().hostBridges[0]!, model: 'p7ioc' }], log: { calls: true } };

  it('of a PE', async () => {
    const here = await running(host(P7IOC), { [A0]: NEEDY });
    here.hardware.freeze(A0);
    here.read(A0);
    expect((await here.ended(1))[0]!.result).toBe('recovered');
    const scopes = factsOf(here.hardware, 'call').filter(({ call }) => call === 'reset');
    expect(scopes.map(({ action }) => action)).toEqual([OPAL_RESET.PHB_ERROR, OPAL_RESET.HOT, OPAL_RESET.HOT]);
  });

  it.each([
    ['for everybody below a host bridge', A0, P7IOC],
    ['for a card behind a switch', LEFT, { hostBridges: [{ ...SWITCH.hostBridges[0]!, model: 'p7ioc' as const }] }],
  ])('and registers are written back after the thaw: before it nobody reaches them, %s', async (_, bdf, machine) => {
    const here = await running(host(machine), { [bdf]: NEEDY });
    const bar = here.hardware.readConfig(bdf, 0x10, 4);
    here.hardware.freeze(bdf);
    here.read(bdf);
    expect((await here.ended(1))[0]!.result).toBe('recovered');
    expect([bar, here.hardware.readConfig(bdf, 0x10, 4)]).toEqual([bar, bar]);
    expect(here.hardware.readConfig(bdf, 0x04, 2) & 2).toBe(2);
  });

  it('also when its owner has it reset', async () => {
    const here = host(P7IOC);
    await drive(here, here.platform.open(A0));
    const bar = here.hardware.readConfig(A0, 0x10, 4);
    for (const operation of [OP.RESET_HOT, OP.RESET_DEACTIVATE])
      expect(await drive(here, here.platform.peOperation(A0, operation))).toBe(0);
    expect([bar, here.hardware.readConfig(A0, 0x10, 4)]).toEqual([bar, bar]);
    expect(here.hardware.readConfig(A0, 0x04, 2) & 2).toBe(2);
  });

  it('and where that fails there is no reset', async () => {
    const here = await running(host(P7IOC), { [A0]: NEEDY });
    here.hardware.script({ fault: 'call_fails', call: 'reset', rc: OPAL.HARDWARE, action: OPAL_RESET.PHB_ERROR });
    here.hardware.freeze(A0);
    here.read(A0);
    expect((await here.ended(1))[0]!.result).toBe('disconnected');
    expect(factsOf(here.hardware, 'reset_begin')).toEqual([]);
  });
});

describe('a card that takes ten seconds to answer after its reset is waited for, and gets its registers back', () => {
  const slow = (more: Partial<EndpointDescription>, bridge: object = {}): Machine => ({
    hostBridges: [{ ...single({ readyAfterMs: 10_000, ...more }).hostBridges[0]!, ...bridge }],
  });
  const rows: readonly (readonly [string, Machine, 'freeze' | 'fence'])[] = [
    ['a hot reset by OPAL', slow({}), 'freeze'],
    ['a fundamental one', slow({ needsFundamentalReset: true }), 'freeze'],
    ['a complete one', slow({}), 'fence'],
    ['one by RTAS', { ...slow({}), firmware: 'rtas' }, 'freeze'],
    ['a hot one behind a P7IOC', slow({}, { model: 'p7ioc' }), 'freeze'],
    ['a complete one of a P7IOC', slow({}, { model: 'p7ioc' }), 'fence'],
  ];

  it.each(rows)('%s', async (_, machine, what) => {
    const here = await running(host(machine), { [A0]: NEEDY });
    const bar = here.hardware.readConfig(A0, 0x10, 4);
    if (what === 'fence') here.hardware.fence(0);
    else here.hardware.freeze(A0);
    here.read(A0);
    const [outcome] = await here.ended(1);
    expect(outcome!.result).toBe('recovered');
    expect([here.hardware.answers(A0), here.hardware.readConfig(A0, 0x10, 4)]).toEqual([true, bar]);
    // Below a host bridge that was reset decoding is the driver's matter (eeh_pe_reenable_devices).
    expect(here.hardware.readConfig(A0, 0x04, 2) & 2).toBe(what === 'fence' ? 0 : 2);
  });

  it.each(rows)('%s, with everybody unplugged: it is found again', async (_, machine, what) => {
    const here = await running(host(machine), {});
    if (what === 'fence') here.hardware.fence(0);
    else here.hardware.freeze(A0);
    here.read(A0);
    const [outcome] = await here.ended(1);
    expect([outcome!.result, outcome!.usable.find(({ bdf }) => bdf === A0)]).toEqual([
      'recovered',
      { bdf: A0, generation: 1 },
    ]);
  });
});

it('a virtual function is really reset when its owner asks for it, although its registers are blocked', async () => {
  const here = host(VIRTUAL);
  await drive(here, here.platform.open(VF1));
  here.hardware.writeMemory(VF1, 0, 5);
  const rcs = [];
  for (const operation of [OP.RESET_HOT, OP.RESET_DEACTIVATE, OP.CONFIGURE])
    rcs.push(await drive(here, here.platform.peOperation(VF1, operation)));
  expect(rcs).toEqual([0, 0, 0]);
  expect(factsOf(here.hardware, 'reset_end').map(({ reset, functions }) => [reset, functions])).toEqual([
    ['flr', [VF1]],
  ]);
});

it.each([
  ['asks for a second, always', 1000],
  ['asks for twelve days', 2 ** 30],
  ['asks for what is no time', NaN],
])('firmware that never finishes a reset is waited for 300 s a try, not for ever: it %s', async (_, rc) => {
  const here = await running(host(single()), { [A0]: NEEDY });
  here.hardware.script({ fault: 'call_fails', call: 'poll', rc });
  here.hardware.freeze(A0);
  here.read(A0);
  const [outcome] = await here.ended(1);
  expect(outcome!.result).toBe('disconnected');
  const took = (outcome!.endedAt - outcome!.startedAt) / MS;
  expect([took >= (rc > 0 ? 900_000 : 0), took < 1_900_000]).toEqual([true, true]);
});

it.each([
  ['the longest time that there is', 2 ** 53],
  ['what is no time', NaN],
])(
  'firmware that asks for %s before it is asked for a state again is not waited for longer than 300 s',
  async (_, wait) => {
    const here = host({ ...single(), firmware: 'rtas' });
    await drive(here, here.platform.open(A0));
    const answer = { status: 0, supported: true, state: 5, wait };
    here.hardware.script({ fault: 'call_answers', call: 'readSlotResetState', answer, skip: 1 });
    here.hardware.freeze(A0);
    const before = here.clock.monotonic();
    expect(await drive(here, here.platform.peOperation(A0, OP.UNFREEZE_IO))).toBe(ERRNO.EIO);
    expect((here.clock.monotonic() - before) / MS).toBeLessThanOrEqual(300_000);
  },
);

describe('bridges are configured within 0.2 s (pseries_eeh_phb_configure_bridge)', () => {
  const tries = async (rc: number): Promise<number> => {
    const here = host({ ...single(), firmware: 'rtas', log: { calls: true } });
    here.hardware.script({ fault: 'call_fails', call: 'configurePe', rc });
    await drive(here, here.platform.peOperation(A0, OP.CONFIGURE));
    return factsOf(here.hardware, 'call').filter(({ call }) => call === 'configurePe').length;
  };

  it.each([
    ['9900: every millisecond', 9900, 200],
    ['9902: every 100 ms', 9902, 2],
    ['9905, which is taken for 100 ms', 9905, 2],
    ['busy is a failure like any other', -2, 1],
    ['a status that says nothing', 17, 1],
  ])('%s', async (_, rc, count) => expect(await tries(rc)).toBe(count));

  it.each([
    [-3, -22],
    [-1, -5],
    [9902, -5],
  ])('status %i is errno %i', async (rc, errno) => {
    const here = host({ ...single(), firmware: 'rtas' });
    here.hardware.script({ fault: 'call_fails', call: 'configurePe', rc });
    expect(await drive(here, here.platform.peOperation(A0, OP.CONFIGURE))).toBe(errno);
  });
});

it('the link of an unplugged port is brought up all the same (eeh_bridge_check_link)', async () => {
  const here = await running(host(SWITCH), {});
  const port = at('0000:02:00.0');
  here.hardware.writeConfig(port, 0x50, 2, 0x10);
  here.hardware.freeze('0000:01:00.0');
  here.read('0000:01:00.0');
  const [outcome] = await here.ended(1);
  expect(outcome!.result).toBe('recovered');
  expect(here.logs).toHaveLength(1);
  // After the reset the link waits at least 20 ms; two ports below the switch.
  const settled = factsOf(here.hardware, 'reset_end').at(-1)!.time + 1800 * MS;
  expect(factsOf(here.hardware, 'added')[0]!.time - settled).toBeGreaterThanOrEqual(5000 * MS + 2 * 20 * MS);
});
