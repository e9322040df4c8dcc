import { referenceHarness, referenceProfile } from '../reference/harness.js';
import { brokenPlatform, type Broken } from './broken.js';

/** Platforms that break the contract of their own methods. */
export const BROKEN_CONTRACTS: readonly Broken[] = [
  brokenPlatform(
    'has a capability that is absent without a reason',
    () => ({ capabilities: { reset: { absent: '' } } }),
    'contract.capabilities-have-reasons',
  ),
  brokenPlatform(
    'has a scope that says nothing of capabilities',
    (platform) => ({ scopeOf: (event) => ({ ...platform.scopeOf(event), capabilities: undefined as never }) }),
    'contract.capabilities-have-reasons',
  ),
  brokenPlatform(
    'goes on listening after an abort',
    (platform) => ({ events: () => platform.events({ signal: new AbortController().signal }) }),
    'contract.events-end-on-abort',
  ),
  brokenPlatform(
    'takes its time to notice the end of a survey',
    (_, bus) => ({ survey: () => new Promise((resolve) => bus.clock.after(10_000, () => resolve([]))) }),
    'contract.survey-ends-on-abort',
  ),
  brokenPlatform(
    'finds a healthy machine broken',
    (platform, bus) => ({
      survey: (options) => {
        bus.report(new TextEncoder().encode(JSON.stringify({ incident: 'fatal', bdf: bus.named('a').bdf })));
        return platform.survey(options);
      },
    }),
    'contract.survey-of-healthy-machine',
  ),
  brokenPlatform(
    'looks away in its survey',
    (_, bus) => ({ survey: async () => (bus.reports.splice(0), []) }),
    'contract.survey-finds-the-broken',
  ),
  brokenPlatform(
    'cannot be disposed of twice',
    () => {
      let disposed = false;
      return {
        async [Symbol.asyncDispose]() {
          if (disposed) throw new Error('It is disposed of already.');
          disposed = true;
        },
      };
    },
    'contract.dispose-twice',
  ),
  brokenPlatform(
    'tells of a corrected error twice',
    (platform) => ({ acknowledge: async (event, tell) => (await tell(), platform.acknowledge!(event, tell)) }),
    'recorded.never-forwarded',
  ),
  brokenPlatform(
    'does not acknowledge corrected errors',
    () => ({ acknowledge: (_, tell) => tell() }),
    'recorded.never-forwarded',
  ),
  brokenPlatform(
    'waits for the end of a recovery to acknowledge, which does not come',
    () => ({ acknowledge: () => new Promise(() => undefined) }),
    'recorded.during-a-recovery',
  ),
  {
    does: 'never gives a scope up that fails too often',
    harness: referenceHarness(
      {},
      { profile: { ...referenceProfile, repetitionLimit: { count: 3, windowMs: 3_600_000, window: 'first' } } },
    ),
    caughtBy: ['failure.repetition-limit'],
  },
];
