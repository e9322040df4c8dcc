import {
  type Answer,
  type NotifyStep,
  type OperateStep,
  type OperationResult,
  type RecoveryProcedure,
  type Step,
} from '@pci-recovery/core';
import { aerHostProcedure } from '@pci-recovery/aer';
import { replay } from '../../src/replay/replay.js';
import { RECORDED, recorded } from './recorded.js';

type Edit = (step: Step) => Step;

/** Our procedure with every step edited. */
function edited(edit: Edit): RecoveryProcedure {
  const through = (step: Step): Step => {
    const one = edit(step);
    if (one.do === 'end') return one;
    if (one.do === 'operate') return { ...one, then: (result: OperationResult) => through(one.then(result)) };
    return { ...one, then: (answers: readonly Answer[]) => through(one.then(answers)) };
  };
  return { ...aerHostProcedure, begin: (input) => through(aerHostProcedure.begin(input)) };
}

const notify =
  (callback: NotifyStep['callback'], change: (step: NotifyStep) => Step): Edit =>
  (step) =>
    step.do === 'notify' && step.callback === callback ? change(step) : step;

const operate =
  (name: string, change: (step: OperateStep) => Step): Edit =>
  (step) =>
    step.do === 'operate' && step.operation.name === name ? change(step) : step;

/** Nobody voted. */
const abstained = ({ to }: NotifyStep): readonly Answer[] =>
  to.map((device) => ({ ...device, gave: 'nothing', why: 'no_callback' }));

/** What could be wrong with our procedure, and recorded steps in which that shows, at least. */
const WRONG: readonly (readonly [what: string, edit: Edit, shows: readonly string[]])[] = [
  [
    'mmio_enabled is left out',
    notify('mmioEnabled', (step) => step.then(abstained(step))),
    ['nonfatal', 'fatal', 'port'],
  ],
  [
    'mmio_enabled comes with a working channel already',
    notify('mmioEnabled', (step) => ({ ...step, callback: 'slotReset', channel: 'normal' })),
    ['nonfatal', 'fatal'],
  ],
  [
    'slot_reset is left out',
    notify('slotReset', (step) => step.then(abstained(step))),
    ['upstream-fatal', 'wants-reset'],
  ],
  [
    'slot_reset leaves the channel frozen',
    notify('slotReset', (step) => ({ ...step, channel: 'frozen' })),
    ['upstream-fatal'],
  ],
  ['resume is left out', notify('resume', (step) => step.then(abstained(step))), ['nonfatal', 'wants-reset']],
  [
    'nobody hears that it failed',
    notify('errorDetected', (step) => (step.at === 'perm_failure' ? step.then([]) : step)),
    [...['no-callback', 'driverless-sibling', 'reset-fails', 'undriven-endpoint', 'fails-again']],
  ],
  [
    'failure is told as frozen',
    notify('errorDetected', (step) => (step.at === 'perm_failure' ? { ...step, channel: 'frozen' } : step)),
    [...['no-callback', 'reset-fails']],
  ],
  [
    'the walk goes backwards',
    notify('resume', (step) => ({ ...step, to: [...step.to].reverse() })),
    [...['two-functions', 'upstream-fatal', 'undriven-port']],
  ],
  [
    'a walk forgets the last one',
    notify('resume', (step) => ({ ...step, to: step.to.slice(0, -1) })),
    ['nonfatal', 'two-functions'],
  ],
  [
    'nothing is reset',
    operate('reset_subordinates', (step) => step.then({ ok: true })),
    ['fatal', 'wants-reset', 'empty-port'],
  ],
  [
    'a failed reset is overlooked',
    operate('reset_subordinates', (step) => ({ ...step, then: () => step.then({ ok: true }) })),
    [...['reset-fails']],
  ],
  ['it is reset again and again', operate('reset_subordinates', (step) => ({ ...step, then: () => step })), ['fatal']],
  ['the status is not cleared', operate('clear_status', (step) => step.then({ ok: true })), ['nonfatal', 'port']],
  [
    'it ends without success',
    (step) => (step.do === 'end' ? { ...step, result: 'disconnected' } : step),
    ['nonfatal', 'fatal'],
  ],
];

describe('a wrong procedure is found to be different', () => {
  it.each(WRONG)('%s', (_, edit, shows) => {
    const differs = (name: string): boolean => replay(recorded(name), edited(edit)).differences.length > 0;
    expect(shows.filter((name) => !differs(name))).toEqual([]);
  });

  it('and the right one is not, edited or not', () => {
    const same = RECORDED.filter(
      (name) =>
        replay(
          recorded(name),
          edited((step) => step),
        ).differences.length === 0,
    );
    expect(same).toEqual(RECORDED);
  });
});
