import { VirtualClock } from '@pci-recovery/core/testing';
import { EehPlatform, VFIO_EEH_PE as OP } from '../../src/index.js';
import { simulateEeh, type SimulatedEehHardware } from '../../src/sim/index.js';
import { FLAVOURS, LOOKING, NEEDY, running, type Host, type Machine } from './host.js';
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

  it.each(MACHINES.flatMap(([name, machine]) => [LOOKING, NEEDY].map((votes) => [name, votes, machine] as const)))(
    'on %s nothing is written over them: they are kept as soon as they can be seen, and restored (%j)',
    async (_, votes, machine) => {
      const healthy = simulateEeh({ clock: new VirtualClock(), ...machine });
      const registers = (of: SimulatedEehHardware) => [0x00, 0x0c, 0x10, 0x3c].map((at) => of.readConfig(A0, at, 4));
      const here = await running(frozenBefore(machine), { [A0]: votes });
      const [outcome] = await here.ended(1);
      expect([outcome!.result, outcome!.event.record]).toMatchObject(['recovered', { origin: 'survey' }]);
      expect(registers(here.hardware)).toEqual(registers(healthy));
      expect(here.hardware.readConfig(A0, 0x04, 2) & 2).toBe(2);
    },
  );

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
