import { type Clock } from '../contract/clock.js';

/** The longest time that a timer of Node.js takes, milliseconds; it takes anything longer for 1 ms. */
const LONGEST = 2 ** 31 - 1;

/** The machine's own time. Its timers keep the process alive. */
export const systemClock: Clock = {
  monotonic: () => Math.round(performance.now() * 1e6),
  wall: () => Date.now(),
  after(ms, then) {
    let left = ms;
    let timer: NodeJS.Timeout;
    const go = (): void => {
      const part = Math.min(left, LONGEST);
      left -= part;
      timer = setTimeout(left > 0 ? go : then, part);
    };
    go();
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  },
};
