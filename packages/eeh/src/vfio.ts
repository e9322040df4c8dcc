/** Operations of the VFIO_EEH_PE_OP ioctl (Linux 7.3 include/uapi/linux/vfio.h; R4.11). */
export const VFIO_EEH_PE = {
  DISABLE: 0,
  ENABLE: 1,
  UNFREEZE_IO: 2,
  UNFREEZE_DMA: 3,
  GET_STATE: 4,
  RESET_DEACTIVATE: 5,
  RESET_HOT: 6,
  RESET_FUNDAMENTAL: 7,
  CONFIGURE: 8,
  INJECT_ERR: 9,
} as const;

/** What GET_STATE answers. */
export const VFIO_EEH_PE_STATE = { NORMAL: 0, RESET: 1, STOPPED: 2, STOPPED_DMA: 4, UNAVAILABLE: 5 } as const;

/** Parameters of INJECT_ERR. Address and mask are 64 bits. */
export interface EehInjection {
  /** 0: 32-bit, 1: 64-bit bus error. */
  readonly type: number;
  /** 0–19: which access fails, and where. */
  readonly func: number;
  readonly address: bigint;
  readonly mask: bigint;
}
