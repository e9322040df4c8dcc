import { KernelPolicy, Serd, type RecoveryScope, type SerdLimit, type Severity } from '@pci-recovery/core';
import fc from 'fast-check';
import { errorAt, scopeOf } from './scripted-platform.js';

const MS = 1e6;
const judge = (policy: KernelPolicy, severity: Severity, ms = 0, device = 1, scope: () => RecoveryScope = noScope) =>
  policy.judge(errorAt(device, { severity, monotonic: ms * MS }), scope).verdict;
const noScope = (): never => {
  throw new Error('The scope is worked out only when it is needed.');
};

describe('KernelPolicy', () => {
  it.each<[Severity, string]>([
    ['informative', 'record'],
    ['correctable', 'record'],
    ['nonfatal', 'recover'],
    ['fatal', 'recover'],
  ])('judges %s: %s, as the kernel does (R1.2)', (severity, verdict) => {
    expect(judge(new KernelPolicy(), severity)).toBe(verdict);
  });

  it('gives a function up at its limit; correctable errors do not count', () => {
    const policy = new KernelPolicy({ perDevice: { count: 2, windowMs: 10, window: 'sliding' } });
    expect(judge(policy, 'correctable', 0)).toBe('record');
    expect(judge(policy, 'fatal', 1)).toBe('recover');
    expect(judge(policy, 'fatal', 2, 2)).toBe('recover');
    expect(judge(policy, 'nonfatal', 3)).toBe('give_up');
    expect(judge(policy, 'nonfatal', 20)).toBe('recover');
  });

  it('gives a scope up at its limit, whichever of its functions fails; the limits count side by side', () => {
    const limit: SerdLimit = { count: 3, windowMs: 10, window: 'sliding' };
    const policy = new KernelPolicy({ perDevice: { ...limit, count: 2 }, perScope: limit });
    const both = (): RecoveryScope => scopeOf(1, 2);
    expect(judge(policy, 'fatal', 1, 1, both)).toBe('recover');
    expect(judge(policy, 'fatal', 2, 1, both)).toBe('give_up');
    expect(judge(policy, 'fatal', 3, 2, both)).toBe('give_up');
    expect(judge(policy, 'fatal', 4, 3, () => scopeOf(3))).toBe('recover');
  });

  it('grants callbacks 30 seconds, or what is set for all, or for one', () => {
    const { device } = errorAt(1);
    const options = { deadlineMs: 5, deadlineOf: () => undefined };
    expect(new KernelPolicy().deadline(device, 'resume')).toBe(30_000);
    expect(new KernelPolicy(options).deadline(device, 'resume')).toBe(5);
    const one = new KernelPolicy({ ...options, deadlineOf: (_, callback) => (callback === 'resume' ? 0 : undefined) });
    expect(one.deadline(device, 'resume')).toBe(0);
    expect(one.deadline(device, 'slotReset')).toBe(5);
  });
});

/** The rule, as plainly as it can be said: all errors ever are kept, and counted from scratch. */
function naive({ count, windowMs, window }: SerdLimit): (ms: number) => boolean {
  const all: number[] = [];
  let start: number | undefined;
  return (ms) => {
    all.push(ms);
    if (window === 'sliding') return all.filter((one) => one > ms - windowMs).length >= count;
    if (start === undefined || start <= ms - windowMs) start = ms;
    return all.filter((one) => one >= start!).length >= count;
  };
}

const compare = (limit: SerdLimit, gaps: readonly number[]): void => {
  const [serd, model] = [new Serd(limit), naive(limit)];
  let ms = 1;
  const times: number[] = [];
  for (const gap of gaps) {
    times.push((ms += gap));
    const expected = model(ms);
    if (serd.count('k', ms * MS) !== expected)
      throw new Error(`${JSON.stringify(limit)} at ${times.join()}: not ${expected}`);
  }
};

describe.each(['sliding', 'first'] as const)('Serd with a %s window', (window) => {
  it('counts as the rule says, for every course of up to 7 errors and every small limit (R4.10)', () => {
    function* courses(length: number): Generator<number[]> {
      if (length === 0) yield [];
      else for (const rest of courses(length - 1)) for (const gap of [1, 2, 4]) yield [gap, ...rest];
    }
    for (const count of [1, 2, 3])
      for (const windowMs of [1, 3, 5, Infinity])
        for (const gaps of courses(7)) compare({ count, windowMs, window }, gaps);
  });

  it('counts as the rule says for random courses', () => {
    fc.assert(
      fc.property(
        fc.record({ count: fc.integer({ min: 1, max: 8 }), windowMs: fc.integer({ min: 1, max: 50 }) }),
        fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 }),
        (limit, gaps) => compare({ ...limit, window }, gaps),
      ),
    );
  });

  it('keeps keys apart', () => {
    const serd = new Serd({ count: 2, windowMs: 10, window });
    expect([serd.count('a', 0), serd.count('b', 0), serd.count('a', 1)]).toEqual([false, false, true]);
  });

  it('forgets keys whose window is over, so that memory is bounded', () => {
    const serd = new Serd({ count: 3, windowMs: 10, window });
    for (let ms = 0; ms < 1000; ms++) {
      serd.count(`key ${ms}`, ms * MS);
      serd.count(`key ${ms - 1}`, ms * MS);
      expect(serd.size).toBeLessThanOrEqual(11);
    }
    serd.count('much later', 5000 * MS);
    expect(serd.size).toBe(1);
  });
});

describe('a limit that is none is refused with ERR_PCI_BAD_LIMIT', () => {
  it.each([
    { count: 0 },
    { count: 1.5 },
    { count: NaN },
    { count: Infinity },
    { windowMs: 0 },
    { windowMs: -1 },
    { windowMs: NaN },
    { window: 'fixed' as 'first' },
  ])('%j', (wrong) => {
    const limit: SerdLimit = { count: 1, windowMs: 1, window: 'first', ...wrong };
    expect(() => new KernelPolicy({ perDevice: limit })).toThrow(
      expect.objectContaining({ code: 'ERR_PCI_BAD_LIMIT' }) as Error,
    );
  });
});
