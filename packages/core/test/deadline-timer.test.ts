import { jest } from '@jest/globals';
import { type Clock } from '@pci-recovery/core';
import { VirtualClock } from '@pci-recovery/core/testing';
import fc from 'fast-check';
import { DeadlineTimer } from '../src/engine/deadline-timer.js';

/** Milliseconds: how long one may take, how long it would take, and what passes before the next one. */
interface Turn {
  readonly deadline: number;
  readonly takes: number;
  readonly pause: number;
}

const ms = fc.integer({ min: 0, max: 100 });
const turns: fc.Arbitrary<Turn[]> = fc.array(
  fc.record({ deadline: fc.oneof(ms, fc.constant(Infinity)), takes: ms, pause: ms }),
  { maxLength: 20 },
);

/** When each overran, by the timer; undefined: it did not. */
function run(clock: VirtualClock, timer: DeadlineTimer, list: readonly Turn[]): (number | undefined)[] {
  return list.map(({ deadline, takes, pause }) => {
    let at: number | undefined;
    const overrun = (): void => {
      at = clock.monotonic();
      timer.end();
    };
    timer.begin({ overrun }, clock.monotonic(), deadline);
    clock.advance(takes);
    if (at === undefined) timer.end();
    clock.advance(pause);
    return at;
  });
}

describe('the deadlines of callbacks that are called one after the other', () => {
  it('are kept to the nanosecond, whatever came before: those that take as long overrun then, the others never', () => {
    fc.assert(
      fc.property(turns, (list) => {
        const clock = new VirtualClock();
        using timer = new DeadlineTimer(clock);
        let begun = 0;
        const expected = list.map(({ deadline, takes, pause }) => {
          const at = begun + deadline * 1e6;
          begun += (takes + pause) * 1e6;
          return takes >= deadline ? at : undefined;
        });
        expect(run(clock, timer, list)).toEqual(expected);
      }),
    );
  });

  it('need one timer at a time, and none when it is disposed of', () => {
    fc.assert(
      fc.property(turns, (list) => {
        const clock = new VirtualClock();
        const timer = new DeadlineTimer(clock);
        for (const one of list) {
          run(clock, timer, [one]);
          expect(clock.pending).toBeLessThanOrEqual(1);
        }
        timer[Symbol.dispose]();
        expect(clock.pending).toBe(0);
      }),
    );
  });

  it('make one timer for any number of callbacks that answer at once', () => {
    const clock = new VirtualClock();
    const after = jest.spyOn(clock, 'after');
    using timer = new DeadlineTimer(clock);
    run(clock, timer, Array<Turn>(100).fill({ deadline: 30_000, takes: 1, pause: 0 }));
    expect(after).toHaveBeenCalledTimes(1);
  });

  it('hold when the clock stands still: the timer counts', () => {
    const fired: (() => void)[] = [];
    const clock: Clock = {
      monotonic: () => 0,
      wall: () => 0,
      after: (_, then) => (fired.push(then), { [Symbol.dispose]: () => undefined }),
    };
    using timer = new DeadlineTimer(clock);
    const overrun = jest.fn();
    timer.begin({ overrun }, clock.monotonic(), 10);
    for (const then of fired) then();
    expect(overrun).toHaveBeenCalledTimes(1);
  });
});
