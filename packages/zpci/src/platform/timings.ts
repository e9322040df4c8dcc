/** How long busy firmware is waited for: milliseconds from 0, whole numbers of times from 0 or Infinity. */
export interface ZpciTimings {
  /** Milliseconds before a busy CLP command is given again. */
  readonly commandBusyMs: number;
  /** So often it is given again. */
  readonly commandRetries: number;
  /** Milliseconds before a busy instruction is given again. */
  readonly instructionBusyMs: number;
  /** So often it is given again; the kernel has no limit. */
  readonly instructionRetries: number;
}

/**
 * The kernel's, but for the limit of instructions. Source: Linux 7.3 arch/s390/pci/pci_clp.c:clp_set_pci_fn,
 * pci_insn.c:zpci_mod_fc.
 */
export const ZPCI_KERNEL_TIMINGS: ZpciTimings = {
  commandBusyMs: 20,
  commandRetries: 100,
  instructionBusyMs: 1,
  instructionRetries: 2000,
};
