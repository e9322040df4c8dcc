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
  /** The link may take that long to come up. */
  readonly link: number;
  /** Interval at which the link is looked at. */
  readonly linkPoll: number;
  /** A function that is busy (Request Retry Status) may take that long. */
  readonly ready: number;
  /** An FLR is complete after that time. */
  readonly flr: number;
}

/**
 * The kernel's. Source: Linux 7.3 drivers/pci/pci.c:pci_reset_secondary_bus, pci_bridge_wait_for_secondary_bus,
 * pcie_wait_for_link_delay, pci_dev_wait, pcie_flr; drivers/pci/pci.h:PCI_RESET_WAIT, PCIE_RESET_READY_POLL_MS.
 */
export const KERNEL_TIMINGS: ResetTimings = {
  assert: 2,
  settle: 100,
  conventional: 1000,
  answer: 1000,
  link: 1000,
  linkPoll: 10,
  ready: 60_000,
  flr: 100,
};
