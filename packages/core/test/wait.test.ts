import { abortedError, systemClock, wait } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import { jest } from '@jest/globals';
import { getEventListeners } from 'node:events';

describe('wait', () => {
  it('is fulfilled after its time, and leaves nothing behind', async () => {
    const clock = new VirtualClock();
    const { signal } = new AbortController();
    const waiting = wait(clock, 5, signal);
    clock.advance(5);
    await waiting;
    expect(clock.pending + getEventListeners(signal, 'abort').length).toBe(0);
  });

  it('rejects with ERR_PCI_ABORTED as soon as its signal aborts, and leaves no timer', async () => {
    const clock = new VirtualClock();
    const stop = new AbortController();
    const waiting = wait(clock, 5, stop.signal);
    stop.abort('enough');
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_PCI_ABORTED', cause: 'enough', permanence: 'temporary' });
    expect(clock.pending).toBe(0);
  });

  it('does not begin when its signal is aborted already', async () => {
    const clock = new VirtualClock();
    await expect(wait(clock, 5, AbortSignal.abort('no'))).rejects.toMatchObject({ code: 'ERR_PCI_ABORTED' });
    expect(clock.pending).toBe(0);
  });

  it('has an error without a signal, too', () => {
    expect(abortedError(undefined, 'It')).toMatchObject({ message: 'It was aborted.', code: 'ERR_PCI_ABORTED' });
  });
});

describe('systemClock', () => {
  beforeEach(() => void jest.useFakeTimers({ doNotFake: ['performance'] }));
  afterEach(() => void jest.useRealTimers());

  it('counts nanoseconds that never go back, and milliseconds since 1970', () => {
    const first = systemClock.monotonic();
    expect(systemClock.monotonic()).toBeGreaterThanOrEqual(first);
    expect(Number.isInteger(first)).toBe(true);
    expect(systemClock.wall()).toBe(Date.now());
  });

  it.each([0, 1, 30_000, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 90 * 86_400_000])('calls once, %d ms from now', (ms) => {
    const then = jest.fn();
    systemClock.after(ms, then);
    if (ms > 0) jest.advanceTimersByTime(ms - 1);
    expect(then).toHaveBeenCalledTimes(0);
    jest.advanceTimersByTime(1);
    jest.advanceTimersByTime(ms + 10);
    expect(then).toHaveBeenCalledTimes(1);
  });

  it('never calls when the time is Infinity', () => {
    const then = jest.fn();
    using _timer = systemClock.after(Infinity, then);
    jest.advanceTimersByTime(2 ** 33);
    expect(then).not.toHaveBeenCalled();
  });

  it.each([1, 2 ** 32])('does not call what was disposed of (%d ms)', (ms) => {
    const then = jest.fn();
    const timer = systemClock.after(ms, then);
    jest.advanceTimersByTime(ms - 1);
    timer[Symbol.dispose]();
    jest.advanceTimersByTime(ms);
    expect(then).not.toHaveBeenCalled();
    expect(jest.getTimerCount()).toBe(0);
  });
});
