/** What a PE's state consists of, in the kernel's bits (arch/powerpc/include/asm/eeh.h: EEH_STATE_*). */
export const EEH_STATE = {
  UNAVAILABLE: 1 << 0,
  NOT_SUPPORTED: 1 << 1,
  RESET_ACTIVE: 1 << 2,
  MMIO_ACTIVE: 1 << 3,
  DMA_ACTIVE: 1 << 4,
  MMIO_ENABLED: 1 << 5,
  DMA_ENABLED: 1 << 6,
} as const;

const MMIO = EEH_STATE.MMIO_ACTIVE | EEH_STATE.MMIO_ENABLED;
const DMA = EEH_STATE.DMA_ACTIVE | EEH_STATE.DMA_ENABLED;

/** Everything works. */
export const WORKING = MMIO | DMA;

/**
 * State by OPAL freeze code (Linux 7.3 arch/powerpc/platforms/powernv/eeh-powernv.c:pnv_eeh_get_pe_state). Index: 0–6;
 * anything else is not supported.
 */
export const STATE_OF_OPAL_FREEZE: readonly number[] = [
  WORKING,
  DMA,
  MMIO,
  0,
  EEH_STATE.RESET_ACTIVE,
  EEH_STATE.UNAVAILABLE,
  EEH_STATE.NOT_SUPPORTED,
];

/**
 * State by RTAS PE state (Linux 7.3 arch/powerpc/platforms/pseries/eeh_pseries.c:pseries_eeh_get_state); 5 depends on the
 * wait that comes with it, anything else is not supported. A PE in reset counts as active.
 */
export const STATE_OF_RTAS: Readonly<Record<number, number>> = {
  0: WORKING,
  1: EEH_STATE.RESET_ACTIVE | EEH_STATE.MMIO_ACTIVE | EEH_STATE.DMA_ACTIVE,
  2: 0,
  4: EEH_STATE.MMIO_ENABLED,
};

/** Neither MMIO nor DMA is stopped (eeh.h:eeh_state_active). Also false for errors (negative) and unknown states. */
export const isActive = (state: number): boolean =>
  state >= 0 &&
  (state & (EEH_STATE.MMIO_ACTIVE | EEH_STATE.DMA_ACTIVE)) === (EEH_STATE.MMIO_ACTIVE | EEH_STATE.DMA_ACTIVE);

/** What is asked of a PE (eeh.h: EEH_OPT_*). */
export const EEH_OPTION = { DISABLE: 0, ENABLE: 1, THAW_MMIO: 2, THAW_DMA: 3, FREEZE: 4 } as const;

/** Resets of a PE (eeh.h: EEH_RESET_*). */
export const EEH_RESET = { DEACTIVATE: 0, HOT: 1, FUNDAMENTAL: 3 } as const;

/** Severities of a log (eeh.h: EEH_LOG_*). */
export const EEH_LOG = { temporary: 1, permanent: 2 } as const;
