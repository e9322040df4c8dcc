import { type Clock } from '../contract/clock.js';

/** The longest time that a timer of Node.js takes, milliseconds; it takes anything longer for 1 ms. */
const LONGEST = 2 ** 31 - 1;

/** The machine's own time. Its timers keep the process alive. */
export const systemClock: Clock = {
  monotonic: () => Math.round(performance.now() * 1e6),
  wall: () => Date.now(),
  after: (ms, then) => new Timer(ms, then),
};

/** A timer of Node.js is disposable by itself, but one that a test fakes is not. */
class Timer implements Disposable {
  #timer: NodeJS.Timeout;

  constructor(ms: number, then: () => void) {
    this.#timer = ms <= LONGEST ? setTimeout(then, ms) : this.#inParts(ms, then);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  /** A time that no timer takes at once. */
  #inParts(ms: number, then: () => void): NodeJS.Timeout {
    const left = ms - LONGEST;
    return setTimeout(() => {
      this.#timer = left <= LONGEST ? setTimeout(then, left) : this.#inParts(left, then);
    }, LONGEST);
  }
}
