import { type RequestName } from '../../uapi/requests.js';
import { type AnswerState, type KernelAnswer } from './row.js';

const REQUESTS: readonly (readonly [RequestName, 'container' | 'group' | 'device', AnswerState, string])[] = [
  ['VFIO_GROUP_GET_STATUS', 'group', 'nodes', 'group.c:vfio_group_ioctl_get_status'],
  ['VFIO_GROUP_SET_CONTAINER', 'group', 'nodes', 'group.c:vfio_group_ioctl_set_container'],
  ['VFIO_GROUP_GET_DEVICE_FD', 'group', 'ready', 'group.c:vfio_group_ioctl_get_device_fd'],
  ['VFIO_IOMMU_GET_INFO', 'container', 'ready', 'vfio_iommu_type1.c:vfio_iommu_type1_get_info'],
  ['VFIO_IOMMU_MAP_DMA', 'container', 'ready', 'vfio_iommu_type1.c:vfio_iommu_type1_map_dma'],
  ['VFIO_IOMMU_UNMAP_DMA', 'container', 'ready', 'vfio_iommu_type1.c:vfio_iommu_type1_unmap_dma'],
  ['VFIO_DEVICE_GET_INFO', 'device', 'open', 'pci/vfio_pci_core.c:vfio_pci_ioctl_get_info'],
  ['VFIO_DEVICE_GET_REGION_INFO', 'device', 'open', 'pci/vfio_pci_core.c:vfio_pci_ioctl_get_region_info'],
  ['VFIO_DEVICE_GET_IRQ_INFO', 'device', 'open', 'pci/vfio_pci_core.c:vfio_pci_ioctl_get_irq_info'],
  ['VFIO_DEVICE_SET_IRQS', 'device', 'open', 'pci/vfio_pci_core.c:vfio_pci_ioctl_set_irqs'],
  ['VFIO_DEVICE_FEATURE', 'device', 'open', 'vfio_main.c:vfio_ioctl_device_feature'],
  ['VFIO_DEVICE_GET_PCI_HOT_RESET_INFO', 'device', 'open', 'pci/vfio_pci_core.c:vfio_pci_ioctl_get_pci_hot_reset_info'],
  ['VFIO_DEVICE_PCI_HOT_RESET', 'device', 'open', 'pci/vfio_pci_core.c:vfio_pci_ioctl_pci_hot_reset'],
];

/** Requests whose argument points nowhere. */
export const NO_ARGUMENT: readonly KernelAnswer[] = REQUESTS.map(([request, fd, state, source]) => ({
  id: `no-argument.${request.replace('VFIO_', '').toLowerCase().replaceAll('_', '-')}`,
  platforms: ['x64'],
  state,
  call: { fd, request },
  answer: 'EFAULT',
  source: `drivers/vfio/${source}`,
}));
