/**
 * Response codes of CLP commands, 16 bits. A code that is not here is a failure too.
 *
 * Source: Linux 7.3 arch/s390/include/asm/clp.h, pci_clp.h.
 */
export const CLP = {
  OK: 0x0010,
  /** Invalid function handle. */
  INVALID_HANDLE: 0x0101,
  /** The handle is not valid for this operation. */
  WRONG_HANDLE: 0x0102,
  INSUFFICIENT_RESOURCES: 0x0104,
  /** The function is in the requested state already. */
  ALREADY: 0x0105,
  /** The function is in a permanent error state. */
  PERMANENT_ERROR: 0x0106,
  /** Error recovery is pending. */
  RECOVERY_PENDING: 0x0107,
  BUSY: 0x0108,
} as const;

/** Condition codes of PCI instructions (Linux 7.3 arch/s390/include/asm/pci_insn.h). */
export const CC = { OK: 0, ERROR: 1, BUSY: 2, INVALID_HANDLE: 3 } as const;

/** Status codes that come with condition code 1 (Linux 7.3 arch/s390/include/asm/pci_insn.h). */
export const PCI_STATUS = {
  NOT_ENABLED: 4,
  IN_ERROR: 8,
  BLOCKED: 12,
  ALREADY: 44,
} as const;

/** Function controls, as Store PCI Function Controls gives them (Linux 7.3 arch/s390/include/asm/pci_insn.h). */
export const FUNCTION_CONTROLS = { ENABLED: 0x80, ERROR: 0x40, BLOCKED: 0x20, DMA_REGISTERED: 0x10 } as const;

/** The bit of a function handle that says enabled. */
export const HANDLE_ENABLED = 0x8000_0000;

/** Whether a handle is that of an enabled function (Linux 7.3 arch/s390/include/asm/pci.h:zdev_enabled). */
export const isEnabled = (fh: number): boolean => (fh & HANDLE_ENABLED) !== 0;
