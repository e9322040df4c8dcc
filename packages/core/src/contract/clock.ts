/** Time, injected: nothing in this project reads a clock by itself. */
export interface Clock {
  /** Nanoseconds since some fixed moment; never goes back. A double: exact to 1 ns for the first 104 days. */
  monotonic(): number;
  /** Milliseconds since 1970-01-01 UTC. */
  wall(): number;
  /** Calls `then` once, `ms` milliseconds from now, unless disposed before. */
  after(ms: number, then: () => void): Disposable;
}
