import { type Bdf } from '@pci-recovery/core';

/** Return codes of OPAL calls (skiboot include/opal-api.h). Positive: milliseconds to wait before polling. */
export const OPAL = {
  SUCCESS: 0,
  PARAMETER: -1,
  BUSY: -2,
  HARDWARE: -6,
  UNSUPPORTED: -7,
  INTERNAL_ERROR: -11,
} as const;

/** The seven freeze codes of a PE (`enum OpalFreezeState`). */
export const OPAL_FREEZE = {
  NOT_FROZEN: 0,
  MMIO: 1,
  DMA: 2,
  MMIO_DMA: 3,
  RESET: 4,
  TEMPORARILY_UNAVAILABLE: 5,
  PERMANENTLY_UNAVAILABLE: 6,
} as const;

/** What an error concerns (`enum OpalPciStatusToken`). */
export const OPAL_ERROR = { NONE: 0, IOC: 1, PHB: 2, PE: 3, PE_MMIO: 4, PE_DMA: 5 } as const;

/** How bad it is (`enum OpalPciErrorSeverity`). */
export const OPAL_SEVERITY = { NONE: 0, IOC_DEAD: 1, PHB_DEAD: 2, PHB_FENCED: 3, PE_ER: 4, INFORMATIVE: 5 } as const;

/** Bits for freezing and thawing (`enum OpalEehFreezeActionToken`). */
export const OPAL_ACTION = { MMIO: 1, DMA: 2, ALL: 3 } as const;

/** What is reset (`enum OpalPciResetScope`). */
export const OPAL_RESET = { PHB_COMPLETE: 1, PHB_ERROR: 3, HOT: 4, FUNDAMENTAL: 5 } as const;

/** `enum OpalPciResetState`. */
export const OPAL_ASSERT = { DEASSERT: 0, ASSERT: 1 } as const;

/** What a reset call is about: a host bridge by its PCI domain, or a slot below one of its bridges. */
export interface OpalTarget {
  readonly phb: number;
  readonly bridge?: Bdf;
}

/**
 * OPAL firmware of PowerNV machines, as far as EEH calls it. `phb` is the PCI domain of a host bridge. `rc` and plain numbers are
 * return codes ({@link OPAL}). None of these throw.
 */
export interface OpalFirmware {
  readonly kind: 'opal';
  /** OPAL_PCI_EEH_FREEZE_STATUS. `freeze`: {@link OPAL_FREEZE}, 8 bits; `error`: {@link OPAL_ERROR}, 16 bits. */
  freezeStatus(phb: number, pe: number): { readonly rc: number; readonly freeze: number; readonly error: number };
  /** OPAL_PCI_EEH_FREEZE_CLEAR with bits of {@link OPAL_ACTION}. */
  freezeClear(phb: number, pe: number, action: number): number;
  /** OPAL_PCI_EEH_FREEZE_SET. */
  freezeSet(phb: number, pe: number, action: number): number;
  /** OPAL_PCI_RESET. */
  reset(target: OpalTarget, scope: number, assert: number): number;
  /** OPAL_PCI_POLL: positive while a reset is under way. */
  poll(target: OpalTarget): number;
  /** OPAL_PCI_GET_PHB_DIAG_DATA2: the blob whole, big-endian (R4.7). */
  diagData(phb: number): { readonly rc: number; readonly blob: Uint8Array };
  /** OPAL_PCI_NEXT_ERROR. */
  nextError(phb: number): {
    readonly rc: number;
    readonly pe: number;
    readonly error: number;
    readonly severity: number;
  };
  /** OPAL_PCI_REINIT of one function. */
  reinit(phb: number, bdf: Bdf): number;
  /** OPAL_PCI_ERR_INJECT. Address and mask are 64 bits. */
  injectError(phb: number, pe: number, type: number, func: number, address: bigint, mask: bigint): number;
}
