import { ERS_RESULTS, type AnswerForm, type ErsResult, type NotifyStep, type Step } from '@pci-recovery/core';
import { eehHostProcedure } from '../../src/procedure/host.js';
import { eventOf, scopeOf, TELLING_SHAPES, type Shape } from './shapes.js';

const AWARE = TELLING_SHAPES[0]!;
const ABSENT = TELLING_SHAPES[5]!;

/** By hand from eeh_handle_normal_event: where each merged vote of error_detected leads to, below a host bridge and of one. */
const AFTER_ERROR_DETECTED: Readonly<Record<ErsResult, readonly [pe: string, phb: string]>> = {
  none: ['unplug everybody', 'unplug everybody'],
  no_aer_driver: ['log_permanent', 'unplug insensitive'],
  recovered: ['resume_channels', 'unplug insensitive'],
  can_recover: ['thaw_mmio', 'unplug insensitive'],
  disconnect: ['log_permanent', 'log_permanent'],
  need_reset: ['unplug insensitive', 'unplug insensitive'],
};

/** The same of mmio_enabled, which merges into can_recover. */
const AFTER_MMIO_ENABLED: Readonly<Record<ErsResult, string>> = {
  none: 'thaw_dma',
  no_aer_driver: 'thaw_dma',
  recovered: 'thaw_dma',
  can_recover: 'thaw_dma',
  disconnect: 'log_permanent',
  need_reset: 'unplug insensitive',
};

/** The same of slot_reset, which starts at none. */
const AFTER_SLOT_RESET: Readonly<Record<ErsResult, string>> = {
  none: 'resume_channels',
  no_aer_driver: 'log_permanent',
  recovered: 'resume_channels',
  can_recover: 'log_permanent',
  disconnect: 'log_permanent',
  need_reset: 'log_permanent',
};

/** eeh_result_priority, the least first. */
const PRIORITY: readonly ErsResult[] = [
  'none',
  'no_aer_driver',
  'recovered',
  'can_recover',
  'disconnect',
  'need_reset',
];
const merged = (...votes: readonly ErsResult[]): ErsResult =>
  PRIORITY[Math.max(...votes.map((vote) => PRIORITY.indexOf(vote)))]!;

const BEFORE_VOTES = new Set(['check_presence', 'count_freeze', 'frozen']);
const BESIDES = new Set(['wait_state', 'log_temporary', 'reset', 'restore', 'unfreeze', 'normal']);

const VALUES: Readonly<Record<string, object>> = {
  check_presence: { bus: true, devices: 1 },
  count_freeze: { count: 1, most: 5 },
  unplug: { devices: 0, virtual: 0 },
};

/** Goes on while `through` holds, with everything done well. */
function on(step: Step, through: (at: string) => boolean): Step {
  let at = step;
  while (at.do === 'operate' && through(at.at)) at = at.then({ ok: true, value: VALUES[at.at] as never });
  return at;
}

/** Every function answers with its form. */
const answer = (step: Step, forms: readonly AnswerForm[]): Step => {
  const notify = step as NotifyStep;
  return notify.then(notify.to.map((device, index) => ({ ...device, ...forms[index]! })));
};

const placeOf = (step: Step): string =>
  step.do === 'operate' && step.at === 'unplug' ? `unplug ${step.operation['which'] as string}` : step.at;

const vote = (one: ErsResult): AnswerForm => ({ gave: 'vote', vote: one });
const GONE: AnswerForm = { gave: 'nothing', why: 'gone' };

const detected = (shapes: readonly Shape[], wholePhb: boolean, forms: readonly AnswerForm[]): Step => {
  const scope = scopeOf(shapes, wholePhb);
  const begun = eehHostProcedure.begin({
    event: eventOf(wholePhb ? 'fenced_phb' : 'frozen_pe'),
    scope,
    verdict: 'recover',
  });
  return on(
    answer(
      on(begun, (at) => BEFORE_VOTES.has(at)),
      forms,
    ),
    (at) => BESIDES.has(at),
  );
};
const looked = (first: readonly ErsResult[], second: readonly AnswerForm[]): Step => {
  const shapes = first.map(() => AWARE);
  return answer(
    on(detected(shapes, false, first.map(vote)), (at) => at === 'thaw_mmio'),
    second,
  );
};
const setUp = (shapes: readonly Shape[], forms: readonly AnswerForm[]): Step => {
  const needed = detected(
    shapes,
    false,
    shapes.map(() => vote('need_reset')),
  );
  return answer(
    on(needed, (at) => at === 'unplug' || BESIDES.has(at)),
    forms,
  );
};

const pairs = ERS_RESULTS.flatMap((a) => ERS_RESULTS.map((b) => [a, b] as const));

describe('where every pair of votes leads to (eeh_handle_normal_event)', () => {
  it.each(pairs)('error_detected: %s and %s', (a, b) => {
    const [pe, phb] = AFTER_ERROR_DETECTED[merged(a, b)];
    expect(placeOf(detected([AWARE, AWARE], false, [vote(a), vote(b)]))).toBe(pe);
    expect(placeOf(detected([AWARE, AWARE], true, [vote(a), vote(b)]))).toBe(phb);
  });

  it.each(pairs)('mmio_enabled: %s and %s', (a, b) => {
    const step = looked(['can_recover', 'none'], [vote(a), vote(b)]);
    expect(placeOf(step)).toBe(AFTER_MMIO_ENABLED[merged('can_recover', a, b)]);
  });

  it.each(pairs)('slot_reset: %s and %s', (a, b) => {
    expect(placeOf(setUp([AWARE, AWARE], [vote(a), vote(b)]))).toBe(AFTER_SLOT_RESET[merged(a, b)]);
  });
});

describe('where a function without device leads to (eeh_pe_report_edev)', () => {
  /** It sets the vote to disconnect: what was voted before is forgotten, only need_reset lifts it afterwards. */
  const withGone = (after: ErsResult): ErsResult => merged('disconnect', after);

  it.each(ERS_RESULTS)('error_detected: %s, then it', (a) => {
    expect(placeOf(detected([AWARE, ABSENT], false, [vote(a), GONE]))).toBe('log_permanent');
    expect(placeOf(detected([AWARE, ABSENT], true, [vote(a), GONE]))).toBe('log_permanent');
  });

  it.each(ERS_RESULTS)('error_detected: it, then %s', (b) => {
    const [pe, phb] = AFTER_ERROR_DETECTED[withGone(b)];
    expect(placeOf(detected([ABSENT, AWARE], false, [GONE, vote(b)]))).toBe(pe);
    expect(placeOf(detected([ABSENT, AWARE], true, [GONE, vote(b)]))).toBe(phb);
  });

  it.each(pairs)('error_detected: %s, it, then %s', (a, b) => {
    expect(placeOf(detected([AWARE, ABSENT, AWARE], false, [vote(a), GONE, vote(b)]))).toBe(
      AFTER_ERROR_DETECTED[withGone(b)][0],
    );
  });

  it.each(ERS_RESULTS)('slot_reset: before or after %s it is the end', (a) => {
    // Only after the walk has lifted its disconnect can there be a reset at all.
    const needed = detected([ABSENT, AWARE], false, [GONE, vote('need_reset')]);
    const step = answer(
      on(needed, (at) => at === 'unplug' || BESIDES.has(at)),
      [GONE, vote(a)],
    );
    expect(placeOf(step)).toBe('log_permanent');
  });
});
