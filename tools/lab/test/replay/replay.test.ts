import { parseBdf, PciRecoveryError } from '@pci-recovery/core';
import { type RecordedStep } from '../../src/replay/kernel-recoveries.js';
import { replay } from '../../src/replay/replay.js';
import { x86 } from '../../src/machine/x86.js';
import { Findings } from '../../src/session/report.js';
import { type Evidence } from '../../src/evidence/evidence.js';
import { momentsOf, RECORDED, recorded, withMoments } from './recorded.js';

/** Recoveries of each recorded step: function and severity. */
const RECOVERIES: Readonly<Record<string, readonly string[]>> = {
  'behind-switch': ['0000:03:00.0 fatal'],
  'both-functions': ['0000:02:00.0 nonfatal', '0000:02:00.1 nonfatal'],
  'driverless-sibling': ['0000:01:00.0 fatal'],
  'empty-port': ['0000:00:04.0 fatal'],
  'fails-again': ['0000:01:00.0 fatal', '0000:00:04.0 nonfatal'],
  fatal: ['0000:01:00.0 fatal'],
  'fatal-and-nonfatal': ['0000:02:00.0 fatal', '0000:02:00.1 fatal'],
  injector: ['0000:01:00.0 fatal'],
  'no-callback': ['0000:01:00.0 nonfatal'],
  nonfatal: ['0000:01:00.0 nonfatal'],
  port: ['0000:00:04.0 fatal'],
  'reset-fails': ['0000:01:00.0 fatal'],
  'second-function': ['0000:01:00.1 nonfatal'],
  'two-functions': ['0000:01:00.0 fatal'],
  'two-ports': ['0000:02:00.0 nonfatal', '0000:01:00.0 nonfatal'],
  'undriven-endpoint': ['0000:01:00.0 fatal'],
  'undriven-port': ['0000:01:00.0 nonfatal'],
  'upstream-fatal': ['0000:01:00.0 fatal'],
  'upstream-nonfatal': ['0000:01:00.0 nonfatal'],
  'wants-reset': ['0000:00:04.0 nonfatal'],
  'wants-reset-fatal': ['0000:00:04.0 fatal'],
};

/** Two recoveries of two threads, moment by moment in turn. */
function interleaved(step: RecordedStep): RecordedStep {
  const moments = momentsOf(step);
  const [first, second] = [...new Set(moments.map(({ thread }) => thread))];
  const of = (thread: number | undefined) => moments.filter((moment) => moment.thread === thread);
  const [one, other] = [of(first), of(second)];
  const longer = Array.from({ length: Math.max(one.length, other.length) }, (_, at) => [one[at], other[at]]);
  return withMoments(
    step,
    longer.flat().filter((moment) => moment !== undefined),
  );
}

describe('the host procedure, given what the kernel found', () => {
  it('is held against every recorded step', () => expect(Object.keys(RECOVERIES)).toEqual(RECORDED));

  it.each(RECORDED)('does as the kernel did, in the same order: %s', (name) => {
    const { recoveries, differences } = replay(recorded(name));
    expect(differences).toEqual([]);
    expect(recoveries.map(({ device, severity }) => `${device} ${severity}`)).toEqual(RECOVERIES[name]);
  });

  it('compares everything from the first walk to the end', () => {
    const compared = (name: string): readonly number[] => replay(recorded(name)).recoveries.map((one) => one.compared);
    // walk, call, answer, vote, uevent; walk; reset, bus reset, its end; walk, uevent; two clears; end.
    expect(compared('fatal')).toEqual([14]);
    // Only the end of the reset, and that of the recovery, are the same with nobody below: three, two clears, the end.
    expect(compared('empty-port')).toEqual([6]);
  });

  it('does not mind that recoveries of two root ports run at the same time', () => {
    expect(replay(interleaved(recorded('two-ports'))).differences).toEqual([]);
  });

  it('minds when those of one root port do', () => {
    const step = recorded('both-functions');
    const moments = momentsOf(step);
    const second = moments.findLastIndex(
      (moment) => moment.function === 'pcie_do_recovery' && 'state' in moment.fields,
    );
    const twoThreads = moments.map((moment, at) => (at >= second ? { ...moment, thread: 1 } : moment));
    expect(replay(withMoments(step, twoThreads)).differences).toEqual([]);
    expect(replay(interleaved(withMoments(step, twoThreads))).differences).toContainEqual({
      of: 'lane of recovery 2, nonfatal error of 0000:02:00.1',
      position: 1,
      ours: 'nothing more',
      kernel: 'a recovery of 0000:02:00.0 that was still running',
    });
  });

  it('has nothing to say of a step without recovery', () => {
    const nothing: RecordedStep = { functions: [], calls: [], returns: [], aerEvents: [], uevents: [], log: [] };
    expect(replay(nothing)).toEqual({ recoveries: [], differences: [] });
  });

  it('starts from channels as an earlier recovery left them, and knows them itself from then on', () => {
    const step = recorded('both-functions');
    const moments = momentsOf(step).map((moment) => {
      return moment.function === 'report_normal_detected' ? { ...moment, fields: { channel: 2 } } : moment;
    });
    const { differences } = replay(withMoments(step, moments));
    // The first recovery found them frozen and left them normal: the second cannot find them frozen again.
    expect(differences.map(({ of }) => of)).toEqual(['recovery 2, nonfatal error of 0000:02:00.1']);
    expect(differences[0]?.ours).toContain('channel normal');
  });

  it('refuses a driver of which it knows nothing', () => {
    const step = recorded('nonfatal');
    const functions = step.functions.map((fn) => (fn.driver === 'vfio-pci' ? { ...fn, driver: 'nvme' } : fn));
    expect(() => replay({ ...step, functions })).toThrow(/which error callbacks the driver nvme has/);
    expect(() => replay({ ...step, functions })).toThrow(PciRecoveryError);
  });
});

describe('a difference', () => {
  it('says where, what ours does and what the kernel did', () => {
    const step = recorded('two-functions');
    const moments = [...momentsOf(step)];
    const [first, second] = moments.flatMap(({ function: name }, at) => (name === 'report_mmio_enabled' ? at : []));
    [moments[first!], moments[second!]] = [moments[second!]!, moments[first!]!];
    expect(replay(withMoments(step, moments)).differences).toEqual([
      {
        of: 'recovery 1, fatal error of 0000:01:00.0',
        position: 11,
        ours: 'walk mmio_enabled 0000:01:00.0, channel frozen',
        kernel: 'walk mmio_enabled 0000:01:00.1, channel frozen',
      },
    ]);
  });

  it('makes the check of a step fail, whichever scenario it is of', () => {
    const holds = (step: RecordedStep): readonly boolean[] => {
      const findings = new Findings();
      x86.checkStep!(step as Evidence, findings);
      return findings.checks.map((check) => check.holds);
    };
    const step = recorded('nonfatal');
    expect(holds(step)).toEqual([true]);
    expect(holds({ ...step, uevents: [] })).toEqual([false]);
  });

  it('is not looked for where nothing was recovered', () => {
    const findings = new Findings();
    x86.checkStep!({ ...recorded('nonfatal'), calls: [], returns: [], log: [], uevents: [] } as never, findings);
    expect(findings).toMatchObject({ checks: [], facts: {} });
  });

  it('is counted over all steps of a scenario', () => {
    const findings = new Findings();
    for (const name of ['fatal', 'empty-port']) x86.checkStep!(recorded(name) as Evidence, findings);
    expect(findings.facts).toEqual({ 'happenings replayed': 20 });
  });

  it('is told when a recovery has not ended, and when it was not reported', () => {
    const step = recorded('nonfatal');
    const kernel = (changed: Partial<RecordedStep>): readonly string[] =>
      replay({ ...step, ...changed }).differences.map((difference) => difference.kernel);
    expect(kernel({ log: [] })).toEqual(['no end within the step']);
    expect(kernel({ aerEvents: [] })).toContain(`a recovery of ${parseBdf('01:00.0')}`);
  });
});
