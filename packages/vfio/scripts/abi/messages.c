/* Whole messages, built by C the way a C program would: what the codecs write must be the same bytes. */
static void message(const char *name, const void *memory, unsigned long length) {
  printf(",\n[\"message\",\"%s\",\"", name);
  hex(memory, length);
  printf("\"]");
}

static void irqs(void) {
  struct { struct vfio_irq_set set; __s32 fds[3]; } events = {
    { .argsz = sizeof(events), .flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
      .index = VFIO_PCI_MSIX_IRQ_INDEX, .start = 1, .count = 3 }, { 17, -1, 0x01020304 } };
  message("irq-set eventfds", &events, sizeof(events));
  struct vfio_irq_set off = { .argsz = sizeof(off), .flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
    .index = VFIO_PCI_ERR_IRQ_INDEX };
  message("irq-set disable", &off, sizeof(off));
  unsigned char memory[sizeof(struct vfio_irq_set) + 2];
  struct vfio_irq_set bools = { .argsz = sizeof(memory), .flags = VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_ACTION_MASK,
    .index = VFIO_PCI_INTX_IRQ_INDEX, .count = 2 };
  memcpy(memory, &bools, sizeof(bools));
  memory[sizeof(bools)] = 1;
  memory[sizeof(bools) + 1] = 0;
  message("irq-set bools", memory, sizeof(memory));
}

static void resets(void) {
  struct { struct vfio_pci_hot_reset reset; __s32 fds[2]; } groups = { { .argsz = sizeof(groups), .count = 2 }, { 5, 6 } };
  message("hot-reset groups", &groups, sizeof(groups));
  struct vfio_pci_hot_reset cdev = { .argsz = sizeof(cdev) };
  message("hot-reset cdev", &cdev, sizeof(cdev));
  struct { struct vfio_pci_hot_reset_info info; struct vfio_pci_dependent_device devices[2]; } reply = {
    { .argsz = sizeof(reply), .flags = VFIO_PCI_HOT_RESET_FLAG_DEV_ID, .count = 2 },
    { { .devid = 7, .segment = 0x1234, .bus = 0x81, .devfn = 0xfb },
      { .devid = VFIO_PCI_DEVID_NOT_OWNED, .segment = 0x1234, .bus = 0x81, .devfn = 0xfc } } };
  message("hot-reset-info reply", &reply, sizeof(reply));
}

static void features(void) {
  struct { __u32 argsz, flags; struct vfio_device_feature_zpci_err data; } error = {
    sizeof(error), VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_ZPCI_ERROR, { .data = 0x00007fedcba98760ULL } };
  message("feature zpci-error", &error, sizeof(error));
  struct vfio_device_feature probe = { .argsz = sizeof(probe),
    .flags = VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_ZPCI_ERROR };
  message("feature probe", &probe, sizeof(probe));
}

static void device_info(void) {
  static const unsigned char util[] = { 0xd9, 0xd6, 0xc3, 0xc5, 0x40, 0xf1, 0x40, 0x40 }; /* "ROCE 1" in EBCDIC */
  struct {
    struct vfio_device_info info;
    struct vfio_device_info_cap_zpci_base base;
    struct vfio_device_info_cap_zpci_group group;
    struct { struct vfio_info_cap_header header; __u32 size; __u8 text[8]; __u8 pad[4]; } util;
    struct { struct vfio_info_cap_header header; __u32 size; __u8 path[4]; } pfip;
    struct vfio_device_info_cap_pci_atomic_comp atomic;
  } reply;
  memset(&reply, 0, sizeof(reply));
#define AT(member) ((__u32)__builtin_offsetof(__typeof__(reply), member))
  reply.info = (struct vfio_device_info){ .argsz = sizeof(reply), .num_regions = 9, .num_irqs = 5,
    .flags = VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_CAPS, .cap_offset = AT(base) };
  reply.base = (struct vfio_device_info_cap_zpci_base){
    .header = { VFIO_DEVICE_INFO_CAP_ZPCI_BASE, 3, AT(group) }, .start_dma = 0x100000000ULL, .end_dma = 0x1ffffffffULL,
    .pchid = 0x1c1, .vfn = 2, .fmb_length = 40, .pft = 2, .gid = 10, .fh = 0x84030201, .ccdf_err_length = 32 };
  reply.group = (struct vfio_device_info_cap_zpci_group){
    .header = { VFIO_DEVICE_INFO_CAP_ZPCI_GROUP, 2, AT(util) }, .dasm = 0xfffffffffff00000ULL, .msi_addr = 0xfee0000000000000ULL,
    .flags = VFIO_DEVICE_INFO_ZPCI_FLAG_REFRESH, .mui = 4000, .noi = 2048, .maxstbl = 128, .version = 1, .imaxstbl = 128 };
  reply.util.header = (struct vfio_info_cap_header){ VFIO_DEVICE_INFO_CAP_ZPCI_UTIL, 1, AT(pfip) };
  reply.util.size = sizeof(util);
  memcpy(reply.util.text, util, sizeof(util));
  reply.pfip.header = (struct vfio_info_cap_header){ VFIO_DEVICE_INFO_CAP_ZPCI_PFIP, 1, AT(atomic) };
  reply.pfip.size = 4;
  memcpy(reply.pfip.path, "\x04\x1c\x01\x00", 4);
  reply.atomic = (struct vfio_device_info_cap_pci_atomic_comp){ .header = { VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP, 1, 0 },
    .flags = VFIO_PCI_ATOMIC_COMP32 | VFIO_PCI_ATOMIC_COMP128 };
  message("device-info reply", &reply, sizeof(reply));
#undef AT
}

static void region_info(void) {
  struct {
    struct vfio_region_info info;
    struct { struct vfio_info_cap_header header; __u32 nr_areas, reserved; struct vfio_region_sparse_mmap_area areas[2]; } sparse;
    struct vfio_info_cap_header mappable;
    struct vfio_region_info_cap_type type;
  } reply;
  memset(&reply, 0, sizeof(reply));
#define AT(member) ((__u32)__builtin_offsetof(__typeof__(reply), member))
  reply.info = (struct vfio_region_info){ .argsz = sizeof(reply), .index = 2, .cap_offset = AT(sparse), .size = 0x4000,
    .flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE | VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_CAPS,
    .offset = 2ULL << 40 };
  reply.sparse.header = (struct vfio_info_cap_header){ VFIO_REGION_INFO_CAP_SPARSE_MMAP, 1, AT(mappable) };
  reply.sparse.nr_areas = 2;
  reply.sparse.areas[0] = (struct vfio_region_sparse_mmap_area){ 0, 0x1000 };
  reply.sparse.areas[1] = (struct vfio_region_sparse_mmap_area){ 0x2000, 0x2000 };
  reply.mappable = (struct vfio_info_cap_header){ VFIO_REGION_INFO_CAP_MSIX_MAPPABLE, 1, AT(type) };
  reply.type = (struct vfio_region_info_cap_type){ .header = { VFIO_REGION_INFO_CAP_TYPE, 1, 0 },
    .type = VFIO_REGION_TYPE_PCI_VENDOR_TYPE | 0x8086, .subtype = 1 };
  message("region-info reply", &reply, sizeof(reply));
#undef AT
}

static void iommu(void) {
  struct vfio_eeh_pe_op inject = { .argsz = sizeof(inject), .op = VFIO_EEH_PE_INJECT_ERR,
    .err = { .type = 1, .func = 0x12, .addr = 0x3fe000000000ULL, .mask = 0xfffff000ULL } };
  message("eeh inject", &inject, sizeof(inject));
  struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map), .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
    .vaddr = 0x7f0000001000ULL, .iova = 0x100000ULL, .size = 0x2000 };
  message("type1 map", &map, sizeof(map));
  struct iommu_ioas_map fixed = { .size = sizeof(fixed), .ioas_id = 3, .user_va = 0x7f0000001000ULL, .length = 0x2000,
    .iova = 0x100000ULL, .flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_WRITEABLE | IOMMU_IOAS_MAP_READABLE };
  message("ioas map", &fixed, sizeof(fixed));
  struct {
    struct vfio_iommu_type1_info info;
    struct vfio_iommu_type1_info_cap_migration migration;
    struct vfio_iommu_type1_info_dma_avail avail;
    __u32 gap;
    struct { struct vfio_info_cap_header header; __u32 nr_iovas, reserved; struct vfio_iova_range ranges[2]; } iovas;
  } reply;
  memset(&reply, 0, sizeof(reply));
#define AT(member) ((__u32)__builtin_offsetof(__typeof__(reply), member))
  reply.info = (struct vfio_iommu_type1_info){ .argsz = sizeof(reply), .flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS,
    .iova_pgsizes = 0x40201000ULL, .cap_offset = AT(migration) };
  reply.migration = (struct vfio_iommu_type1_info_cap_migration){
    .header = { VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION, 1, AT(avail) }, .pgsize_bitmap = 0x1000, .max_dirty_bitmap_size = 0x10000000 };
  reply.avail = (struct vfio_iommu_type1_info_dma_avail){ .header = { VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, 1, AT(iovas) }, .avail = 65535 };
  reply.iovas.header = (struct vfio_info_cap_header){ VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, 1, 0 };
  reply.iovas.nr_iovas = 2;
  reply.iovas.ranges[0] = (struct vfio_iova_range){ 0, 0xfedfffffULL };
  reply.iovas.ranges[1] = (struct vfio_iova_range){ 0xfef00000ULL, 0xffffffffffffffffULL };
  message("type1 info reply", &reply, sizeof(reply));
#undef AT
}

static void messages(void) {
  irqs();
  resets();
  features();
  device_info();
  region_info();
  iommu();
}
