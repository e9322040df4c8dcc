import { encodeStruct, sizeOf, type1Info, UAPI } from '../../uapi/index.js';
import { type AnswerCall, type AnswerPlatform, type AnswerScene, type KernelAnswer } from './row.js';

const TYPE1: readonly AnswerPlatform[] = ['x64', 's390x'];
const MAP_SOURCE = 'drivers/vfio/vfio_iommu_type1.c:vfio_dma_do_map';
const UNMAP_SOURCE = 'drivers/vfio/vfio_iommu_type1.c:vfio_dma_do_unmap';
const SPAPR = 'drivers/vfio/vfio_iommu_spapr_tce.c:tce_iommu_ioctl';
const READ_WRITE = UAPI.VFIO_DMA_MAP_FLAG_READ | UAPI.VFIO_DMA_MAP_FLAG_WRITE;
/** An address that every machine here allows: the s390 aperture begins there. */
const IOVA = 0x1_0010_0000n;

interface Map {
  readonly argsz?: number;
  readonly flags?: number;
  readonly iova?: bigint;
  readonly size?: (scene: AnswerScene) => bigint;
  readonly vaddr?: (scene: AnswerScene) => bigint;
}

const page = (scene: AnswerScene): bigint => BigInt(scene.page);

const map = ({ argsz, flags = READ_WRITE, iova = IOVA, size = page, vaddr }: Map = {}): AnswerCall => ({
  fd: 'container',
  request: 'VFIO_IOMMU_MAP_DMA',
  argument: (scene) =>
    encodeStruct(
      'vfio_iommu_type1_dma_map',
      {
        argsz: argsz ?? sizeOf('vfio_iommu_type1_dma_map'),
        flags,
        iova,
        size: size(scene),
        vaddr: vaddr?.(scene) ?? scene.address,
      },
      { order: scene.order },
    ),
});

const unmap = ({ argsz, flags = 0, iova = IOVA, size = page }: Map = {}): AnswerCall => ({
  fd: 'container',
  request: 'VFIO_IOMMU_UNMAP_DMA',
  argument: (scene) =>
    encodeStruct(
      'vfio_iommu_type1_dma_unmap',
      { argsz: argsz ?? sizeOf('vfio_iommu_type1_dma_unmap'), flags, iova, size: size(scene) },
      { order: scene.order },
    ),
});

type Row = Omit<KernelAnswer, 'platforms' | 'state'> & Partial<Pick<KernelAnswer, 'state' | 'platforms'>>;

const twoPages = (scene: AnswerScene): bigint => 2n * page(scene);

const ROWS: readonly Row[] = [
  {
    id: 'dma.info',
    call: {
      fd: 'container',
      request: 'VFIO_IOMMU_GET_INFO',
      argument: ({ order }) => type1Info.encodeRequest(256, order),
    },
    answer: 0,
    source: 'lab',
  },
  { id: 'dma.map', call: map(), answer: 0, source: 'lab' },
  { id: 'dma.map-twice', after: [map()], call: map(), answer: 'EEXIST', source: MAP_SOURCE },
  { id: 'dma.map-overlapping', after: [map()], call: map({ size: twoPages }), answer: 'EEXIST', source: MAP_SOURCE },
  { id: 'dma.map-nothing', call: map({ size: () => 0n }), answer: 'EINVAL', source: MAP_SOURCE },
  { id: 'dma.map-part-of-a-page', call: map({ size: () => 100n }), answer: 'EINVAL', source: MAP_SOURCE },
  { id: 'dma.map-iova-unaligned', call: map({ iova: IOVA + 1n }), answer: 'EINVAL', source: MAP_SOURCE },
  {
    id: 'dma.map-vaddr-unaligned',
    call: map({ vaddr: ({ address }) => address + 8n }),
    answer: 'EINVAL',
    source: MAP_SOURCE,
  },
  { id: 'dma.map-without-access', call: map({ flags: 0 }), answer: 'EINVAL', source: MAP_SOURCE },
  {
    id: 'dma.map-unknown-flag',
    call: map({ flags: READ_WRITE | 0x100 }),
    answer: 'EINVAL',
    source: 'drivers/vfio/vfio_iommu_type1.c:vfio_iommu_type1_map_dma',
  },
  {
    id: 'dma.map-access-and-vaddr',
    call: map({ flags: READ_WRITE | UAPI.VFIO_DMA_MAP_FLAG_VADDR }),
    answer: 'EINVAL',
    source: MAP_SOURCE,
  },
  {
    id: 'dma.map-short-argsz',
    call: map({ argsz: 31 }),
    answer: 'EINVAL',
    source: 'drivers/vfio/vfio_iommu_type1.c:vfio_iommu_type1_map_dma',
  },
  {
    id: 'dma.map-wraps',
    call: map({ iova: 0xffff_ffff_ffff_f000n, size: twoPages }),
    answer: 'EOVERFLOW',
    source: MAP_SOURCE,
  },
  {
    id: 'dma.map-memory-that-is-not-there',
    call: map({ vaddr: () => 0x1000n }),
    answer: 'EFAULT',
    source: 'drivers/vfio/vfio_iommu_type1.c:vaddr_get_pfns',
  },
  {
    id: 'dma.map-msi-window',
    platforms: ['x64'],
    call: map({ iova: 0xfee0_0000n }),
    answer: 'EINVAL',
    source: 'drivers/vfio/vfio_iommu_type1.c:vfio_iommu_iova_dma_valid',
  },
  { id: 'dma.unmap', after: [map()], call: unmap(), answer: 0, source: 'lab' },
  { id: 'dma.unmap-nothing', call: unmap(), answer: 0, source: UNMAP_SOURCE },
  { id: 'dma.unmap-half', after: [map({ size: twoPages })], call: unmap(), answer: 'EINVAL', source: UNMAP_SOURCE },
  { id: 'dma.unmap-size-0', call: unmap({ size: () => 0n }), answer: 'EINVAL', source: UNMAP_SOURCE },
  { id: 'dma.unmap-unaligned', call: unmap({ iova: IOVA + 1n }), answer: 'EINVAL', source: UNMAP_SOURCE },
  {
    id: 'dma.unmap-all',
    after: [map()],
    call: unmap({ flags: UAPI.VFIO_DMA_UNMAP_FLAG_ALL, iova: 0n, size: () => 0n }),
    answer: 0,
    source: UNMAP_SOURCE,
  },
  {
    id: 'dma.unmap-all-with-size',
    call: unmap({ flags: UAPI.VFIO_DMA_UNMAP_FLAG_ALL, iova: 0n }),
    answer: 'EINVAL',
    source: UNMAP_SOURCE,
  },
  {
    id: 'dma.unmap-unknown-flag',
    call: unmap({ flags: 0x100 }),
    answer: 'EINVAL',
    source: 'drivers/vfio/vfio_iommu_type1.c:vfio_iommu_type1_unmap_dma',
  },
  {
    id: 'dma.unmap-short-argsz',
    call: unmap({ argsz: 23 }),
    answer: 'EINVAL',
    source: 'drivers/vfio/vfio_iommu_type1.c:vfio_iommu_type1_unmap_dma',
  },
  { id: 'spapr.map-before-enable', platforms: ['ppc64'], call: map(), answer: 'EPERM', source: SPAPR },
  {
    id: 'spapr.map-outside-of-windows',
    platforms: ['ppc64'],
    after: [{ fd: 'container', request: 'VFIO_IOMMU_ENABLE' }],
    call: map({ iova: 0x7_0000_0000n }),
    answer: 'ENXIO',
    source: SPAPR,
  },
  {
    id: 'spapr.v1-has-no-registration',
    platforms: ['ppc64'],
    call: { fd: 'container', request: 'VFIO_IOMMU_SPAPR_REGISTER_MEMORY', argument: () => new Uint8Array(24) },
    answer: 'ENOTTY',
    source: SPAPR,
  },
];

/** Mapping memory for DMA: type1, and what SPAPR TCE does otherwise. */
export const DMA: readonly KernelAnswer[] = ROWS.map((row) => ({ platforms: TYPE1, state: 'open', ...row }));
