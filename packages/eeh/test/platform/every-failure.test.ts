import { type Bdf, type RecoveryOutcome } from '@pci-recovery/core';
import { PCI_HEADER } from '@pci-recovery/pci';
import { type EehFact, type EehFault, type FirmwareCall } from '../../src/sim/index.js';
import {
  A,
  B,
  CARD,
  factsOf,
  FLAVOURS,
  host,
  LOOKING,
  NEEDY,
  running,
  type Machine,
  type Running,
  type Votes,
} from './host.js';
import { LEFT, PF, RIGHT, single, SWITCH, UP, VF1, VF2, VIRTUAL } from './machines.js';

/** What happens to which machine, and who drives it. */
interface Scenario {
  readonly machine: Machine;
  readonly drivers: Readonly<Record<string, Votes>>;
  /** The function whose PE freezes. */
  readonly at: Bdf;
  /** Its host bridge is fenced instead. */
  readonly fenced?: true;
  /** Functions that owners hold. */
  readonly passed?: readonly Bdf[];
}

const DEAF: Votes = { errorDetected: 'can_recover', mmioEnabled: 'recovered', resume: true };
const CHANGES_ITS_MIND: Votes = { ...LOOKING, mmioEnabled: 'need_reset' };

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'a reset': { machine: CARD, drivers: { [A]: NEEDY, [B]: LOOKING }, at: A },
  'a fundamental one': { machine: single({ needsFundamentalReset: true }), drivers: { [A]: NEEDY }, at: A },
  'a thaw': { machine: CARD, drivers: { [A]: LOOKING, [B]: LOOKING }, at: A },
  'a thaw that was not enough': { machine: single(), drivers: { [A]: CHANGES_ITS_MIND }, at: A },
  'nobody who takes part': { machine: CARD, drivers: {}, at: A },
  'somebody who cannot': { machine: CARD, drivers: { [A]: NEEDY, [B]: DEAF }, at: A },
  'a card with virtual functions': { machine: VIRTUAL, drivers: { [PF]: NEEDY, [VF1]: NEEDY }, at: PF },
  'a virtual function': { machine: VIRTUAL, drivers: { [VF1]: NEEDY, [VF2]: NEEDY }, at: VF1 },
  'a slot of a switch': { machine: SWITCH, drivers: { [LEFT]: NEEDY, [RIGHT]: NEEDY }, at: LEFT },
  'a switch with an owner below': { machine: SWITCH, drivers: { [UP]: NEEDY, [RIGHT]: NEEDY }, at: UP, passed: [LEFT] },
};
const ONLY_OPAL: Readonly<Record<string, Scenario>> = {
  'a fence': { machine: CARD, drivers: { [A]: LOOKING, [B]: LOOKING }, at: A, fenced: true },
  'a fence that nobody takes part in': { machine: CARD, drivers: {}, at: A, fenced: true },
  'a reset behind a P7IOC': {
    machine: { hostBridges: [{ ...CARD.hostBridges[0]!, model: 'p7ioc' }] },
    drivers: { [A]: NEEDY, [B]: LOOKING },
    at: A,
  },
};

/** Codes of failures; the last one of each means "come back later". */
const CODES = { opal: [-6, 1000], rtas: [-1, -8, 9902] } as const;

const DAY = 86_400_000;

interface Ran {
  readonly here: Running;
  readonly outcome?: RecoveryOutcome;
  /** Base addresses before the freeze. */
  readonly bars: ReadonlyMap<Bdf, number>;
}

const barOf = ({ hardware }: Running, bdf: Bdf): number => hardware.readConfig(bdf, PCI_HEADER.BASE_ADDRESS_0, 4);

/** What became of it; undefined: the freeze was never found, because the state could not be asked. */
async function run(scenario: Scenario, fault?: EehFault): Promise<Ran> {
  const { machine, drivers, at, fenced, passed = [] } = scenario;
  const here = await running(host({ ...machine, log: { calls: true } }), drivers);
  const bars = new Map([...here.hardware.topology.functions()].map(({ bdf }) => [bdf, barOf(here, bdf)]));
  for (const bdf of passed) await here.clock.drive(here.platform.open(bdf));
  if (fenced) here.hardware.fence(0, { reported: false });
  else here.hardware.freeze(at);
  if (fault) here.hardware.script(fault);
  for (let reads = 0; reads < 3; reads++) here.read(at);
  if (!here.platform.checkFailure(at)) return { here, bars };
  const limit = here.clock.after(DAY, () => void here.engine.close());
  const before = here.clock.monotonic();
  const [outcome] = await here.ended(1);
  limit[Symbol.dispose]();
  expect((here.clock.monotonic() - before) / 1e6).toBeLessThan(DAY);
  return { here, bars, outcome: outcome! };
}

/** How often each call is made when nothing fails, from the freeze on. */
async function callsOf(scenario: Scenario): Promise<ReadonlyMap<FirmwareCall, number>> {
  const { here, outcome } = await run(scenario);
  expect(outcome!.result).toBe('recovered');
  const counts = new Map<FirmwareCall, number>();
  for (const { call } of factsOf(here.hardware, 'call'))
    counts.set(call as FirmwareCall, (counts.get(call as FirmwareCall) ?? 0) + 1);
  await here.clock.drive(here.engine.close());
  return counts;
}

/** DMA was never let go while registers were stopped (R4.5), by the log of the hardware. */
function dmaNeverFirst(log: readonly EehFact[]): void {
  const stopped = new Set<string>();
  for (const fact of log) {
    if (fact.kind === 'frozen' && fact.mmio) stopped.add(`${fact.phb} ${fact.pe}`);
    if (fact.kind !== 'thawed') continue;
    const name = `${fact.phb} ${fact.pe}`;
    if (fact.what === 'mmio') stopped.delete(name);
    else expect(stopped).not.toContain(name);
  }
}

/** What nobody does to a PE whose freeze was not found. */
const TOUCHES: ReadonlySet<string> = new Set(['thawed', 'reset_begin', 'removed', 'log_collected']);

/** What must be true of the hardware, whatever failed. */
function check({ here, outcome, bars }: Ran, { passed = [] }: Scenario, fault: EehFault): void {
  const { hardware } = here;
  // It says that all is well: nobody can know better.
  if (fault.fault === 'call_ignored' && fault.call === 'freezeStatus') return;
  dmaNeverFirst(hardware.log);
  // A firmware that is deaf to being asked for a freeze cannot be helped.
  const obeys = !('call' in fault && fault.call === 'freezeSet');
  const reached = new Set(factsOf(hardware, 'reset_end').flatMap(({ functions }) => functions));
  for (const bdf of passed)
    if (obeys && reached.has(bdf)) expect([bdf, hardware.frozen(bdf)]).toEqual([bdf, { mmio: true, dma: true }]);
  if (!outcome) return void expect(hardware.log.filter(({ kind }) => TOUCHES.has(kind))).toEqual([]);
  const open = factsOf(hardware, 'reset_begin').length - factsOf(hardware, 'reset_end').length;
  if (outcome.result === 'recovered') {
    for (const { bdf } of outcome.usable) {
      expect([bdf, hardware.frozen(bdf), hardware.answers(bdf)]).toEqual([bdf, { mmio: false, dma: false }, true]);
      expect([bdf, barOf(here, bdf)]).toEqual([bdf, bars.get(bdf)]);
    }
    expect(open).toBe(0);
  } else {
    expect([outcome.result, outcome.usable]).toEqual(['disconnected', []]);
    const vf = outcome.scope.members.every(({ bdf }) => hardware.topology.get(bdf)?.physicalFunction);
    if (!vf) for (const { bdf } of outcome.scope.members) expect(hardware.topology.get(bdf)).toBeUndefined();
    expect(here.calls.filter((call) => /(slotReset|resume)/.test(call)).at(-1) ?? '').not.toContain('resume');
  }
}

const faultsOf = (flavour: (typeof FLAVOURS)[number], call: FirmwareCall, count: number): EehFault[] =>
  Array.from({ length: count }, (_, skip) => skip).flatMap((skip) => [
    ...CODES[flavour].flatMap((rc): EehFault[] => [
      { fault: 'call_fails', call, rc, skip, times: 1 },
      { fault: 'call_fails', call, rc, skip },
    ]),
    { fault: 'call_ignored', call, skip, times: 1 },
    { fault: 'call_ignored', call, skip },
  ]);

describe.each(FLAVOURS)('on %s, whichever call of firmware fails, at whichever time, once or for ever', (firmware) => {
  const scenarios = { ...SCENARIOS, ...(firmware === 'opal' && ONLY_OPAL) };

  it.each(Object.entries(scenarios))(
    '%s comes to an end, and nothing is handed back in a state that nobody knows',
    async (_, given) => {
      const scenario = { ...given, machine: { ...given.machine, firmware } };
      // On pSeries no PE can be frozen again, and a reset above thaws it.
      const checked = firmware === 'rtas' ? { ...scenario, passed: [] } : scenario;
      const results: Record<string, number> = { recovered: 0, disconnected: 0 };
      for (const [call, count] of await callsOf(scenario)) {
        for (const fault of faultsOf(firmware, call, count)) {
          const result = await run(scenario, fault);
          try {
            check(result, checked, fault);
          } catch (error) {
            throw new Error(`${JSON.stringify(fault)}: ${(error as Error).message}`, { cause: error });
          }
          await result.here.clock.drive(result.here.engine.close());
          result.here.clock.advance(10_000);
          expect(result.here.clock.pending).toBe(0);
          results[result.outcome?.result ?? 'not_found'] = (results[result.outcome?.result ?? 'not_found'] ?? 0) + 1;
        }
      }
      for (const seen of ['recovered', 'disconnected']) expect([seen, results[seen]! > 5]).toEqual([seen, true]);
    },
    120_000,
  );

  const HARDWARE_FAULTS = ['never_ready', 'pulled_at_reset', 'freezes_when_ready', 'not_found'] as const;

  it.each(
    Object.entries(scenarios).flatMap(([name, given]) => HARDWARE_FAULTS.map((fault) => [name, fault, given] as const)),
  )(
    '%s with %s comes to an end with every reset taken back, and only who is there is handed back',
    async (_, fault, given) => {
      for (const times of [1, Infinity]) {
        const { here, outcome } = await run(
          { ...given, machine: { ...given.machine, firmware } },
          { fault, bdf: given.at, times },
        );
        dmaNeverFirst(here.hardware.log);
        for (const { bdf, generation } of outcome!.usable) {
          expect(here.hardware.topology.get(bdf)).toBeDefined();
          expect(here.hardware.generationOf(bdf)).toBe(generation);
        }
        expect(factsOf(here.hardware, 'reset_begin')).toHaveLength(factsOf(here.hardware, 'reset_end').length);
        await here.clock.drive(here.engine.close());
      }
    },
  );
});
