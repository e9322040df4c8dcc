import { ERS_RESULTS, parseBdf, type ErsResult, type RecoveryOutcome } from '@pci-recovery/core';
import { AER } from '@pci-recovery/pci';
import { restoreConfig, saveConfig } from '../../src/index.js';
import { factsOf, host, operated, readAer, running, WORKING, type Machine, type Running } from './host.js';

const ROOT = parseBdf('00:06.0');
const FIRST = parseBdf('01:00.0');
const SECOND = parseBdf('01:00.1');
const MACHINE: Machine = {
  rootPorts: [
    {
      kind: 'root_port',
      bdf: ROOT,
      below: [
        { kind: 'endpoint', bdf: FIRST, onFatal: 'frozen' },
        { kind: 'endpoint', bdf: SECOND },
      ],
    },
  ],
};

/** How many resets the trace says there were, and how many the buses saw. */
const resets = (here: Running, outcome: RecoveryOutcome): [trace: number, bus: number] => [
  operated(outcome).filter((name) => name === 'reset_subordinates').length,
  factsOf(here.hardware, 'secondary_bus_reset_asserted').length,
];

async function recover(
  severity: 'fatal' | 'nonfatal',
  votes: readonly [ErsResult, ErsResult],
): Promise<[Running, RecoveryOutcome]> {
  const [first, second] = votes;
  const here = await running(host(MACHINE), {
    [FIRST]: { ...WORKING, errorDetected: first },
    [SECOND]: { ...WORKING, errorDetected: second },
  });
  here.hardware.detect(FIRST, { error: severity === 'fatal' ? 'MALF_TLP' : 'COMP_TIME' });
  const [outcome] = await here.ended(1);
  return [here, outcome!];
}

/** What two votes come to, by hand from err.c:merge_result, starting at can_recover. */
const merged = (first: ErsResult, second: ErsResult): ErsResult => {
  if (first === 'no_aer_driver' || second === 'no_aer_driver') return 'no_aer_driver';
  if (first === 'need_reset' || second === 'need_reset') return 'need_reset';
  if (first === 'disconnect') return 'disconnect';
  if (second !== 'none') return second;
  return first === 'none' ? 'can_recover' : first;
};

const PAIRS = ERS_RESULTS.flatMap((first) => ERS_RESULTS.map((second) => [first, second] as const));

describe('a non-fatal error, end to end', () => {
  it.each(PAIRS)(
    'voted %s and %s: one reset if that is need_reset, else none; trace and buses agree',
    async (...votes) => {
      const [here, outcome] = await recover('nonfatal', votes);
      const vote = merged(...votes);
      const expected = vote === 'need_reset' ? 1 : 0;
      expect(resets(here, outcome)).toEqual([expected, expected]);
      expect(outcome.result).toBe(
        ['need_reset', 'can_recover', 'recovered'].includes(vote) ? 'recovered' : 'disconnected',
      );
      expect(here.calls.filter((call) => call.startsWith('slotReset'))).toHaveLength(2 * expected);
    },
  );
});

describe('a fatal error, end to end', () => {
  it.each(PAIRS)('voted %s and %s: exactly one reset, whatever was voted (R3.5)', async (...votes) => {
    const [here, outcome] = await recover('fatal', votes);
    const vote = merged(...votes);
    expect(resets(here, outcome)).toEqual([1, 1]);
    expect(outcome.result).toBe(
      ['need_reset', 'can_recover', 'recovered'].includes(vote) ? 'recovered' : 'disconnected',
    );
    expect(here.hardware.answers(FIRST)).toBe(true);
    expect(factsOf(here.hardware, 'function_reset').map(({ bdf, cause }) => [bdf, cause])).toEqual([
      [FIRST, 'secondary_bus_reset'],
      [SECOND, 'secondary_bus_reset'],
    ]);
  });

  it("calls everybody in the order of the kernel's document (R3.4)", async () => {
    const [here, outcome] = await recover('fatal', ['need_reset', 'can_recover']);
    expect(here.calls).toEqual([
      `errorDetected ${FIRST} frozen`,
      `errorDetected ${SECOND} frozen`,
      `slotReset ${FIRST}`,
      `slotReset ${SECOND}`,
      `resume ${FIRST}`,
      `resume ${SECOND}`,
    ]);
    expect(outcome.usable.map(({ bdf }) => bdf)).toEqual([FIRST, SECOND]);
    expect(outcome.endedAt - outcome.startedAt).toBe(122e6);
  });

  it('gives nobody slot_reset when nobody voted need_reset, though there was a reset', async () => {
    const [here] = await recover('fatal', ['can_recover', 'can_recover']);
    expect(here.calls.filter((call) => call.startsWith('mmioEnabled'))).toHaveLength(2);
    expect(here.calls.filter((call) => call.startsWith('slotReset'))).toEqual([]);
  });
});

describe('a reset that fails', () => {
  it.each([
    ['the link does not come up', { fault: 'link_stays_down', bdf: ROOT }],
    ['the function is never ready', { fault: 'never_ready', bdf: FIRST }],
  ] as const)('%s: nobody resumes, everybody is told perm_failure, nobody is usable', async (_, fault) => {
    const here = await running(host(MACHINE), { [FIRST]: WORKING, [SECOND]: WORKING });
    here.hardware.script(fault);
    here.hardware.detect(FIRST, { error: 'MALF_TLP' });
    const [outcome] = await here.ended(1);
    expect(outcome).toMatchObject({ result: 'disconnected', usable: [] });
    expect(resets(here, outcome!)).toEqual([1, 1]);
    expect(here.calls.slice(2)).toEqual([
      `errorDetected ${FIRST} perm_failure`,
      `errorDetected ${SECOND} perm_failure`,
    ]);
  });

  it('that hardware ignores is seen on the buses, whatever the trace says', async () => {
    const here = await running(host(MACHINE), { [FIRST]: WORKING, [SECOND]: WORKING });
    here.hardware.script({ fault: 'reset_ignored', bdf: ROOT });
    here.hardware.detect(FIRST, { error: 'MALF_TLP' });
    const [outcome] = await here.ended(1);
    expect(resets(here, outcome!)).toEqual([1, 0]);
    expect(factsOf(here.hardware, 'reset_ignored')).toHaveLength(1);
  });
});

describe('after a recovery', () => {
  it('the detecting function has no non-fatal status and no Device Status left (err.c:pcie_do_recovery)', async () => {
    const [here] = await recover('nonfatal', ['can_recover', 'can_recover']);
    expect(readAer(here.hardware, FIRST, AER.UNCOR_STATUS)).toBe(0);
    const cleared = factsOf(here.hardware, 'status_cleared').map(({ bdf, register }) => `${bdf} ${register}`);
    expect(cleared).toEqual([`${ROOT} ROOT_STATUS`, `${FIRST} DEVICE_STATUS`, `${FIRST} UNCOR_STATUS`]);
  });

  it('without native AER all status is left to firmware', async () => {
    const here = await running(host({ ...MACHINE, nativeAer: false }), { [FIRST]: WORKING, [SECOND]: WORKING });
    here.hardware.detect(SECOND, { error: 'COMP_TIME' });
    const [outcome] = await here.ended(1);
    expect(outcome!.result).toBe('recovered');
    expect(operated(outcome!)).toEqual(['confirm_source', 'reset_subordinates']);
    expect(factsOf(here.hardware, 'status_cleared').map(({ bdf }) => bdf)).toEqual([ROOT]);
  });

  it('a driver that restores its configuration leaves a machine in which a survey finds nothing', async () => {
    const on = host(MACHINE);
    const drivers = [FIRST, SECOND].map((bdf) => {
      const saved = saveConfig(on.hardware, bdf)!;
      const slotReset = (): ErsResult => (restoreConfig(on.hardware, saved), 'recovered');
      return [bdf, { errorDetected: (): ErsResult => 'need_reset', slotReset }] as const;
    });
    const here = await running(on, Object.fromEntries(drivers));
    for (const count of [1, 2, 3]) {
      here.hardware.detect(FIRST, { error: 'MALF_TLP' });
      const outcomes = await here.ended(count);
      expect(outcomes.at(-1)!.result).toBe('recovered');
    }
    expect(await here.platform.survey({ signal: new AbortController().signal })).toEqual([]);
  });
});
