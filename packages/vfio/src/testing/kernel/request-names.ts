import { type RequestName, type RequestNumbers } from '../../uapi/requests.js';
import { type FileKind } from './open-file.js';

/** The requests that each kind of file knows: numbers are used twice, for a container and for a device. */
export const REQUESTS_OF: Readonly<Partial<Record<FileKind, readonly RequestName[]>>> = {
  container: [
    'VFIO_GET_API_VERSION',
    'VFIO_CHECK_EXTENSION',
    'VFIO_SET_IOMMU',
    'VFIO_IOMMU_GET_INFO',
    'VFIO_IOMMU_MAP_DMA',
    'VFIO_IOMMU_UNMAP_DMA',
    'VFIO_IOMMU_ENABLE',
    'VFIO_IOMMU_DISABLE',
    'VFIO_EEH_PE_OP',
    'VFIO_IOMMU_SPAPR_REGISTER_MEMORY',
    'VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY',
    'VFIO_IOMMU_SPAPR_TCE_CREATE',
    'VFIO_IOMMU_SPAPR_TCE_REMOVE',
  ],
  group: [
    'VFIO_GROUP_GET_STATUS',
    'VFIO_GROUP_SET_CONTAINER',
    'VFIO_GROUP_UNSET_CONTAINER',
    'VFIO_GROUP_GET_DEVICE_FD',
  ],
  device: [
    'VFIO_DEVICE_GET_INFO',
    'VFIO_DEVICE_GET_REGION_INFO',
    'VFIO_DEVICE_GET_IRQ_INFO',
    'VFIO_DEVICE_SET_IRQS',
    'VFIO_DEVICE_RESET',
    'VFIO_DEVICE_GET_PCI_HOT_RESET_INFO',
    'VFIO_DEVICE_PCI_HOT_RESET',
    'VFIO_DEVICE_FEATURE',
    'VFIO_DEVICE_BIND_IOMMUFD',
    'VFIO_DEVICE_ATTACH_IOMMUFD_PT',
    'VFIO_DEVICE_DETACH_IOMMUFD_PT',
  ],
  iommufd: ['IOMMU_DESTROY', 'IOMMU_IOAS_ALLOC', 'IOMMU_IOAS_IOVA_RANGES', 'IOMMU_IOAS_MAP', 'IOMMU_IOAS_UNMAP'],
};

/** A request's name, as a kind of file knows it; undefined for one that it does not. */
export function requestName(kind: FileKind, request: number, numbers: RequestNumbers): RequestName | undefined {
  return REQUESTS_OF[kind]?.find((name) => numbers[name] === request);
}

/** The kind of file that a request is for. */
export function kindOfRequest(name: RequestName): FileKind {
  if (name.startsWith('VFIO_DEVICE_')) return 'device';
  if (name.startsWith('VFIO_GROUP_')) return 'group';
  return name.startsWith('IOMMU_') ? 'iommufd' : 'container';
}
