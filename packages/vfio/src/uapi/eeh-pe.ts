import { UAPI } from './abi/constants.js';
import { type ByteOrder, HOST_BYTE_ORDER } from './byte-order.js';
import { badField, encodeStruct } from './struct/encode.js';
import { kernelReply } from './struct/kernel-reply.js';
import { sizeOf } from './struct/tables.js';

const STRUCT = 'vfio_eeh_pe_op';

/** The ten operations of VFIO_EEH_PE_OP (R4.11). */
export const EEH_PE_OP = {
  disable: UAPI.VFIO_EEH_PE_DISABLE,
  enable: UAPI.VFIO_EEH_PE_ENABLE,
  unfreezeIo: UAPI.VFIO_EEH_PE_UNFREEZE_IO,
  unfreezeDma: UAPI.VFIO_EEH_PE_UNFREEZE_DMA,
  getState: UAPI.VFIO_EEH_PE_GET_STATE,
  resetDeactivate: UAPI.VFIO_EEH_PE_RESET_DEACTIVATE,
  resetHot: UAPI.VFIO_EEH_PE_RESET_HOT,
  resetFundamental: UAPI.VFIO_EEH_PE_RESET_FUNDAMENTAL,
  configure: UAPI.VFIO_EEH_PE_CONFIGURE,
  injectError: UAPI.VFIO_EEH_PE_INJECT_ERR,
} as const;

/** Name of an operation. */
export type EehPeOperation = keyof typeof EEH_PE_OP;

/** States of a PE as VFIO_EEH_PE_GET_STATE answers them (arch/powerpc/kernel/eeh.c:eeh_pe_get_state). */
export const EEH_PE_STATE = {
  normal: UAPI.VFIO_EEH_PE_STATE_NORMAL,
  /** A reset is asserted. */
  reset: UAPI.VFIO_EEH_PE_STATE_RESET,
  /** MMIO and DMA are frozen. */
  stopped: UAPI.VFIO_EEH_PE_STATE_STOPPED,
  /** Only DMA is frozen. */
  stoppedDma: UAPI.VFIO_EEH_PE_STATE_STOPPED_DMA,
  /** Not to be had just now: also while the host recovers a parent PE. */
  unavailable: UAPI.VFIO_EEH_PE_STATE_UNAVAIL,
} as const;

/** Name of a state. */
export type EehPeState = keyof typeof EEH_PE_STATE;

/** An error to inject. `type`: 0 for 32-bit, 1 for 64-bit MMIO; `func`: the kind of access (EEH_ERR_FUNC_*, 0–19). */
export interface EehInjection {
  readonly type: number;
  readonly func: number;
  /** Bus address, and the bits of it that count. */
  readonly address: bigint;
  readonly mask: bigint;
}

/**
 * VFIO_EEH_PE_OP: asked of a SPAPR TCE container, it acts on the PE of **every** group in it, so keep one group per container
 * (drivers/vfio/vfio_iommu_spapr_tce.c:tce_iommu_ioctl). ENODEV: the group has no PE. Reading the state can itself mark a
 * PE as isolated in the kernel. The answer of `getState` is the call's result; nothing is written back.
 */
export const eehPe = {
  request: 'VFIO_EEH_PE_OP',
  /** The argument for any operation but `injectError`. */
  encodeRequest(operation: Exclude<EehPeOperation, 'injectError'>, order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
    if (!Object.hasOwn(EEH_PE_OP, operation) || (operation as EehPeOperation) === 'injectError') {
      throw badField(
        STRUCT,
        'op',
        operation,
        `it is one of ${Object.keys(EEH_PE_OP).join(', ')}; errors have a request of their own`,
      );
    }
    return encodeStruct(STRUCT, { argsz: sizeOf(STRUCT), op: EEH_PE_OP[operation] }, { order });
  },
  /** The argument for `injectError`. */
  encodeInjection({ type, func, address, mask }: EehInjection, order: ByteOrder = HOST_BYTE_ORDER): Uint8Array {
    const error = { 'err.type': type, 'err.func': func, 'err.addr': address, 'err.mask': mask };
    return encodeStruct(STRUCT, { argsz: sizeOf(STRUCT), op: EEH_PE_OP.injectError, ...error }, { order });
  },
  /**
   * The state that `getState` answered.
   * @param result what ioctl(2) answered, ≥ 0
   * @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY` for a state that there is not
   */
  decodeState(result: number): EehPeState {
    const found = Object.entries(EEH_PE_STATE).find(([, value]) => value === result);
    if (!found) throw kernelReply(STRUCT, 'state', result, `states are ${Object.values(EEH_PE_STATE).join(', ')}`);
    return found[0] as EehPeState;
  },
} as const;
