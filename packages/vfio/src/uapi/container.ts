import { UAPI } from './abi/constants.js';
import { badField } from './struct/encode.js';
import { kernelReply } from './struct/kernel-reply.js';

/** What VFIO_CHECK_EXTENSION can be asked for; the first four `…Iommu` are what VFIO_SET_IOMMU takes. */
export const EXTENSION = {
  type1Iommu: UAPI.VFIO_TYPE1_IOMMU,
  type1v2Iommu: UAPI.VFIO_TYPE1v2_IOMMU,
  spaprTceIommu: UAPI.VFIO_SPAPR_TCE_IOMMU,
  spaprTceV2Iommu: UAPI.VFIO_SPAPR_TCE_v2_IOMMU,
  noiommuIommu: UAPI.VFIO_NOIOMMU_IOMMU,
  /** The IOMMU enforces cache coherence; can change as groups come and go. */
  dmaCc: UAPI.VFIO_DMA_CC_IOMMU,
  /** EEH through VFIO_EEH_PE_OP (R4.11). */
  eeh: UAPI.VFIO_EEH,
  unmapAll: UAPI.VFIO_UNMAP_ALL,
  updateVaddr: UAPI.VFIO_UPDATE_VADDR,
} as const;

/** An extension, by name. */
export type Extension = keyof typeof EXTENSION;

/** A kind of IOMMU that a container can be given. */
export type IommuType = Extract<Extension, `${string}Iommu`>;

const numberOf = (name: string, field: string): number => {
  if (!Object.hasOwn(EXTENSION, name)) {
    throw badField('ioctl', field, name, `known are ${Object.keys(EXTENSION).join(', ')}`);
  }
  return EXTENSION[name as Extension];
};

/** VFIO_GET_API_VERSION: no argument. */
export const apiVersion = {
  request: 'VFIO_GET_API_VERSION',
  argument: undefined,
  /** @throws PciRecoveryError `ERR_PCI_KERNEL_REPLY` for another version than 0, the only one there is */
  decodeResult(result: number): typeof UAPI.VFIO_API_VERSION {
    if (result !== UAPI.VFIO_API_VERSION) {
      throw kernelReply(
        'ioctl',
        'VFIO_GET_API_VERSION',
        result,
        `this package speaks version ${UAPI.VFIO_API_VERSION}`,
      );
    }
    return result;
  },
} as const;

/**
 * VFIO_CHECK_EXTENSION: takes a number. Answers for the container's IOMMU when one is set, else for any that the kernel
 * could set (drivers/vfio/container.c:vfio_container_ioctl_check_extension).
 */
export const checkExtension = {
  request: 'VFIO_CHECK_EXTENSION',
  /** The call's argument, by value. */
  argument: (extension: Extension): number => numberOf(extension, 'VFIO_CHECK_EXTENSION'),
  /** 0: no; anything above: yes. */
  decodeResult: (result: number): boolean => result > 0,
} as const;

/**
 * VFIO_SET_IOMMU: takes a number. A group must be attached before; EBUSY or EINVAL when there is one already.
 */
export const setIommu = {
  request: 'VFIO_SET_IOMMU',
  /** The call's argument, by value. */
  argument(type: IommuType): number {
    if (!type.endsWith('Iommu')) throw badField('ioctl', 'VFIO_SET_IOMMU', type, 'it is a kind of IOMMU');
    return numberOf(type, 'VFIO_SET_IOMMU');
  },
} as const;
