/** How long an owner waits for what, in milliseconds. */
export interface AerOwnerTimings {
  /**
   * The host's own recovery may take that long: its reset waits up to 60 s for a device, and callbacks of other drivers take time
   * too. After that the device is given up.
   */
  readonly host: number;
  /** A signal without any evidence is watched that long before it counts as unexplained. */
  readonly grace: number;
  /** A device may take that long to answer once the host has ended. */
  readonly answer: number;
  /** Between the first two looks at a device; then the pauses double, up to a second. */
  readonly poll: number;
  /** Where no uevent says that the host has ended, everything must have been calm for that long. */
  readonly calm: number;
}

/** Linux 7.3 drivers/pci/pci.h:PCIE_RESET_READY_POLL_MS gives the longest wait; the rest is a choice. */
export const AER_OWNER_TIMINGS: AerOwnerTimings = { host: 180_000, grace: 500, answer: 60_000, poll: 10, calm: 2_000 };
