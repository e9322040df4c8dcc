import { VirtualClock } from '@pci-recovery/core/testing';
import { PCI_HEADER } from '@pci-recovery/pci';
import { EehPlatform, VFIO_EEH_PE as OP, type EehHostPort } from '../../src/index.js';
import { simulateEeh, type SimulatedEehHardware } from '../../src/sim/index.js';
import { factsOf, FLAVOURS, LOOKING, NEEDY, running, type Host, type Machine } from './host.js';
import { A0, single } from './machines.js';

/** A host whose hardware froze before anybody looked. */
function frozenBefore(machine: Machine): Host {
  const clock = new VirtualClock();
  const hardware = simulateEeh({ clock, ...machine });
  hardware.freeze(A0);
  return { clock, hardware, platform: new EehPlatform(hardware, clock), logs: [] };
}

describe('registers of a function that did not answer when it was probed are unknown', () => {
  const MACHINES: readonly (readonly [string, Machine])[] = [
    ...FLAVOURS.map((firmware) => [firmware, { ...single(), firmware }] as const),
    ['P7IOC', { hostBridges: [{ ...single().hostBridges[0]!, model: 'p7ioc' }] }],
  ];

  const DRIVERS = { 'looks at its device': LOOKING, 'needs a reset': NEEDY };

  it.each(
    MACHINES.flatMap(([name, machine]) =>
      Object.entries(DRIVERS).map(([what, votes]) => [name, what, votes, machine] as const),
    ),
  )(
    'on %s, where the driver %s, nothing is written over them: they are kept as soon as they can be seen, and restored',
    async (_, __, votes, machine) => {
      const healthy = simulateEeh({ clock: new VirtualClock(), ...machine });
      const registers = (of: SimulatedEehHardware) => [0x00, 0x0c, 0x10, 0x3c].map((at) => of.readConfig(A0, at, 4));
      const here = await running(frozenBefore(machine), { [A0]: votes });
      const [outcome] = await here.ended(1);
      expect([outcome!.result, outcome!.event.record]).toMatchObject(['recovered', { origin: 'survey' }]);
      expect(registers(here.hardware)).toEqual(registers(healthy));
      expect(here.hardware.readConfig(A0, 0x04, 2) & 2).toBe(2);
    },
  );

  it('but firmware restores its own part of them all the same (OPAL_PCI_REINIT)', async () => {
    const clock = new VirtualClock();
    const hardware = simulateEeh({ clock, ...single(), log: { calls: true } });
    hardware.fence(0, { reported: false });
    const here = await running({ clock, hardware, platform: new EehPlatform(hardware, clock), logs: [] }, {});
    expect((await here.ended(1))[0]!.event.record).toMatchObject({ kind: 'fenced_phb' });
    expect(factsOf(hardware, 'call').filter(({ call }) => call === 'reinit').length).toBeGreaterThanOrEqual(2);
  });

  it('also when an owner thaws it, and has it reset', async () => {
    const here = frozenBefore({ ...single(), firmware: 'rtas' });
    const of = async (work: Promise<number>): Promise<void> => expect(await here.clock.drive(work)).toBe(0);
    await of(here.platform.open(A0));
    const before = [0x0c, 0x10, 0x3c].map((at) => here.hardware.readConfig(A0, at, 4));
    expect(before[1]).toBeGreaterThan(0);
    for (const operation of [OP.RESET_HOT, OP.RESET_DEACTIVATE]) await of(here.platform.peOperation(A0, operation));
    expect([0x0c, 0x10, 0x3c].map((at) => here.hardware.readConfig(A0, at, 4))).toEqual(before);
  });
});

it.each([
  ['without PCI Express its extended registers are none', PCI_HEADER.CAPABILITIES_POINTER, 0],
  ['that says that it has no capabilities has none', PCI_HEADER.STATUS, 0],
])('a function %s (pnv_eeh_find_cap, pnv_eeh_find_ecap)', (_, register, value) => {
  const clock = new VirtualClock();
  const hardware = simulateEeh({ clock, ...single() });
  const readConfig = hardware.readConfig.bind(hardware);
  hardware.readConfig = (bdf, offset, width) => (offset === register ? value : readConfig(bdf, offset, width));
  const { offsets } = new EehPlatform(hardware, clock).tree.device(A0)!;
  expect(offsets).toEqual({ pcie: 0, pcix: 0, aer: 0, af: 0 });
});

describe('another card at the same address', () => {
  const SWITCH_CARD: Machine = {
    hostBridges: [
      {
        phb: 0,
        below: [
          {
            kind: 'root_port',
            bdf: '00:00.0',
            below: [
              {
                kind: 'downstream_port',
                bdf: '01:00.0',
                vendorId: 0x10b5,
                below: [{ kind: 'endpoint', bdf: '02:00.0', driver: 'nvme' }],
              },
            ],
          },
        ],
      },
    ],
  };

  /** A machine that turns into another one, as far as software can see. */
  function turning(clock: VirtualClock, before: Machine, after: Machine): { port: EehHostPort; turn: () => void } {
    const machines = [before, after].map((machine) => simulateEeh({ clock, ...machine }));
    let now = 0;
    const port = new Proxy(machines[0]!, {
      get(_, name: string) {
        if (name === 'generationOf') return () => now;
        const value: unknown = Reflect.get(machines[now]!, name, machines[now]);
        return typeof value === 'function' ? (value.bind(machines[now]) as unknown) : value;
      },
    });
    return { port, turn: () => void (now = 1) };
  }

  it.each([
    ['that replaces an endpoint', single()],
    ['where firmware named a function without device', { ...single({ unprobed: true }), firmware: 'rtas' as const }],
  ])('%s is what it is: a bridge, with its own registers', (_, before) => {
    const clock = new VirtualClock();
    const { port, turn } = turning(clock, before, {
      ...SWITCH_CARD,
      ...('firmware' in before && { firmware: 'rtas' }),
    });
    const platform = new EehPlatform(port, clock);
    expect(platform.tree.device(A0)).toMatchObject({ bridge: false, hasLink: false });
    turn();
    const device = platform.tree.device(A0)!;
    expect(device).toMatchObject({ present: true, bridge: true, hasLink: true, offsets: { pcie: 0x40, aer: 0x100 } });
    expect([device.saved[0], device.saved[1]! & 4]).toEqual([0x0001_10b5, 4]);
  });
});
