import {
  deviceFeature,
  deviceInfo,
  dmaMap,
  dmaUnmap,
  EXTENSION,
  hotResetInfo,
  irqInfo,
  PCI_IRQ,
  regionInfo,
  type1Info,
  UAPI,
} from '../../uapi/index.js';
import { groupStatus } from '../../uapi/group.js';
import { type RequestName } from '../../uapi/requests.js';
import { type AnswerCall, type AnswerScene, type AnswerState, type KernelAnswer } from './row.js';

const CORE = 'drivers/vfio/pci/vfio_pci_core.c';
const GROUP = 'drivers/vfio/group.c:vfio_group_ioctl_get_status';
const TYPE1 = 'drivers/vfio/vfio_iommu_type1.c';
const IOVA = 0x1_0010_0000n;

/** 32-bit words as an x86 keeps them. */
const words = (...values: readonly number[]): readonly number[] => [...new Uint8Array(Uint32Array.from(values).buffer)];

const call = (
  fd: 'container' | 'group' | 'device',
  request: RequestName,
  argument: (scene: AnswerScene) => Uint8Array | number,
): AnswerCall => ({ fd, request, argument });

const region = (index: number): AnswerCall =>
  call('device', 'VFIO_DEVICE_GET_REGION_INFO', ({ order }) => regionInfo.encodeRequest(index, 128, order));
const irq = (index: number): AnswerCall =>
  call('device', 'VFIO_DEVICE_GET_IRQ_INFO', ({ order }) => irqInfo.encodeRequest(index, order));
const status = call('group', 'VFIO_GROUP_GET_STATUS', ({ order }) => groupStatus.encodeRequest(order));
const resetInfo = (bytes: number): AnswerCall =>
  call('device', 'VFIO_DEVICE_GET_PCI_HOT_RESET_INFO', ({ order }) => hotResetInfo.encodeRequest(bytes, order));
const extension = (number: number): AnswerCall => call('container', 'VFIO_CHECK_EXTENSION', () => number);
const map = call('container', 'VFIO_IOMMU_MAP_DMA', ({ address, page, order }) =>
  dmaMap.encodeRequest({ address, iova: IOVA, size: BigInt(page), read: true, write: true }, order),
);
const unmap = call('container', 'VFIO_IOMMU_UNMAP_DMA', ({ page, order }) =>
  dmaUnmap.encodeRequest({ iova: IOVA, size: BigInt(page) }, order),
);
const probe = (feature: number, how: { readonly get?: boolean; readonly set?: boolean }): AnswerCall =>
  call('device', 'VFIO_DEVICE_FEATURE', ({ order }) => deviceFeature.probe(feature, how, order));

type Row = Omit<KernelAnswer, 'platforms' | 'state'> & { readonly state?: AnswerState };

const GET_IRQ = `${CORE}:vfio_pci_ioctl_get_irq_info`;
const GET_REGION = `${CORE}:vfio_pci_ioctl_get_region_info`;
const { VFIO_IRQ_INFO_EVENTFD: EVENTFD, VFIO_IRQ_INFO_NORESIZE: NORESIZE } = UAPI;
const MASKABLE = UAPI.VFIO_IRQ_INFO_MASKABLE | UAPI.VFIO_IRQ_INFO_AUTOMASKED;
const RESET_AND_PCI = UAPI.VFIO_DEVICE_FLAGS_RESET | UAPI.VFIO_DEVICE_FLAGS_PCI;

const BYTES: readonly Row[] = [
  {
    id: 'reply.info',
    call: call('device', 'VFIO_DEVICE_GET_INFO', ({ order }) => deviceInfo.encodeRequest(512, order)),
    answer: 0,
    bytes: words(512, RESET_AND_PCI, 9, 5, 0, 0),
    source: `${CORE}:vfio_pci_ioctl_get_info`,
  },
  { id: 'reply.irq.intx', call: irq(0), answer: 0, bytes: words(16, EVENTFD | MASKABLE, 0, 1), source: GET_IRQ },
  { id: 'reply.irq.no-msi', call: irq(1), answer: 0, bytes: words(16, EVENTFD | NORESIZE, 1, 0), source: GET_IRQ },
  { id: 'reply.irq.msix', call: irq(2), answer: 0, bytes: words(16, EVENTFD, 2, 2), source: GET_IRQ },
  {
    id: 'reply.irq.err',
    call: irq(PCI_IRQ.err),
    answer: 0,
    bytes: words(16, EVENTFD | NORESIZE, 3, 1),
    source: GET_IRQ,
  },
  {
    id: 'reply.irq.req',
    call: irq(PCI_IRQ.req),
    answer: 0,
    bytes: words(16, EVENTFD | NORESIZE, 4, 1),
    source: GET_IRQ,
  },
  {
    id: 'reply.region.no-bar',
    call: region(2),
    answer: 0,
    bytes: words(128, 0, 2, 0, 0, 0, 0, 0x200),
    source: GET_REGION,
  },
  {
    id: 'reply.region.no-rom',
    call: region(6),
    answer: 0,
    bytes: words(128, 0, 6, 0, 0, 0, 0, 0x600),
    source: GET_REGION,
  },
  {
    id: 'reply.region.config',
    call: region(7),
    answer: 0,
    bytes: words(128, 3, 7, 0, 4096, 0, 0, 0x700),
    source: GET_REGION,
  },
  {
    id: 'reply.region.bar-with-the-msix-table',
    call: region(1),
    answer: 0,
    bytes: words(128, 0xf, 1, 32, 0x1000, 0, 0, 0x100, 3 | (1 << 16), 0),
    source: GET_REGION,
  },
  {
    id: 'reply.region.bar',
    call: region(4),
    answer: 0,
    bytes: words(128, 7, 4, 0, 0x4000, 0, 0, 0x400),
    source: GET_REGION,
  },
  { id: 'reply.group.viable', state: 'nodes', call: status, answer: 0, bytes: words(8, 1), source: GROUP },
  { id: 'reply.group.in-a-container', state: 'attached', call: status, answer: 0, bytes: words(8, 3), source: GROUP },
  { id: 'reply.group.with-an-open-device', call: status, answer: 0, bytes: words(8, 3), source: GROUP },
  {
    id: 'reply.hot-reset.no-room',
    call: resetInfo(12),
    answer: 'ENOSPC',
    bytes: words(12, 0, 1),
    source: `${CORE}:vfio_pci_ioctl_get_pci_hot_reset_info`,
  },
  {
    id: 'reply.hot-reset.one-function',
    call: resetInfo(64),
    answer: 0,
    bytes: words(64, 0, 1),
    source: `${CORE}:vfio_pci_ioctl_get_pci_hot_reset_info`,
  },
  {
    id: 'reply.dma.info',
    call: call('container', 'VFIO_IOMMU_GET_INFO', ({ order }) => type1Info.encodeRequest(1024, order)),
    answer: 0,
    bytes: words(1024, 3),
    source: `${TYPE1}:vfio_iommu_type1_get_info`,
  },
  {
    id: 'reply.dma.unmapped',
    after: [map],
    call: unmap,
    answer: 0,
    bytes: words(24, 0, 0x0010_0000, 1, 4096, 0),
    source: `${TYPE1}:vfio_dma_do_unmap`,
  },
  {
    id: 'reply.dma.nothing-unmapped',
    call: unmap,
    answer: 0,
    bytes: words(24, 0, 0x0010_0000, 1, 0, 0),
    source: `${TYPE1}:vfio_dma_do_unmap`,
  },
];

const PM = `${CORE}:vfio_pci_core_ioctl_feature`;
const PROBES: readonly Row[] = [
  ['low-power-entry', UAPI.VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY, { set: true }, 0],
  ['low-power-entry-get', UAPI.VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY, { get: true }, 'EINVAL'],
  ['low-power-with-wakeup', UAPI.VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP, { set: true }, 0],
  ['low-power-exit', UAPI.VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, { set: true }, 0],
  ['dma-buf', UAPI.VFIO_DEVICE_FEATURE_DMA_BUF, { get: true }, 0],
  ['vf-token-of-no-vf', UAPI.VFIO_DEVICE_FEATURE_PCI_VF_TOKEN, { set: true }, 'ENOTTY'],
].map(([id, feature, how, answer]) => ({
  id: `feature.probe.${id as string}`,
  call: probe(feature as number, how as { set?: boolean }),
  answer: answer as string | number,
  source: PM,
}));

const UPDATE_VADDR = UAPI.VFIO_UPDATE_VADDR;
const EXTENSIONS: readonly Row[] = [
  { id: 'extension.ready.type1', state: 'ready', call: extension(EXTENSION.type1v2Iommu), answer: 1, source: 'lab' },
  { id: 'extension.ready.unmap-all', state: 'ready', call: extension(EXTENSION.unmapAll), answer: 1, source: 'lab' },
  { id: 'extension.ready.update-vaddr', state: 'ready', call: extension(UPDATE_VADDR), answer: 1, source: 'lab' },
  { id: 'extension.nodes.update-vaddr', state: 'nodes', call: extension(UPDATE_VADDR), answer: 0, source: 'lab' },
  { id: 'extension.no-such', state: 'ready', call: extension(4711), answer: 0, source: 'lab' },
  {
    id: 'container.unknown-request',
    state: 'ready',
    call: { fd: 'container', request: 0x3bff },
    answer: 'ENOTTY',
    source: `${TYPE1}:vfio_iommu_type1_ioctl`,
  },
  {
    id: 'container.unknown-request-without-iommu',
    state: 'nodes',
    call: { fd: 'container', request: 0x3bff },
    answer: 'EINVAL',
    source: 'drivers/vfio/container.c:vfio_fops_unl_ioctl',
  },
];

/** What replies hold, byte for byte, and what can be had: of a virtio function of QEMU on x86. */
export const REPLIES: readonly KernelAnswer[] = [...BYTES, ...PROBES, ...EXTENSIONS].map((row) => ({
  platforms: ['x64'],
  state: 'open',
  ...row,
}));
