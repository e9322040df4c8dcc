// What the codecs need of the kernel's headers: names only. Numbers, offsets and sizes are always measured by the C compiler.

const words = (text) => text.trim().split(/\s+/);

/** Headers, in the order in which they are included. */
export const HEADERS = ['linux/vfio.h', 'linux/vfio_zdev.h', 'linux/iommufd.h'];

/** Request numbers of ioctl(2): they differ between architectures. */
export const REQUESTS = words(`
  VFIO_GET_API_VERSION VFIO_CHECK_EXTENSION VFIO_SET_IOMMU
  VFIO_GROUP_GET_STATUS VFIO_GROUP_SET_CONTAINER VFIO_GROUP_UNSET_CONTAINER VFIO_GROUP_GET_DEVICE_FD
  VFIO_DEVICE_GET_INFO VFIO_DEVICE_GET_REGION_INFO VFIO_DEVICE_GET_IRQ_INFO VFIO_DEVICE_SET_IRQS VFIO_DEVICE_RESET
  VFIO_DEVICE_GET_PCI_HOT_RESET_INFO VFIO_DEVICE_PCI_HOT_RESET VFIO_DEVICE_FEATURE
  VFIO_DEVICE_BIND_IOMMUFD VFIO_DEVICE_ATTACH_IOMMUFD_PT VFIO_DEVICE_DETACH_IOMMUFD_PT
  VFIO_IOMMU_GET_INFO VFIO_IOMMU_MAP_DMA VFIO_IOMMU_UNMAP_DMA VFIO_IOMMU_ENABLE VFIO_IOMMU_DISABLE
  VFIO_IOMMU_SPAPR_TCE_GET_INFO VFIO_EEH_PE_OP VFIO_IOMMU_SPAPR_REGISTER_MEMORY VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY
  VFIO_IOMMU_SPAPR_TCE_CREATE VFIO_IOMMU_SPAPR_TCE_REMOVE
  IOMMU_DESTROY IOMMU_IOAS_ALLOC IOMMU_IOAS_IOVA_RANGES IOMMU_IOAS_MAP IOMMU_IOAS_UNMAP
`);

/** Constants, measured as 32-bit unsigned numbers. */
export const CONSTANTS = words(`
  VFIO_API_VERSION
  VFIO_TYPE1_IOMMU VFIO_SPAPR_TCE_IOMMU VFIO_TYPE1v2_IOMMU VFIO_DMA_CC_IOMMU VFIO_EEH VFIO_SPAPR_TCE_v2_IOMMU
  VFIO_NOIOMMU_IOMMU VFIO_UNMAP_ALL VFIO_UPDATE_VADDR
  VFIO_GROUP_FLAGS_VIABLE VFIO_GROUP_FLAGS_CONTAINER_SET
  VFIO_DEVICE_FLAGS_RESET VFIO_DEVICE_FLAGS_PCI VFIO_DEVICE_FLAGS_PLATFORM VFIO_DEVICE_FLAGS_AMBA VFIO_DEVICE_FLAGS_CCW
  VFIO_DEVICE_FLAGS_AP VFIO_DEVICE_FLAGS_FSL_MC VFIO_DEVICE_FLAGS_CAPS VFIO_DEVICE_FLAGS_CDX
  VFIO_DEVICE_INFO_CAP_ZPCI_BASE VFIO_DEVICE_INFO_CAP_ZPCI_GROUP VFIO_DEVICE_INFO_CAP_ZPCI_UTIL
  VFIO_DEVICE_INFO_CAP_ZPCI_PFIP VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP VFIO_DEVICE_INFO_ZPCI_FLAG_REFRESH
  VFIO_PCI_ATOMIC_COMP32 VFIO_PCI_ATOMIC_COMP64 VFIO_PCI_ATOMIC_COMP128
  VFIO_REGION_INFO_FLAG_READ VFIO_REGION_INFO_FLAG_WRITE VFIO_REGION_INFO_FLAG_MMAP VFIO_REGION_INFO_FLAG_CAPS
  VFIO_REGION_INFO_CAP_SPARSE_MMAP VFIO_REGION_INFO_CAP_TYPE VFIO_REGION_INFO_CAP_MSIX_MAPPABLE
  VFIO_REGION_TYPE_PCI_VENDOR_TYPE VFIO_REGION_TYPE_PCI_VENDOR_MASK
  VFIO_IRQ_INFO_EVENTFD VFIO_IRQ_INFO_MASKABLE VFIO_IRQ_INFO_AUTOMASKED VFIO_IRQ_INFO_NORESIZE
  VFIO_IRQ_SET_DATA_NONE VFIO_IRQ_SET_DATA_BOOL VFIO_IRQ_SET_DATA_EVENTFD
  VFIO_IRQ_SET_ACTION_MASK VFIO_IRQ_SET_ACTION_UNMASK VFIO_IRQ_SET_ACTION_TRIGGER
  VFIO_PCI_BAR0_REGION_INDEX VFIO_PCI_BAR1_REGION_INDEX VFIO_PCI_BAR2_REGION_INDEX VFIO_PCI_BAR3_REGION_INDEX
  VFIO_PCI_BAR4_REGION_INDEX VFIO_PCI_BAR5_REGION_INDEX VFIO_PCI_ROM_REGION_INDEX VFIO_PCI_CONFIG_REGION_INDEX
  VFIO_PCI_VGA_REGION_INDEX VFIO_PCI_NUM_REGIONS
  VFIO_PCI_INTX_IRQ_INDEX VFIO_PCI_MSI_IRQ_INDEX VFIO_PCI_MSIX_IRQ_INDEX VFIO_PCI_ERR_IRQ_INDEX VFIO_PCI_REQ_IRQ_INDEX
  VFIO_PCI_NUM_IRQS
  VFIO_PCI_DEVID_OWNED VFIO_PCI_DEVID_NOT_OWNED VFIO_PCI_HOT_RESET_FLAG_DEV_ID VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED
  VFIO_DEVICE_FEATURE_MASK VFIO_DEVICE_FEATURE_GET VFIO_DEVICE_FEATURE_SET VFIO_DEVICE_FEATURE_PROBE
  VFIO_DEVICE_FEATURE_PCI_VF_TOKEN VFIO_DEVICE_FEATURE_MIGRATION VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE
  VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP VFIO_DEVICE_FEATURE_LOW_POWER_EXIT
  VFIO_DEVICE_FEATURE_DMA_LOGGING_START VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT
  VFIO_DEVICE_FEATURE_MIG_DATA_SIZE VFIO_DEVICE_FEATURE_BUS_MASTER VFIO_DEVICE_FEATURE_DMA_BUF
  VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2 VFIO_DEVICE_FEATURE_ZPCI_ERROR
  VFIO_DEVICE_BIND_FLAG_TOKEN VFIO_DEVICE_ATTACH_PASID VFIO_DEVICE_DETACH_PASID
  VFIO_IOMMU_INFO_PGSIZES VFIO_IOMMU_INFO_CAPS
  VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL
  VFIO_DMA_MAP_FLAG_READ VFIO_DMA_MAP_FLAG_WRITE VFIO_DMA_MAP_FLAG_VADDR
  VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP VFIO_DMA_UNMAP_FLAG_ALL VFIO_DMA_UNMAP_FLAG_VADDR
  VFIO_IOMMU_SPAPR_INFO_DDW
  VFIO_EEH_PE_DISABLE VFIO_EEH_PE_ENABLE VFIO_EEH_PE_UNFREEZE_IO VFIO_EEH_PE_UNFREEZE_DMA VFIO_EEH_PE_GET_STATE
  VFIO_EEH_PE_STATE_NORMAL VFIO_EEH_PE_STATE_RESET VFIO_EEH_PE_STATE_STOPPED VFIO_EEH_PE_STATE_STOPPED_DMA
  VFIO_EEH_PE_STATE_UNAVAIL VFIO_EEH_PE_RESET_DEACTIVATE VFIO_EEH_PE_RESET_HOT VFIO_EEH_PE_RESET_FUNDAMENTAL
  VFIO_EEH_PE_CONFIGURE VFIO_EEH_PE_INJECT_ERR
  IOMMU_IOAS_MAP_FIXED_IOVA IOMMU_IOAS_MAP_WRITEABLE IOMMU_IOAS_MAP_READABLE
`);

/**
 * Structures and their fields, in the order of the header. `name[]` is the array at the end; a dot reaches into a nested
 * structure. Members of a union follow each other.
 */
export const STRUCTS = Object.fromEntries(
  Object.entries({
    vfio_info_cap_header: 'id version next',
    vfio_group_status: 'argsz flags',
    vfio_device_info: 'argsz flags num_regions num_irqs cap_offset pad',
    vfio_device_info_cap_pci_atomic_comp: 'header.id header.version header.next flags reserved',
    vfio_device_info_cap_zpci_base:
      'header.id header.version header.next start_dma end_dma pchid vfn fmb_length pft gid fh ccdf_err_length',
    vfio_device_info_cap_zpci_group:
      'header.id header.version header.next dasm msi_addr flags mui noi maxstbl version reserved imaxstbl',
    vfio_device_info_cap_zpci_util: 'header.id header.version header.next size util_str[]',
    vfio_device_info_cap_zpci_pfip: 'header.id header.version header.next size pfip[]',
    vfio_region_info: 'argsz flags index cap_offset size offset',
    vfio_region_sparse_mmap_area: 'offset size',
    vfio_region_info_cap_sparse_mmap: 'header.id header.version header.next nr_areas reserved areas[]',
    vfio_region_info_cap_type: 'header.id header.version header.next type subtype',
    vfio_irq_info: 'argsz flags index count',
    vfio_irq_set: 'argsz flags index start count data[]',
    vfio_pci_dependent_device: 'group_id devid segment bus devfn',
    vfio_pci_hot_reset_info: 'argsz flags count devices[]',
    vfio_pci_hot_reset: 'argsz flags count group_fds[]',
    vfio_device_feature: 'argsz flags data[]',
    vfio_device_feature_zpci_err: 'data',
    vfio_device_bind_iommufd: 'argsz flags iommufd out_devid token_uuid_ptr',
    vfio_device_attach_iommufd_pt: 'argsz flags pt_id pasid',
    vfio_device_detach_iommufd_pt: 'argsz flags pasid',
    vfio_iommu_type1_info: 'argsz flags iova_pgsizes cap_offset pad',
    vfio_iova_range: 'start end',
    vfio_iommu_type1_info_cap_iova_range: 'header.id header.version header.next nr_iovas reserved iova_ranges[]',
    vfio_iommu_type1_info_cap_migration:
      'header.id header.version header.next flags pgsize_bitmap max_dirty_bitmap_size',
    vfio_iommu_type1_info_dma_avail: 'header.id header.version header.next avail',
    vfio_iommu_type1_dma_map: 'argsz flags vaddr iova size',
    vfio_iommu_type1_dma_unmap: 'argsz flags iova size data[]',
    vfio_iommu_spapr_tce_info:
      'argsz flags dma32_window_start dma32_window_size ddw.pgsizes ddw.max_dynamic_windows_supported ddw.levels',
    vfio_iommu_spapr_register_memory: 'argsz flags vaddr size',
    vfio_iommu_spapr_tce_create: 'argsz flags page_shift __resv1 window_size levels __resv2 start_addr',
    vfio_iommu_spapr_tce_remove: 'argsz flags start_addr',
    vfio_eeh_pe_op: 'argsz flags op err.type err.func err.addr err.mask',
    iommu_destroy: 'size id',
    iommu_ioas_alloc: 'size flags out_ioas_id',
    iommu_iova_range: 'start last',
    iommu_ioas_iova_ranges: 'size ioas_id num_iovas __reserved allowed_iovas out_iova_alignment',
    iommu_ioas_map: 'size flags ioas_id __reserved user_va length iova',
    iommu_ioas_unmap: 'size ioas_id iova length',
  }).map(([name, fields]) => [name, words(fields)]),
);
