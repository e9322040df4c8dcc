import { AsyncLocalStorage } from 'node:async_hooks';
import { jest } from '@jest/globals';
import { parseBdf } from '@pci-recovery/core';
import { CallbackFrames, type CallbackFrame } from '../src/engine/reentrancy.js';

const a = parseBdf('0000:01:00.0');
const b = parseBdf('0000:02:00.0');
const frame = (held: typeof a): CallbackFrame => ({ holds: (bdf) => bdf === held });

describe('callback frames', () => {
  it('share one storage between engines: node keeps every one that was ever used', () => {
    const run = jest.spyOn(AsyncLocalStorage.prototype, 'run');
    const engines = Array.from({ length: 5 }, () => new CallbackFrames());
    for (const frames of engines) frames.run(frame(a), () => undefined);
    expect(new Set(run.mock.contexts).size).toBe(1);
    expect(run).toHaveBeenCalledTimes(5);
    run.mockRestore();
  });

  it('are seen through awaits, and not outside', async () => {
    const frames = new CallbackFrames();
    const inside = await frames.run(frame(a), async () => {
      await Promise.resolve();
      return [frames.current()?.holds(a), frames.current()?.holds(b)];
    });
    expect(inside).toEqual([true, false]);
    expect(frames.current()).toBeUndefined();
  });

  it('belong to their engine: the callbacks of another one are not mistaken for its own', () => {
    const mine = new CallbackFrames();
    const other = new CallbackFrames();
    other.run(frame(b), () => {
      expect(mine.current()).toBeUndefined();
      mine.run(frame(a), () => {
        expect([mine.current()?.holds(a), mine.current()?.holds(b)]).toEqual([true, false]);
        expect([other.current()?.holds(a), other.current()?.holds(b)]).toEqual([false, true]);
      });
    });
  });

  it('nest: code that waits for an outer callback too is known to do so', () => {
    const frames = new CallbackFrames();
    frames.run(frame(a), () =>
      frames.run(frame(b), () => {
        expect([frames.current()?.holds(a), frames.current()?.holds(b)]).toEqual([true, true]);
      }),
    );
  });
});
