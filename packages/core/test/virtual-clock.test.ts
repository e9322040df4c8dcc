import { VirtualClock } from '@pci-recovery/core/testing';
import fc from 'fast-check';

const MS = 1e6;

describe('VirtualClock', () => {
  it('stands still until it is told to go on', async () => {
    const clock = new VirtualClock(1000);
    await new Promise((resolve) => setImmediate(resolve));
    expect([clock.monotonic(), clock.wall()]).toEqual([0, 1000]);
    clock.advance(2.5);
    expect([clock.monotonic(), clock.wall()]).toEqual([2.5 * MS, 1002]);
  });

  it('runs timers in the order of their times, equal ones in the order in which they were set', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 12 }), (delays) => {
        const clock = new VirtualClock();
        const ran: [delay: number, index: number, time: number][] = [];
        delays.forEach((delay, index) => clock.after(delay, () => ran.push([delay, index, clock.monotonic()])));
        clock.advance(5);
        const due = delays.map((delay, index) => [delay, index, delay * MS] as const);
        expect(ran).toEqual(due.sort((a, b) => a[0] - b[0] || a[1] - b[1]));
        expect(clock.pending).toBe(0);
      }),
    );
  });

  it('never runs a timer that was disposed of, or one that is not due', () => {
    const clock = new VirtualClock();
    const ran: string[] = [];
    clock.after(1, () => ran.push('disposed'))[Symbol.dispose]();
    clock.after(3, () => ran.push('late'));
    clock.advance(2.999);
    expect(ran).toEqual([]);
    expect(clock.pending).toBe(1);
  });

  it('runs a timer that a timer sets within the time that passes', () => {
    const clock = new VirtualClock();
    const times: number[] = [];
    clock.after(1, () => clock.after(1, () => times.push(clock.monotonic())));
    clock.advance(2);
    expect(times).toEqual([2 * MS]);
  });

  it('never goes back', () => {
    const clock = new VirtualClock();
    clock.after(1, () => clock.advance(10));
    clock.advance(2);
    expect(clock.monotonic()).toBe(11 * MS);
    clock.advance(-5);
    expect(clock.monotonic()).toBe(11 * MS);
  });

  it('drives a promise to its end without waiting', async () => {
    const clock = new VirtualClock();
    const hour = new Promise<string>((resolve) => void clock.after(3_600_000, () => resolve('an hour')));
    expect(await clock.drive(hour)).toBe('an hour');
    expect(clock.monotonic()).toBe(3_600_000 * MS);
  });

  it('says ERR_PCI_STALLED when nothing can happen any more', async () => {
    await expect(new VirtualClock().drive(new Promise(() => {}))).rejects.toMatchObject({ code: 'ERR_PCI_STALLED' });
  });

  it('passes on what the promise rejects with', async () => {
    await expect(new VirtualClock().drive(Promise.reject(new Error('its own')))).rejects.toThrow('its own');
  });
});
