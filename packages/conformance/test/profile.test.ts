import { ERS_RESULTS } from '@pci-recovery/core';
import {
  aerOwnerProfile,
  aerProfile,
  CASES,
  eehProfile,
  eehPseriesProfile,
  expectation,
  type Expectation,
  type PlatformProfile,
  type RecoveringIncident,
  type Script,
  type Situation,
  type Stage,
  zpciProfile,
} from '../src/index.js';

const PROFILES: readonly PlatformProfile[] = [aerProfile, aerOwnerProfile, eehProfile, eehPseriesProfile, zpciProfile];

const nextOf = (stage: Stage): string[] => {
  if (stage.do === 'vote') return Object.values(stage.next);
  if (stage.do === 'tell' || stage.do === 'say') return [stage.next];
  return stage.do === 'act' ? [stage.ok, stage.failed, ...(stage.needs ? [stage.needs.otherwise] : [])] : [];
};

const incidentsOf = (profile: PlatformProfile): [string, RecoveringIncident][] =>
  Object.entries(profile.incidents).flatMap(([name, one]) => (one.recovers ? [[name, one]] : []));

describe.each(PROFILES.map((profile) => [profile.name, profile] as const))('the law "%s"', (_, profile) => {
  it.each(incidentsOf(profile))(
    'of "%s" leads from every stage to stages that are there, and reaches all',
    (name, law) => {
      const held = profile.held?.own[name];
      const reached = new Set([law.first, law.givenUp, ...(held ? [held] : [])]);
      for (const stage of reached) {
        expect(Object.keys(law.stages)).toContain(stage);
        for (const next of nextOf(law.stages[stage]!)) reached.add(next);
      }
      expect([...reached].sort()).toEqual(Object.keys(law.stages).sort());
    },
  );

  it('has layouts whose scopes and lanes speak of their own functions', () => {
    for (const { functions, scopes, lanes, resets = {} } of Object.values(profile.layouts)) {
      const known = Object.keys(functions);
      for (const [at, members] of [...Object.entries(scopes), ...Object.entries(resets)]) {
        expect(known).toEqual(expect.arrayContaining([at, ...members]));
        expect(new Set(members).size).toBe(members.length);
      }
      expect(Object.keys(lanes).sort()).toEqual(Object.keys(scopes).sort());
    }
  });

  it('surveys find incidents that it knows', () => {
    for (const name of profile.surveyFinds) expect(Object.keys(profile.incidents)).toContain(name);
  });
});

describe('the suite', () => {
  it('has at least 40 cases, each with an id of its own, of the form group.what-holds', () => {
    const ids = CASES.map(({ id }) => id);
    expect(ids.length).toBeGreaterThanOrEqual(40);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[a-z]+\.[a-z]+(-[a-z]+)*$/);
  });

  it('cites demands by their ids, and has cases at every level', () => {
    for (const { demands } of CASES) for (const demand of demands) expect(demand).toMatch(/^R[1-5]\.\d{1,2}$/);
    expect([...new Set(CASES.map(({ level }) => level))].sort()).toEqual([0, 1, 2, 3, 4]);
  });
});

const aer = (
  incident: string,
  at: string,
  layout: string,
  script: Script,
  more: Partial<Situation> = {},
): Expectation =>
  expectation({ profile: aerProfile, incident, at, layout, script, sees: ['reset', 'status_cleared'], ...more });

describe('reading the AER law (Linux 7.3 drivers/pci/pcie/err.c)', () => {
  it('resets a frozen channel without slot_reset when everybody can recover', () => {
    const { timeline, result } = aer('fatal', 'a', 'single', {});
    expect(timeline).toEqual(['a.errorDetected(frozen)', 'a.mmioEnabled', 'reset(a)', 'a.resume']);
    expect(result).toBe('recovered');
  });

  it('lets a switch port’s need_reset bring slot_reset to everybody', () => {
    const { timeline } = aer('fatal', 'top', 'nested', {});
    expect(timeline).toEqual([
      'a.errorDetected(frozen)',
      'b.errorDetected(frozen)',
      'reset(a b dp1 dp2 up)',
      'a.slotReset',
      'b.slotReset',
      'a.resume',
      'b.resume',
      'status_cleared(top)',
    ]);
  });

  it('has a switch port that detected the error clear its own status in slot_reset, once', () => {
    const { timeline } = aer('fatal', 'up', 'nested', {});
    expect(timeline.slice(2, 4)).toEqual(['reset(a b dp1 dp2 up)', 'status_cleared(up)']);
    expect(timeline.filter((token) => token.startsWith('status_cleared'))).toHaveLength(1);
    expect(aer('fatal', 'up', 'nested', {}, { lacking: ['native_aer'] }).timeline.join()).not.toMatch(/status_cleared/);
  });

  it('fails {no_aer_driver, can_recover}, resets in vain on frozen, and emits no uevent for the driverless vote', () => {
    const { timeline, result, uevents } = aer('fatal', 'a', 'pair', { b: null });
    expect(timeline).toEqual(['a.errorDetected(frozen)', 'reset(a b)', 'a.errorDetected(perm_failure)']);
    expect(result).toBe('disconnected');
    expect(uevents).toEqual(['a: BEGIN_RECOVERY', 'a: FAILED_RECOVERY', 'b: FAILED_RECOVERY']);
  });

  it('upgrades disconnect by need_reset in either order', () => {
    for (const [a, b] of [
      ['disconnect', 'need_reset'],
      ['need_reset', 'disconnect'],
    ] as const) {
      const { result, usable } = aer('nonfatal', 'a', 'pair', { a: { errorDetected: a }, b: { errorDetected: b } });
      expect([result, usable]).toEqual(['recovered', ['a', 'b']]);
    }
  });

  it('leaves a channel frozen that failed before slot_reset, and normal after it', () => {
    const gaveUp = aer('fatal', 'a', 'single', { a: { errorDetected: 'disconnect' } });
    const late = aer('fatal', 'a', 'single', { a: { errorDetected: 'need_reset', slotReset: 'disconnect' } });
    expect([gaveUp.channels, late.channels]).toEqual([{ a: 'frozen' }, { a: 'normal' }]);
  });

  it('clears no status without control of AER', () => {
    const { timeline, result } = aer('nonfatal', 'a', 'single', {}, { lacking: ['native_aer'] });
    expect(timeline.at(-1)).toBe('a.resume');
    expect(result).toBe('recovered');
  });
});

/** Shapes of other platforms' laws: what their profiles will need to say. */
const law = (stages: RecoveringIncident['stages'], first = 'detect'): PlatformProfile => ({
  ...aerProfile,
  name: 'shape',
  merge: Object.fromEntries(
    ERS_RESULTS.map((old) => [old, Object.fromEntries(ERS_RESULTS.map((one) => [one, one]))]),
  ) as PlatformProfile['merge'],
  incidents: { it: { severity: 'fatal', recovers: true, first, givenUp: 'lost', stages } },
});
const everywhere = (stage: string) =>
  Object.fromEntries(ERS_RESULTS.map((vote) => [vote, stage])) as Record<(typeof ERS_RESULTS)[number], string>;
const DETECT = {
  do: 'vote',
  callback: 'errorDetected',
  channel: 'frozen',
  sets: 'frozen',
  reaches: 'everybody',
  start: 'none',
  missing: { endpoint: 'abstains', bridge: 'abstains' },
} as const;
const LOST = { do: 'end', result: 'disconnected', usable: 'nobody' } as const;
const WELL = { do: 'end', result: 'recovered', usable: 'sound' } as const;

describe('laws of other shapes fit', () => {
  it('EEH: insensitive functions are unplugged for the reset, and strangers for the rest of the recovery', () => {
    const profile = law({
      detect: { ...DETECT, next: everywhere('reset') },
      reset: {
        do: 'act',
        act: 'reset',
        evidence: { kind: 'reset', of: 'reset_set' },
        replugs: 'insensitive',
        sets: 'normal',
        ok: 'set_up',
        failed: 'lost',
      },
      set_up: {
        ...DETECT,
        callback: 'slotReset',
        channel: 'normal',
        sets: 'normal',
        reaches: 'answered_before',
        next: everywhere('resume'),
      },
      resume: { do: 'tell', callback: 'resume', channel: 'normal', reaches: 'answered_before', next: 'well' },
      well: WELL,
      lost: LOST,
    });
    const script: Script = { a: { errorDetected: 'need_reset' }, b: { slotReset: 'absent' } };
    const { timeline } = expectation({ profile, incident: 'it', at: 'a', layout: 'pair', script, sees: ['reset'] });
    expect(timeline).toEqual([
      'a.errorDetected(frozen)',
      'b.errorDetected(frozen)',
      'reset(a b)',
      'a.slotReset',
      'a.resume',
    ]);
  });

  it('zPCI: load/store is unblocked before looking, a failure of that turns to the reset, a mediated recovery is handed over', () => {
    const stages = {
      detect: { ...DETECT, next: everywhere('unblock') },
      unblock: {
        do: 'act',
        act: 'unblock',
        evidence: { kind: 'access_enabled', of: 'detector' },
        ok: 'look',
        failed: 'reset',
      },
      look: { ...DETECT, callback: 'mmioEnabled', next: everywhere('handed_over') },
      reset: { do: 'act', act: 'reset', evidence: { kind: 'reset', of: 'detector' }, ok: 'failed', failed: 'failed' },
      handed_over: { do: 'end', result: 'handed_over', usable: 'nobody' },
      failed: { do: 'say', uevent: 'FAILED_RECOVERY', next: 'lost' },
      lost: LOST,
    } as const;
    const situation = {
      profile: law(stages),
      incident: 'it',
      at: 'a',
      layout: 'single',
      script: {},
      sees: ['reset', 'access_enabled'],
    } as const;
    expect(expectation(situation)).toMatchObject({
      timeline: ['a.errorDetected(frozen)', 'access_enabled(a)', 'a.mmioEnabled'],
      result: 'handed_over',
    });
    expect(expectation({ ...situation, broken: new Set(['unblock']) })).toMatchObject({
      timeline: ['a.errorDetected(frozen)', 'reset(a)'],
      uevents: ['a: BEGIN_RECOVERY', 'a: FAILED_RECOVERY'],
    });
  });

  it('refuses a law that goes round in circles, or leads nowhere', () => {
    const circle = law({ detect: { ...DETECT, next: everywhere('detect') }, lost: LOST });
    const nowhere = law({ detect: { ...DETECT, next: everywhere('nowhere') }, lost: LOST });
    const read = (profile: PlatformProfile) => () =>
      expectation({ profile, incident: 'it', at: 'a', layout: 'single', script: {}, sees: [] });
    expect(read(circle)).toThrow(/circles/);
    expect(read(nowhere)).toThrow(/no stage "nowhere"/);
  });
});
