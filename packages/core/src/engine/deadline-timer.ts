import { type Clock } from '../contract/clock.js';

const NS_PER_MS = 1e6;

/** What has a deadline. */
export interface Overrunnable {
  /** It is over, and nothing came. */
  overrun(): void;
}

/**
 * The deadlines of callbacks that are called one after the other, by one timer: nearly all of them answer in time, and making
 * a timer for each costs more than calling it. A timer that was set for one that has answered keeps running; when it fires, it
 * is set anew for what is left of the current one.
 */
export class DeadlineTimer implements Disposable {
  readonly #clock: Clock;
  #timer: Disposable | undefined;
  /** What the timer was set for, nanoseconds on the clock; Infinity: it is not set. */
  #fires = Infinity;
  #due = Infinity;
  #current: Overrunnable | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** One begins at `now` (nanoseconds on the clock) and may take `ms` milliseconds; Infinity: as long as it likes. */
  begin(current: Overrunnable, now: number, ms: number): void {
    this.#current = current;
    this.#due = now + ms * NS_PER_MS;
    if (this.#due < this.#fires) this.#set(ms);
  }

  /** It was in time. */
  end(): void {
    this.#current = undefined;
    this.#due = Infinity;
  }

  [Symbol.dispose](): void {
    this.end();
    this.#timer?.[Symbol.dispose]();
  }

  #set(ms: number): void {
    this.#timer?.[Symbol.dispose]();
    this.#fires = this.#due;
    this.#timer = this.#clock.after(ms, () => this.#fired());
  }

  /** The clock is not read: a timer that fires counts, whatever else the clock says. */
  #fired(): void {
    const left = this.#due - this.#fires;
    this.#timer = undefined;
    this.#fires = Infinity;
    if (left <= 0) this.#current?.overrun();
    else if (left < Infinity) this.#set(Math.ceil(left / NS_PER_MS));
  }
}
