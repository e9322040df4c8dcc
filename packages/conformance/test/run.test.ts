import { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import { jest } from '@jest/globals';
import { PciRecoveryError, wait, type Clock } from '@pci-recovery/core';
import {
  aerProfile,
  ConformanceFailure,
  registerConformance,
  runConformance,
  selectCases,
  type CaseContext,
  type CaseResult,
  type ConformanceCase,
  type Harness,
  type PlatformProfile,
} from '../src/index.js';
import { referenceHarness, referenceProfile } from './reference/harness.js';

const passing: ConformanceCase = {
  id: 'toy.passes',
  title: 'it passes',
  level: 0,
  demands: ['R3.4'],
  requires: [],
  run: async () => undefined,
};
const failing: ConformanceCase = {
  ...passing,
  id: 'toy.fails',
  title: 'it fails',
  level: 2,
  run: () => Promise.reject(new ConformanceFailure('It should not.')),
};
const nothing = { sees: [], breaks: [], lacks: [], abilities: [], layouts: ['single'] } satisfies Partial<Harness>;
const refuse = (what: string): never => {
  throw new PciRecoveryError('ERR_PCI_TOY', `There is no ${what}.`);
};

/** A harness that offers as little as it may, and is honest about it. */
const bare: Harness = {
  ...referenceHarness({}, nothing),
  async create({ layout, lacking }) {
    if (layout !== 'single' || lacking) refuse('such machine');
    const subject = await referenceHarness().create({ layout });
    return {
      platform: subject.platform,
      clock: subject.clock,
      functions: subject.functions,
      inject: (incident, at) => subject.inject(incident, at),
      witness: () => [],
      [Symbol.asyncDispose]: () => Promise.resolve(subject[Symbol.asyncDispose]()),
    };
  },
};
const statuses = (results: readonly CaseResult[]) => results.map(({ id, status }) => [id, status]);

describe('a run', () => {
  it('passes when nothing fails, and says how often what happened', async () => {
    const { ok, counts, harness, profile } = await runConformance(referenceHarness(), { cases: [passing] });
    expect([ok, harness, profile]).toEqual([true, 'reference', 'reference']);
    expect(counts).toEqual({ passed: 1, failed: 0, not_applicable: 0, known_failure: 0, unexpected_pass: 0 });
  });

  it('fails when a case fails, and goes on with the next', async () => {
    const { ok, results } = await runConformance(referenceHarness(), { cases: [failing, passing] });
    expect(ok).toBe(false);
    expect(statuses(results)).toEqual([
      ['toy.fails', 'failed'],
      ['toy.passes', 'passed'],
    ]);
    expect(results[0]!.error).toBe('It should not.');
  });

  it('fails when no case was run: nothing proven is not conformance', async () => {
    expect((await runConformance(referenceHarness(), { cases: [] })).ok).toBe(false);
  });

  it('shows where a case crashed instead of failing by a rule', async () => {
    const crashing = { ...passing, run: () => Promise.reject(new TypeError('broken case')) };
    const { results } = await runConformance(referenceHarness(), { cases: [crashing] });
    expect(results[0]!.error).toMatch(/TypeError: broken case\n\s+at /);
  });

  it('reports each result at once, and ends before the next case when it is told to', async () => {
    const stop = new AbortController();
    const seen: string[] = [];
    const onResult = ({ id }: CaseResult): void => {
      seen.push(id);
      stop.abort();
    };
    const { results } = await runConformance(referenceHarness(), {
      cases: [passing, failing],
      onResult,
      signal: stop.signal,
    });
    expect([seen, results.length]).toEqual([['toy.passes'], 1]);
  });

  it('chooses cases by level and by id, with * for the rest of an id', () => {
    const cases = [passing, failing];
    const ids = (options: Parameters<typeof selectCases>[0]) => selectCases({ cases, ...options }).map(({ id }) => id);
    expect(ids({ levels: [2] })).toEqual(['toy.fails']);
    expect(ids({ only: ['toy.passes'] })).toEqual(['toy.passes']);
    expect(ids({ only: ['toy.*'] })).toEqual(['toy.passes', 'toy.fails']);
    expect(ids({ only: ['toy.*'], levels: [0] })).toEqual(['toy.passes']);
  });

  it.each([{ only: ['toy.typo'] }, { knownFailures: { 'toy.typo': 'why' } }])(
    'refuses names of cases that are not there: %j',
    async (options) => {
      const run = runConformance(referenceHarness(), { cases: [passing], ...options });
      await expect(run).rejects.toMatchObject({ code: 'ERR_PCI_UNKNOWN_CASE', context: { pattern: 'toy.typo' } });
    },
  );
});

describe('known failures', () => {
  const knownFailures = { 'toy.passes': 'It was broken.', 'toy.fails': 'It is broken.' };

  it('are run all the same, and one that passes fails the run', async () => {
    const { ok, results } = await runConformance(referenceHarness(), { cases: [passing, failing], knownFailures });
    expect(statuses(results)).toEqual([
      ['toy.passes', 'unexpected_pass'],
      ['toy.fails', 'known_failure'],
    ]);
    expect(results[1]).toMatchObject({ reason: 'It is broken.', error: 'It should not.' });
    expect(ok).toBe(false);
  });

  it('do not fail the run while they fail', async () => {
    const options = { cases: [passing, failing], knownFailures: { 'toy.fails': 'It is broken.' } };
    expect((await runConformance(referenceHarness(), options)).ok).toBe(true);
  });
});

describe('a hanging platform', () => {
  it('fails its case when nothing can happen any more', async () => {
    const harness = referenceHarness({
      platform: (platform) => ({ ...platform, perform: () => new Promise(() => undefined) }),
    });
    const { results } = await runConformance(harness, { only: ['sequence.look-and-go-on'] });
    expect(results[0]!.error).toMatch(/It never happens/);
  });

  it('fails its case after the limit of real time when it is busy for ever', async () => {
    const harness = referenceHarness({
      platform: (platform, { clock }) => ({
        ...platform,
        async perform() {
          for (;;) await wait(clock, 1);
        },
      }),
    });
    const { results, ok } = await runConformance(harness, {
      only: ['sequence.look-and-go-on', 'contract.dispose-twice'],
      caseLimitMs: 50,
    });
    expect(results.map(({ error }) => error)).toEqual([undefined, 'It did not end within 50 ms.']);
    expect(ok).toBe(false);
  });

  it('is cut off by an injected clock, which also measures', async () => {
    let cut: (() => void) | undefined;
    let now = 0;
    const realClock: Clock = {
      monotonic: () => (now += 5e6),
      wall: () => 0,
      after: (_, then) => ((cut = then), { [Symbol.dispose]: () => undefined }),
    };
    const hanging = { ...passing, run: () => (setImmediate(() => cut?.()), new Promise<void>(() => undefined)) };
    const { results } = await runConformance(referenceHarness(), { cases: [hanging], realClock, caseLimitMs: 7 });
    expect(results[0]).toMatchObject({ status: 'failed', error: 'It did not end within 7 ms.', durationMs: 5 });
  });
});

describe('a backend that lets failures float', () => {
  const strays = new EventEmitter();
  const floating = (event: string, reason: unknown): ConformanceCase => ({
    ...passing,
    run: async () => void setImmediate(() => strays.emit(event, reason)),
  });
  const errorOf = async (one: ConformanceCase): Promise<string | undefined> =>
    (await runConformance(referenceHarness(), { cases: [one, passing], strays })).results[0]!.error;

  it.each([
    ['unhandledRejection', /^Whoever promises .* a promise was rejected that nobody has: Error: lost\n\s+at /],
    ['uncaughtException', /^Whoever calls back .* thrown that nobody could catch: Error: lost\n\s+at /],
  ])('fails its case by a rule instead of ending the process (%s)', async (event, rule) => {
    expect(await errorOf(floating(event, new Error('lost')))).toMatch(rule);
  });

  it('is told so beside what else does not hold', async () => {
    const one = floating('unhandledRejection', new Error('lost'));
    const both = { ...one, run: async (context: CaseContext) => (await one.run(context), failing.run(context)) };
    expect(await errorOf(both)).toMatch(/^It should not\.\nWhoever promises /);
  });

  it('fails no other case, and leaves no listener', async () => {
    const { results } = await runConformance(referenceHarness(), {
      cases: [floating('unhandledRejection', undefined), passing],
      strays,
    });
    expect(results.map(({ status }) => status)).toEqual(['failed', 'passed']);
    expect(strays.eventNames()).toEqual([]);
  });

  it.each([[undefined], [null], ['text'], [{ a: 1 }]])(
    'or throws no error at all (%j) is told what it threw',
    async (what) => {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- this is what backends may do
      const error = await errorOf({ ...passing, run: () => Promise.reject(what) });
      expect(error).toBe(`${inspect(what)}, which is no error.`);
    },
  );
});

describe('what a harness does not offer', () => {
  it('is not applicable, with the reason, and its negative cases are run', async () => {
    const { ok, results, counts } = await runConformance(bare);
    expect(results.filter(({ status }) => status === 'failed')).toEqual([]);
    expect(ok).toBe(true);
    expect(counts.not_applicable).toBeGreaterThan(40);
    const reasons = new Map(results.map(({ id, reason }) => [id, reason]));
    expect(reasons.get('votes.pairs-at-detection')).toBe('layout:pair: there is no such layout');
    expect(reasons.get('contract.generation-after-replug')).toBe('replug: the harness does not offer it');
    expect(reasons.get('failure.no-resume-without-reset')).toBe(
      'breaks:reset: it cannot be let fail; sees:reset: the witness cannot see it',
    );
  });

  const liars: readonly [string, string, Partial<Harness>][] = [
    ['a layout', 'votes.pairs-at-detection', { layouts: ['single'] }],
    ['something that the witness sees', 'sequence.slot-reset-after-need-reset', { sees: [] }],
    ['an act that can be broken', 'failure.reset-fails', { breaks: [] }],
    ['an ability', 'decode.garbage', { abilities: [] }],
  ];
  it.each(liars)('fails when there is %s that is not claimed', async (_, id, less) => {
    const { results } = await runConformance(referenceHarness({}, less), { only: [id] });
    expect(results[0]!.status).toBe('failed');
  });

  const lawless: readonly [string, string, Partial<PlatformProfile>][] = [
    ['raw bytes', 'decode.raw-bytes', { raw: false }],
    ['a survey', 'contract.survey-finds-the-broken', { surveyFinds: [] }],
    [
      'errors that are recorded',
      'recorded.never-forwarded',
      { incidents: { fatal: aerProfile.incidents['fatal']! }, surveyFinds: ['fatal'] },
    ],
  ];
  it.each(lawless)('fails when there is %s although the law has none', async (_, id, less) => {
    const harness = referenceHarness({}, { profile: { ...referenceProfile, ...less } });
    expect((await runConformance(harness, { only: [id] })).results[0]!.status).toBe('failed');
  });

  it('fails when a platform gives up too early although the law has no limit', async () => {
    const harness = referenceHarness({
      platform(platform) {
        let count = 0;
        const begin: typeof platform.procedure.begin = (input) =>
          platform.procedure.begin(++count > 5 ? { ...input, verdict: 'give_up' } : input);
        return { ...platform, procedure: { ...platform.procedure, begin } };
      },
    });
    const { results } = await runConformance(harness, { only: ['failure.repetition-limit'] });
    expect(results[0]!.error).toMatch(/no limit of repetitions, but recovery 6 failed/);
  });
});

describe('registerConformance', () => {
  const runner = () => {
    const tests: [string, () => Promise<void>][] = [];
    const describe_ = jest.fn((_: string, body: () => void) => body());
    return {
      tests,
      describe: describe_,
      it: (title: string, body: () => Promise<void>) => void tests.push([title, body]),
    };
  };

  it('registers every case once, titled by id and rule', async () => {
    const own = runner();
    registerConformance(referenceHarness(), own, { cases: [passing, failing] });
    expect(own.describe.mock.calls[0]![0]).toBe('reference conforms to the law "reference"');
    expect(own.tests.map(([title]) => title)).toEqual(['toy.passes: it passes', 'toy.fails: it fails']);
    await expect(own.tests[0]![1]()).resolves.toBeUndefined();
    await expect(own.tests[1]![1]()).rejects.toThrow('It should not.');
  });

  it('says in the title what is not applicable', () => {
    const own = runner();
    registerConformance(bare, own, { cases: [{ ...passing, requires: ['layout:pair'] }] });
    expect(own.tests[0]![0]).toBe('toy.passes: it passes [not applicable: layout:pair: there is no such layout]');
  });

  it('lets a known failure pass, and fails it when it passes', async () => {
    const own = runner();
    const knownFailures = { 'toy.passes': 'It was broken.', 'toy.fails': 'It is broken.' };
    registerConformance(referenceHarness(), own, { cases: [passing, failing], knownFailures });
    await expect(own.tests[0]![1]()).rejects.toThrow('It passes, but is known to fail: It was broken.');
    await expect(own.tests[1]![1]()).resolves.toBeUndefined();
  });
});
