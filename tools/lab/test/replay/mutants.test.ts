import { isReturn, type KernelMoment, type RecordedStep } from '../../src/replay/kernel-recoveries.js';
import { replay } from '../../src/replay/replay.js';
import { momentsOf, momentText, RECORDED, recorded, withMoments } from './recorded.js';

/** One wrong trace, and what is wrong with it. */
type Mutant = readonly [what: string, step: RecordedStep];

/** What only leads from aer_root_reset to the reset of the bus, or back from it, is not compared. */
const compared = (moment: KernelMoment): boolean =>
  moment.function !== 'pci_bus_error_reset' &&
  !(isReturn(moment) && moment.function === 'pci_bridge_secondary_bus_reset');

const DETECTING = /^report_(?:normal|frozen)_detected$/;

/** The walk that a moment belongs to. */
const walkAt = (moments: readonly KernelMoment[], at: number): string =>
  moments.slice(0, at + 1).findLast(({ function: name }) => name.startsWith('report_'))?.function ?? '';

const at = <T>(list: readonly T[], place: number, ...instead: readonly T[]): T[] =>
  list.toSpliced(place, 1, ...instead);

/** Every place of a step's trace that is compared, changed in one way. */
function changed(
  step: RecordedStep,
  change: (
    moment: KernelMoment,
    moments: readonly KernelMoment[],
    place: number,
  ) => readonly KernelMoment[] | undefined,
): readonly Mutant[] {
  const moments = momentsOf(step);
  return moments.flatMap((moment, place): Mutant[] => {
    if (!compared(moment)) return [];
    const instead = change(moment, moments, place);
    return instead ? [[`${place + 1}: ${momentText(moment)}`, withMoments(step, at(moments, place, ...instead))]] : [];
  });
}

/** A field with another of the kernel's numbers in it, each in turn. */
const otherNumbers = (moment: KernelMoment, field: string, most: number): readonly KernelMoment[] =>
  Array.from({ length: most }, (_, number) => number + 1)
    .filter((number) => number !== Number(moment.fields[field]))
    .map((number) => ({ ...moment, fields: { ...moment.fields, [field]: number } }));

/** Several mutants for one place. */
const each = (
  step: RecordedStep,
  others: (moment: KernelMoment, walk: string) => readonly KernelMoment[],
): Mutant[] => {
  const moments = momentsOf(step);
  return moments.flatMap((moment, place) =>
    others(moment, walkAt(moments, place)).map((other, n): Mutant => [
      `${place + 1}/${n}: ${momentText(moment)}`,
      withMoments(step, at(moments, place, other)),
    ]),
  );
};

function swapped(step: RecordedStep): readonly Mutant[] {
  const moments = momentsOf(step);
  return moments.slice(1).flatMap((moment, place): Mutant[] => {
    const before = moments[place]!;
    if (!compared(before) || !compared(moment) || before.thread !== moment.thread) return [];
    const turned = [...moments.slice(0, place), moment, before, ...moments.slice(place + 2)];
    return [[`${place + 1}: ${momentText(before)} after ${momentText(moment)}`, withMoments(step, turned)]];
  });
}

/** Each element of a list of the evidence changed; undefined: left out. */
function listed<Name extends 'aerEvents' | 'uevents' | 'log' | 'functions'>(
  name: Name,
  change: (one: RecordedStep[Name][number]) => RecordedStep[Name][number] | undefined,
): (step: RecordedStep) => readonly Mutant[] {
  return (step) =>
    step[name].map((one, place): Mutant => {
      const other = change(one);
      const list = at<RecordedStep[Name][number]>(step[name], place, ...(other === undefined ? [] : [other]));
      return [`${name} ${place + 1}`, { ...step, [name]: list }];
    });
}

const ELSEWHERE = '0000:00:1f.7' as KernelMoment['bdf'] & string;

const WRONG: Readonly<Record<string, (step: RecordedStep) => readonly Mutant[]>> = {
  'two moments swapped': swapped,
  'a moment left out': (step) => changed(step, () => []),
  'a moment doubled': (step) => changed(step, (moment) => [moment, moment]),
  'another function': (step) => changed(step, (moment) => [{ ...moment, bdf: ELSEWHERE }]),
  'another vote': (step) => each(step, (moment) => ('vote' in moment.fields ? otherNumbers(moment, 'vote', 6) : [])),
  // error_detected(perm_failure) is only told: what it answers is for nobody.
  'another answer of a driver': (step) =>
    each(step, (moment, walk) => {
      if (!isReturn(moment) || !/vfio|portdrv|e1000/.test(moment.function)) return [];
      if (walk === 'report_perm_failure_detected') return [];
      // Who abstains after a reset changes nothing: "recovered" is where that walk starts from.
      const same = moment.function === 'e1000_io_slot_reset' ? [moment.result, 1] : [moment.result];
      return [1, 2, 3, 4, 5, 6].flatMap((result) => (same.includes(result) ? [] : { ...moment, result }));
    }),
  // Whatever is not "recovered" is a failure: which one it is, only the kernel can know; and what has failed already fails.
  'a reset that ended otherwise': (step) =>
    each(step, (moment) =>
      isReturn(moment) && moment.function === 'aer_root_reset' && !step.calls.some(({ fields }) => fields['vote'] === 6)
        ? [0, 1, 2, 3, 4, 5, 6].flatMap((result) =>
            (moment.result === 5) === (result === 5) ? [] : { ...moment, result },
          )
        : [],
    ),
  'a recovery that returned something else': (step) =>
    each(step, (moment) =>
      isReturn(moment) && moment.function === 'pcie_do_recovery'
        ? [0, 1, 2, 3, 4, 5, 6].filter((result) => result !== moment.result).map((result) => ({ ...moment, result }))
        : [],
    ),
  // What a channel was before the step is believed, and that somebody else took a function away.
  'another state of a channel': (step) =>
    each(step, (moment) =>
      'channel' in moment.fields && !DETECTING.test(moment.function) ? otherNumbers(moment, 'channel', 2) : [],
    ),
  'a function that is lost, but called': (step) =>
    each(step, (moment) =>
      DETECTING.test(moment.function) ? [{ ...moment, fields: { ...moment.fields, channel: 3 } }] : [],
    ),
  'another state told to a driver': (step) =>
    each(step, (moment) =>
      'state' in moment.fields && moment.function !== 'pcie_do_recovery' ? otherNumbers(moment, 'state', 3) : [],
    ),
  'a reset too many': (step) =>
    changed(step, (moment) => {
      if (!isReturn(moment) || moment.function !== 'aer_root_reset') return undefined;
      const { result: _, ...call } = moment;
      return [{ ...call, function: 'pci_bridge_secondary_bus_reset' }, moment];
    }),
  'a call that nobody knows': (step) =>
    changed(step, (moment) =>
      moment.function === 'report_resume' ? [moment, { ...moment, function: 'f' }] : undefined,
    ),
  'another severity': listed('aerEvents', (one) => ({
    ...one,
    severity: one.severity === 'fatal' ? 'nonfatal' : 'fatal',
  })),
  'an error that was not reported': listed('aerEvents', () => undefined),
  'a uevent left out': listed('uevents', () => undefined),
  'another uevent': listed('uevents', (one) => ({ ...one, event: `NO_${one.event}` })),
  'a uevent of somebody else': listed('uevents', (one) => ({ ...one, bdf: ELSEWHERE })),
  'an ending left out of the log': listed('log', () => undefined),
  'another ending in the log': listed('log', (one) => ({
    ...one,
    kind: (one.kind === 'recovery_failed' ? 'recovery_succeeded' : 'recovery_failed') as never,
  })),
};

describe('a wrong trace is found to be different', () => {
  const mutants = Object.entries(WRONG).flatMap(([wrong, make]) =>
    RECORDED.map((name) => [wrong, name, make(recorded(name))] as const).filter(([, , made]) => made.length > 0),
  );

  it('whatever is wrong with it', () => {
    expect([...new Set(mutants.map(([wrong]) => wrong))]).toEqual(Object.keys(WRONG));
  });

  it.each(mutants)('%s: %s', (_, _name, made) => {
    const survivors = made.flatMap(([what, step]) => (replay(step).differences.length === 0 ? [what] : []));
    expect(survivors).toEqual([]);
  });
});
