import { type StructName } from '../../../src/uapi/index.js';
import { DEVICE_REPLIES } from './device.js';
import { DMA_REPLIES } from './dma.js';

export { type ReplyCase } from './reply-case.js';

/** Every structure that the kernel writes. */
export const REPLIES = [...DEVICE_REPLIES, ...DMA_REPLIES];

/** Structures that the kernel only reads. */
export const ONLY_READ_BY_KERNEL: readonly StructName[] = [
  'vfio_irq_set',
  'vfio_pci_hot_reset',
  'vfio_device_feature_zpci_err',
  'vfio_device_detach_iommufd_pt',
  'vfio_iommu_type1_dma_map',
  'vfio_iommu_spapr_register_memory',
  'vfio_iommu_spapr_tce_remove',
  'vfio_eeh_pe_op',
  'iommu_destroy',
];
