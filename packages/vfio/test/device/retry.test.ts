import { VirtualClock } from '@pci-recovery/core/testing';
import { type RetryOptions, untilFree } from '../../src/device/reset/retry.js';
import { errnoNumber } from '../../src/index.js';

const errno = (name: string): number => -errnoNumber(name)!;

/** Answers what it is told to, the last for ever; notes when it was asked. */
function scripted(clock: VirtualClock, ...answers: number[]) {
  const at: number[] = [];
  const attempt = {
    call: 'VFIO_DEVICE_RESET',
    again: ['EAGAIN'],
    context: { bdf: '0000:01:00.0' },
    make: () => {
      at.push(clock.monotonic() / 1e6);
      return Promise.resolve(answers[Math.min(at.length, answers.length) - 1]!);
    },
  };
  return { at, attempt };
}

function run(answers: number[], timings: Partial<RetryOptions> = {}) {
  const clock = new VirtualClock();
  const { at, attempt } = scripted(clock, ...answers);
  const { signal } = new AbortController();
  return { at, result: clock.drive(untilFree(attempt, { clock, signal, ...timings })) };
}

describe('a call that the kernel cannot do just now', () => {
  it('is tried again after 1, 2, 4 … 64 ms, then every 64 ms', async () => {
    const { at, result } = run([...Array.from({ length: 9 }, () => errno('EAGAIN')), 0]);
    expect(await result).toBe(0);
    expect(at).toEqual([0, 1, 3, 7, 15, 31, 63, 127, 191, 255]);
  });

  it.each(['EINVAL', 'ENOTTY', 'ENODEV', 'EIO'])('is not tried again after %s', async (name) => {
    const { at, result } = run([errno('EAGAIN'), errno(name)]);
    expect(await result).toBe(errno(name));
    expect(at).toHaveLength(2);
  });

  it('is given up after a minute, and says what it answered', async () => {
    const { at, result } = run([errno('EAGAIN')]);
    await expect(result).rejects.toMatchObject({
      code: 'ERR_PCI_DEADLINE',
      permanence: 'temporary',
      context: { bdf: '0000:01:00.0', call: 'VFIO_DEVICE_RESET', errno: 'EAGAIN', limit: 60_000 },
    });
    expect(at.at(-1)).toBe(60_000);
  });

  it('is tried once more at the limit itself, however long the pause would be', async () => {
    const { at, result } = run([errno('EAGAIN')], { first: 40, most: 40, limit: 50 });
    await expect(result).rejects.toMatchObject({ code: 'ERR_PCI_DEADLINE', context: { tries: 3 } });
    expect(at).toEqual([0, 40, 50]);
  });

  it('is not begun when it was aborted before', async () => {
    const clock = new VirtualClock();
    const { at, attempt } = scripted(clock, 0);
    const why = new Error('no');
    await expect(untilFree(attempt, { clock, signal: AbortSignal.abort(why) })).rejects.toMatchObject({
      code: 'ERR_PCI_ABORTED',
      cause: why,
    });
    expect(at).toEqual([]);
  });

  it('obeys an abort between two tries, and leaves no timer behind', async () => {
    const clock = new VirtualClock();
    const { at, attempt } = scripted(clock, errno('EAGAIN'));
    const aborter = new AbortController();
    clock.after(5, () => aborter.abort());
    await expect(clock.drive(untilFree(attempt, { clock, signal: aborter.signal }))).rejects.toMatchObject({
      code: 'ERR_PCI_ABORTED',
    });
    expect([at, clock.pending]).toEqual([[0, 1, 3], 0]);
  });

  it('lets a try that has begun run to its end: a device is never half reset', async () => {
    const clock = new VirtualClock();
    const aborter = new AbortController();
    const make = () => {
      aborter.abort();
      return Promise.resolve(0);
    };
    const attempt = { call: 'VFIO_DEVICE_RESET', again: ['EAGAIN'], context: {}, make };
    expect(await untilFree(attempt, { clock, signal: aborter.signal })).toBe(0);
  });
});
