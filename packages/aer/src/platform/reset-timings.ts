/** How long resets take and are waited for, in milliseconds. */
export interface ResetTimings {
  /** Reset is held that long on a secondary bus (≥ 1). */
  readonly assert: number;
  /** After reset exit, or after the link came up, before the first access (PCIe r6.1 §6.6.1). */
  readonly settle: number;
  /** On conventional PCI, before the first access and `settle` on top. */
  readonly conventional: number;
  /** A function that does not answer within that time on a slow link, and whose link is down, is not there. */
  readonly answer: number;
  /** A fast link is left alone for that long: until then its status may still be that from before the reset. */
  readonly detect: number;
  /** After that the link may take that long to come up. */
  readonly link: number;
  /** Interval at which the link is looked at. */
  readonly linkPoll: number;
  /** A function that is busy (Request Retry Status) may take that long. */
  readonly ready: number;
  /** Pending transactions are waited for that long before an FLR, then twice and four times as long. */
  readonly pending: number;
  /** An FLR is complete after that time. */
  readonly flr: number;
}

/**
 * The kernel's. Source: Linux 7.3 drivers/pci/pci.c:pci_reset_secondary_bus, pci_bridge_wait_for_secondary_bus,
 * pcie_wait_for_link_delay, pcie_wait_for_link_status, pci_dev_wait, pci_wait_for_pending, pcie_flr; drivers/pci/pci.h:PCI_RESET_WAIT, PCIE_RESET_READY_POLL_MS.
 */
export const KERNEL_TIMINGS: ResetTimings = {
  assert: 2,
  settle: 100,
  conventional: 1000,
  answer: 1000,
  detect: 20,
  link: 1000,
  linkPoll: 1,
  ready: 60_000,
  pending: 100,
  flr: 100,
};
