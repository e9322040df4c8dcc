import { type Bdf } from '@pci-recovery/core';

/** Status of RTAS calls (PAPR). 9900–9905: busy, come back in 10^(status − 9900) ms. */
export const RTAS = {
  SUCCESS: 0,
  HARDWARE_ERROR: -1,
  BUSY: -2,
  PARAMETER_ERROR: -3,
  NOT_SUPPORTED: -8,
  EXTENDED_DELAY_MIN: 9900,
  EXTENDED_DELAY_MAX: 9905,
} as const;

/** PE states of ibm,read-slot-reset-state2. */
export const RTAS_STATE = { NORMAL: 0, RESET: 1, STOPPED: 2, DMA_STOPPED: 4, UNAVAILABLE: 5 } as const;

/** Milliseconds that a busy status asks for; 0: not busy. Source: Linux 7.3 arch/powerpc/kernel/rtas.c:rtas_busy_delay_time. */
export function busyDelay(status: number): number {
  if (status === RTAS.BUSY) return 1;
  if (status < RTAS.EXTENDED_DELAY_MIN || status > RTAS.EXTENDED_DELAY_MAX) return 0;
  return 10 ** (status - RTAS.EXTENDED_DELAY_MIN);
}

/**
 * RTAS firmware of pSeries machines, as far as EEH calls it. `phb` is the PCI domain of a host bridge (its BUID is the
 * adapter's matter), `pe` a PE's configuration address. Numbers without a name are statuses ({@link RTAS}). None of these
 * throw.
 */
export interface RtasFirmware {
  readonly kind: 'rtas';
  /** ibm,get-config-addr-info2, functions 1 and 0: the PE's configuration address; undefined: not part of a PE. */
  configAddress(bdf: Bdf): number | undefined;
  /** ibm,set-eeh-option: 0 disable, 1 enable, 2 thaw MMIO, 3 thaw DMA. */
  setEehOption(phb: number, pe: number, option: number): number;
  /** ibm,read-slot-reset-state2. `wait`: milliseconds after which an unavailable PE is worth asking again. */
  readSlotResetState(
    phb: number,
    pe: number,
  ): { readonly status: number; readonly state: number; readonly supported: boolean; readonly wait: number };
  /** ibm,set-slot-reset: 0 deactivate, 1 hot, 3 fundamental. */
  setSlotReset(phb: number, pe: number, option: number): number;
  /** ibm,configure-pe. */
  configurePe(phb: number, pe: number): number;
  /** ibm,slot-error-detail. `severity`: 1 temporary, 2 permanent. */
  slotErrorDetail(phb: number, pe: number, severity: number): { readonly status: number; readonly log: Uint8Array };
  /**
   * ibm,open-sriov-allow-unfreeze: the PEs of these virtual functions of a physical one may be thawed; absent: firmware has
   * none.
   */
  allowUnfreeze?(physical: Bdf, virtual: readonly Bdf[]): number;
  /** ibm,errinjct; absent: firmware has none. */
  injectError?(phb: number, pe: number, type: number, func: number, address: bigint, mask: bigint): number;
}
