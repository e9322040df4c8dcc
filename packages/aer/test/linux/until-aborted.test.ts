import { setImmediate as turn } from 'node:timers/promises';
import { untilAborted } from '../../src/linux/until-aborted.js';

const never = new Promise<string>(() => undefined);
const refuse = (): never => {
  throw new Error('instead');
};

describe('waiting for a call that cannot be cut short', () => {
  it('gives what the call gives, and lets go of the signal then', async () => {
    const { signal } = new AbortController();
    const removed: string[] = [];
    signal.removeEventListener = (kind: string) => void removed.push(kind);
    expect(await untilAborted(Promise.resolve('done'), signal, () => 'instead')).toBe('done');
    await expect(untilAborted(Promise.reject(new Error('failed')), signal, () => 'instead')).rejects.toThrow('failed');
    await turn();
    expect(removed).toEqual(['abort', 'abort']);
  });

  it.each([
    ['when the signal aborts', false],
    ['when it has aborted before', true],
  ])('gives what is to count instead %s, or throws it', async (_, before) => {
    const [one, other] = [new AbortController(), new AbortController()];
    if (before) for (const controller of [one, other]) controller.abort();
    const waits = [untilAborted(never, one.signal, () => 'instead'), untilAborted(never, other.signal, refuse)];
    if (!before) for (const controller of [one, other]) controller.abort();
    const settled = await Promise.allSettled(waits);
    expect(settled).toMatchObject([{ value: 'instead' }, { reason: { message: 'instead' } }]);
  });

  it('leaves the call to itself: its failure afterwards disturbs nobody', async () => {
    const controller = new AbortController();
    let fail: (error: Error) => void = () => undefined;
    const call = new Promise<string>((_, reject) => (fail = reject));
    const waiting = untilAborted(call, controller.signal, () => 'instead');
    controller.abort();
    expect(await waiting).toBe('instead');
    fail(new Error('too late'));
    await turn();
    const aborted = untilAborted(Promise.reject<string>(new Error('too late')), AbortSignal.abort(), () => 'instead');
    expect(await aborted).toBe('instead');
    await turn();
  });
});
