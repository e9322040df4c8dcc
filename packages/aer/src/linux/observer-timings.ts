/** How long an observer waits for what, in milliseconds. */
export interface AerObserverTimings {
  /** The host's own recovery may take that long; after that its end counts as not seen. */
  readonly host: number;
  /** A trace may be that late after the host's first uevent, before counters are asked instead. */
  readonly grace: number;
  /** Nobody of a scope recovers any more, and no uevent came for that long: the last ones count. */
  readonly calm: number;
  /** An error of which no uevent tells for that long is nobody's: drivers without error handlers hear nothing until the host gives up. */
  readonly unheard: number;
  /** A function may take that long to answer after the host's word. */
  readonly answer: number;
  /** Between two looks at a function. */
  readonly poll: number;
  /** Where nothing traces errors, correctable ones are looked for in counters that often. */
  readonly counters: number;
}

/** Linux 7.3 waits up to 60 s for a device after a reset (drivers/pci/pci.h:PCIE_RESET_READY_POLL_MS); the rest is a choice. */
export const AER_OBSERVER_TIMINGS: AerObserverTimings = {
  host: 180_000,
  grace: 500,
  calm: 2_000,
  unheard: 65_000,
  answer: 5_000,
  poll: 100,
  counters: 10_000,
};
