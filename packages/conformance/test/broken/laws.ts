import { type Answer } from '@pci-recovery/core';
import { type Harness, type PlatformProfile, type RecoveringIncident, type Stage } from '../../src/index.js';
import { referenceHarness, referenceProfile } from '../reference/harness.js';
import { brokenPlatform, rewritten, type Broken } from './broken.js';

/** A law like the reference backend's own, but for something that it does not do. */
const underLaw = (
  does: string,
  law: Partial<PlatformProfile>,
  more: Partial<Harness>,
  ...caughtBy: string[]
): Broken => ({
  does,
  harness: referenceHarness({}, { profile: { ...referenceProfile, ...law }, ...more }),
  caughtBy,
});

/** The incidents of the law with something changed. */
const incidents = (change: (incident: RecoveringIncident) => RecoveringIncident): PlatformProfile['incidents'] =>
  Object.fromEntries(
    Object.entries(referenceProfile.incidents).map(([name, one]) => [name, one.recovers ? change(one) : one]),
  );

const patient = (stage: Stage): Stage => (stage.do === 'act' && stage.act === 'reset' ? { ...stage, tries: 2 } : stage);

/** Subjects that somebody can hold, which changes nothing. */
const holdable: Partial<Harness> = {
  abilities: ['unplug', 'replug', 'garble', 'probe', 'hold'],
  create: async (options) => ({
    ...(await referenceHarness().create(options)),
    hold: () => undefined,
    nextRecord: () => undefined,
  }),
};

const PURGES = { same: 'queue_and_purge', inside: 'queue_and_purge', wider: 'queue_and_purge' } as const;

/** Backends that do not keep a part of the law which only some laws have. */
export const BROKEN_LAWS: readonly Broken[] = [
  underLaw(
    'gives up at the first try',
    { incidents: incidents((one) => ({ ...one, stages: mapped(one.stages, patient) })) },
    {},
    'failure.tries-of-an-act',
  ),
  underLaw(
    'never counts failures within a window',
    { repetitionLimit: { count: 3, windowMs: 3_600_000, window: 'first' } },
    {},
    'failure.repetition-window',
  ),
  underLaw(
    'recovers from an error that a reset overtook',
    { dropsOvertaken: true },
    {},
    'arrivals.overtaken-by-a-reset',
  ),
  underLaw(
    'lets errors wait that should go with a greater one',
    { incidents: incidents((one) => (one.severity === 'fatal' ? { ...one, arrival: PURGES } : one)) },
    {},
    'arrivals.purge',
  ),
  underLaw(
    'recovers functions that somebody else holds',
    { held: { own: { nonfatal: null } } },
    holdable,
    'held.own-error',
  ),
  underLaw(
    'calls functions that somebody else holds',
    { held: { own: {}, leftAlone: 'running_after_reset' } },
    holdable,
    'held.beside-others',
  ),
  underLaw('keeps no records for a holder', { held: { own: {}, recordsKept: 4 } }, holdable, 'held.records'),
  brokenPlatform(
    'resets functions one by one instead of their bus',
    (platform, bus) => ({
      async perform(operation, context) {
        if (operation.name !== 'reset') return platform.perform(operation, context);
        await bus.reset(
          context.scope.members.map(({ bdf }) => bdf),
          'function',
        );
        return { ok: true };
      },
    }),
    'sequence.reset-of-the-right-kind',
  ),
  {
    does: 'leaves functions stopped after their reset',
    harness: referenceHarness({
      bus(bus) {
        const reset = bus.reset.bind(bus);
        bus.reset = async (...given) => {
          const ok = await reset(...given);
          for (const slot of bus.slots) slot.stopped = slot.status.has('fatal');
          return ok;
        };
      },
    }),
    caughtBy: ['sequence.works-again'],
  },
  brokenPlatform(
    'remembers the vote of one scope in the next',
    ({ procedure }) => {
      let needed = false;
      return {
        procedure: {
          ...procedure,
          begin: (input) =>
            rewritten(procedure.begin(input), (step) => {
              if (step.do !== 'notify' || step.at !== 'error_detected') return step;
              return {
                ...step,
                then(answers: readonly Answer[]) {
                  const heard = answers.map((one) =>
                    needed && one.gave === 'vote' ? { ...one, vote: 'need_reset' as const } : one,
                  );
                  needed ||= answers.some((one) => one.gave === 'vote' && one.vote === 'need_reset');
                  return step.then(heard);
                },
              };
            }),
        },
      };
    },
    'votes.never-across-scopes',
  ),
];

function mapped(stages: RecoveringIncident['stages'], change: (stage: Stage) => Stage): RecoveringIncident['stages'] {
  return Object.fromEntries(Object.entries(stages).map(([name, stage]) => [name, change(stage)]));
}
