import { type Clock } from '../contract/clock.js';

/** The machine's own time. Its timers keep the process alive. */
export const systemClock: Clock = {
  monotonic: () => Math.round(performance.now() * 1e6),
  wall: () => Date.now(),
  after(ms, then) {
    const timer = setTimeout(then, ms);
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};
