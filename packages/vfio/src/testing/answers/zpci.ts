import { deviceFeature, encodeStruct, irqSet, PCI_IRQ, sizeOf, UAPI, zpciError } from '../../uapi/index.js';
import { deviceInfo } from '../../uapi/device-info.js';
import { dmaMap, dmaUnmap } from '../../uapi/dma.js';
import { hotReset } from '../../uapi/hot-reset.js';
import { type AnswerCall, type AnswerScene, type KernelAnswer } from './row.js';

const FEATURE = UAPI.VFIO_DEVICE_FEATURE_ZPCI_ERROR;
const CCDF = 32;

const feature = (argument: (scene: AnswerScene) => Uint8Array): AnswerCall => ({
  fd: 'device',
  request: 'VFIO_DEVICE_FEATURE',
  argument,
});

const operation = (flags: number, data = 8): AnswerCall =>
  feature(({ order }) => {
    const argsz = sizeOf('vfio_device_feature') + data;
    return encodeStruct('vfio_device_feature', { argsz, flags: FEATURE | flags }, { order, length: argsz });
  });

/** The record goes to the end of the scene's memory, so that its first bytes tell of it alone. */
const take = (address?: bigint): AnswerCall =>
  feature((scene) => zpciError.encodeRequest(address ?? scene.address, scene.order));

const { VFIO_DEVICE_FEATURE_GET: GET, VFIO_DEVICE_FEATURE_SET: SET, VFIO_DEVICE_FEATURE_PROBE: PROBE } = UAPI;
const UNMAPPED = 0x10n;

const device = (request: 'VFIO_DEVICE_RESET'): AnswerCall => ({ fd: 'device', request });

type Row = Omit<KernelAnswer, 'platforms' | 'source'> & Partial<Pick<KernelAnswer, 'source'>>;

const ROWS: readonly Row[] = [
  { id: 'zpci.feature.probe-get', state: 'open', call: operation(PROBE | GET), answer: 0 },
  { id: 'zpci.feature.probe', state: 'open', call: operation(PROBE), answer: 0 },
  { id: 'zpci.feature.set', state: 'open', call: operation(SET), answer: 'EINVAL' },
  { id: 'zpci.feature.probe-set', state: 'open', call: operation(PROBE | SET), answer: 'EINVAL' },
  { id: 'zpci.feature.get-and-set', state: 'open', call: operation(GET | SET), answer: 'EINVAL' },
  { id: 'zpci.feature.no-operation', state: 'open', call: operation(0), answer: 'EINVAL' },
  { id: 'zpci.feature.argsz-too-small', state: 'open', call: operation(GET, 7), answer: 'EINVAL' },
  { id: 'zpci.feature.pointer-0', state: 'open', call: operation(GET), answer: 'EINVAL' },
  { id: 'zpci.feature.empty', state: 'open', call: take(), answer: 'ENOMSG' },
  { id: 'zpci.feature.empty-with-bad-pointer', state: 'open', call: take(UNMAPPED), answer: 'ENOMSG' },
  { id: 'zpci.feature.bad-pointer', state: 'error', call: take(UNMAPPED), answer: 'EFAULT' },
  { id: 'zpci.feature.record', state: 'error', call: take(), answer: 0 },
  { id: 'zpci.feature.one-record-at-a-time', state: 'error', after: [take()], call: take(), answer: 'ENOMSG' },
  {
    id: 'zpci.feature.reset-keeps-the-record',
    state: 'error',
    after: [device('VFIO_DEVICE_RESET')],
    call: take(),
    answer: 0,
  },
  { id: 'zpci.error.command', state: 'error', call: { read: 4, length: 2 }, answer: 'ENODEV' },
  { id: 'zpci.error.vendor-is-made-up', state: 'error', call: { read: 0, length: 4 }, answer: 4 },
  { id: 'zpci.error.write-command', state: 'error', call: { write: 4, bytes: [2, 0] }, answer: 'ENODEV' },
  {
    id: 'zpci.error.map',
    state: 'error',
    call: {
      fd: 'container',
      request: 'VFIO_IOMMU_MAP_DMA',
      argument: ({ address, page, order }) =>
        dmaMap.encodeRequest({ address, iova: 0x1_0010_0000n, size: BigInt(page), read: true, write: true }, order),
    },
    answer: 'EIO',
  },
  {
    id: 'zpci.error.unmap',
    state: 'error',
    call: {
      fd: 'container',
      request: 'VFIO_IOMMU_UNMAP_DMA',
      argument: ({ page, order }) => dmaUnmap.encodeRequest({ iova: 0x1_0010_0000n, size: BigInt(page) }, order),
    },
    answer: 0,
  },
  {
    id: 'zpci.error.set-msix',
    state: 'error',
    call: {
      fd: 'device',
      request: 'VFIO_DEVICE_SET_IRQS',
      argument: ({ eventfd, order }) => irqSet.eventfds({ index: PCI_IRQ.msix }, [eventfd], order),
    },
    answer: 'ENOMEM',
  },
  {
    id: 'zpci.error.info',
    state: 'error',
    call: {
      fd: 'device',
      request: 'VFIO_DEVICE_GET_INFO',
      argument: ({ order }) => deviceInfo.encodeRequest(512, order),
    },
    answer: 0,
  },
  { id: 'zpci.error.reset', state: 'error', call: device('VFIO_DEVICE_RESET'), answer: 0 },
  {
    id: 'zpci.error.answers-again-after-reset',
    state: 'error',
    after: [device('VFIO_DEVICE_RESET')],
    call: { read: 4, length: 2 },
    answer: 2,
    bytes: [0x02, 0x00],
  },
  {
    id: 'zpci.error.hot-reset',
    state: 'error',
    call: {
      fd: 'device',
      request: 'VFIO_DEVICE_PCI_HOT_RESET',
      argument: ({ group, order }) => hotReset.byGroups([group], order),
    },
    answer: 0,
  },
  { id: 'zpci.error.reset-at-once', state: 'error_just_now', call: device('VFIO_DEVICE_RESET'), answer: 'EAGAIN' },
  {
    id: 'zpci.feature.unknown',
    state: 'open',
    call: feature(({ order }) => deviceFeature.probe(0x7777, { get: true }, order)),
    answer: 'ENOTTY',
    source: 'drivers/vfio/pci/vfio_pci_core.c:vfio_pci_core_ioctl_feature',
  },
];

/** s390: the pending error feature, and the error state (R2.3, R2.4, R2.5). */
export const ZPCI: readonly KernelAnswer[] = ROWS.map((row) => ({ platforms: ['s390x'], source: 'lab', ...row }));

/** Bytes of a record. */
export const CCDF_RECORD_BYTES = CCDF;
