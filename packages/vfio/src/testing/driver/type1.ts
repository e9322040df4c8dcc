import { UAPI } from '../../uapi/abi/constants.js';
import { type IoctlArgument } from '../../seam/syscalls.js';
import { encodeStruct } from '../../uapi/struct/encode.js';
import { endOf, sizeOf } from '../../uapi/struct/tables.js';
import { type Caller } from '../kernel/open-file.js';
import { errno, notPlayed, type Outcome } from '../kernel/outcome.js';
import { chainLength, writeChain, type Capability } from './capability-chain.js';
import { type Container, type IommuBackend } from './container.js';
import { type VfioContext } from './context.js';
import { byNumber, dispatch, type Handler } from './dispatch.js';
import { IovaSpace } from './iova-space.js';
import { copyIn, copyOut, onlyBits } from './structs.js';

const INFO = 'vfio_iommu_type1_info';
const RANGES = 'vfio_iommu_type1_info_cap_iova_range';
const RANGE = 'vfio_iova_range';
const MIGRATION = 'vfio_iommu_type1_info_cap_migration';
const AVAILABLE = 'vfio_iommu_type1_info_dma_avail';
const MAP = 'vfio_iommu_type1_dma_map';
const UNMAP = 'vfio_iommu_type1_dma_unmap';
const HEADER = 8;
const TOP = 1n << 64n;
const { VFIO_DMA_MAP_FLAG_READ: READ, VFIO_DMA_MAP_FLAG_WRITE: WRITE, VFIO_DMA_MAP_FLAG_VADDR: VADDR } = UAPI;
const UNMAP_FLAGS =
  UAPI.VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP | UAPI.VFIO_DMA_UNMAP_FLAG_ALL | UAPI.VFIO_DMA_UNMAP_FLAG_VADDR;

/** vfio_iommu_type1_check_extension, before an IOMMU is set. */
export function type1Extension(number: number): number {
  const known: readonly number[] = [UAPI.VFIO_TYPE1_IOMMU, UAPI.VFIO_TYPE1v2_IOMMU, UAPI.VFIO_UNMAP_ALL];
  return known.includes(number) ? 1 : 0;
}

/** The type1 IOMMU of a container (drivers/vfio/vfio_iommu_type1.c). */
export class Type1 implements IommuBackend {
  readonly space: IovaSpace;
  readonly #context: VfioContext;
  readonly #container: Container;
  readonly #v2: boolean;
  readonly #most: number;
  readonly #handlers: ReadonlyMap<number, Handler>;

  private constructor(context: VfioContext, container: Container, v2: boolean) {
    const { dma } = context.machine.description;
    this.#context = context;
    this.#container = container;
    this.#v2 = v2;
    this.space = new IovaSpace(dma);
    this.#most = dma?.mappings ?? 65_535;
    this.#handlers = byNumber(context.kernel.numbers, {
      VFIO_IOMMU_GET_INFO: (_, bytes) => this.#info(bytes),
      VFIO_IOMMU_MAP_DMA: (caller, bytes) => this.#map(caller, bytes),
      VFIO_IOMMU_UNMAP_DMA: (_, bytes) => this.#unmap(bytes),
    });
  }

  /** vfio_iommu_type1_open: extensions that are no IOMMU are EINVAL. */
  static open(context: VfioContext, container: Container, type: number): Type1 | number {
    const known: readonly number[] = [UAPI.VFIO_TYPE1_IOMMU, UAPI.VFIO_TYPE1v2_IOMMU];
    return known.includes(type) ? new Type1(context, container, type === UAPI.VFIO_TYPE1v2_IOMMU) : errno('EINVAL');
  }

  extension(number: number): number {
    if (number === UAPI.VFIO_UPDATE_VADDR || number === UAPI.VFIO_DMA_CC_IOMMU) return 1;
    return type1Extension(number);
  }

  attach(): number {
    return 0;
  }

  detach(): void {
    // The mappings stay: they belong to the container.
  }

  ioctl(caller: Caller, request: number, argument: IoctlArgument): Outcome {
    return dispatch(this.#handlers, caller, request, argument, errno('ENOTTY'));
  }

  #capabilities(): readonly Capability[] {
    const { order } = this.#context.kernel;
    const { ranges, pageSize, mappings } = this.space;
    const list = new Uint8Array(sizeOf(RANGES) + ranges.length * sizeOf(RANGE));
    copyOut(RANGES, list, { nr_iovas: ranges.length }, order);
    ranges.forEach((range, at) => copyOut(RANGE, list.subarray(sizeOf(RANGES) + at * sizeOf(RANGE)), range, order));
    const migration = { flags: 0, pgsize_bitmap: pageSize, max_dirty_bitmap_size: 1n << 28n };
    const available = { avail: this.#most - mappings.length };
    const cap = (id: number, bytes: Uint8Array): Capability => ({ id, version: 1, body: bytes.subarray(HEADER) });
    return [
      cap(UAPI.VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION, encodeStruct(MIGRATION, migration, { order })),
      cap(UAPI.VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, encodeStruct(AVAILABLE, available, { order })),
      cap(UAPI.VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, list),
    ];
  }

  #info(bytes: Uint8Array | undefined): number {
    const { order } = this.#context.kernel;
    const asked = copyIn(INFO, bytes, 'iova_pgsizes', order);
    if (!asked || !bytes) return errno('EFAULT');
    if (asked.argsz < endOf(INFO, 'iova_pgsizes')) return errno('EINVAL');
    const capabilities = this.#capabilities();
    const needed = sizeOf(INFO) + chainLength(capabilities);
    const fits = asked.argsz >= needed;
    if (fits && bytes.byteLength < needed) return errno('EFAULT');
    if (fits) writeChain(bytes, capabilities, sizeOf(INFO), order);
    const flags = UAPI.VFIO_IOMMU_INFO_PGSIZES | UAPI.VFIO_IOMMU_INFO_CAPS;
    const argsz = fits ? asked.argsz : needed;
    const cap_offset = fits ? sizeOf(INFO) : 0;
    copyOut(INFO, bytes, { argsz, flags, iova_pgsizes: this.space.pageSizes, cap_offset, pad: 0 }, order, asked.argsz);
    return 0;
  }

  #map(caller: Caller, bytes: Uint8Array | undefined): number {
    const asked = copyIn(MAP, bytes, 'size', this.#context.kernel.order);
    if (!asked) return errno('EFAULT');
    const { argsz, flags, vaddr, iova, size } = asked;
    if (argsz < sizeOf(MAP) || !onlyBits(flags, READ | WRITE | VADDR)) return errno('EINVAL');
    if (size === 0n) return errno('EINVAL');
    if (iova + size > TOP || vaddr + size > TOP) return errno('EOVERFLOW');
    const access = (flags & (READ | WRITE)) !== 0;
    const update = (flags & VADDR) !== 0;
    if (access === update) return errno('EINVAL');
    if (update) throw notPlayed('VFIO_DMA_MAP_FLAG_VADDR');
    if (!this.space.aligned(size, iova, vaddr)) return errno('EINVAL');
    if (this.space.within(iova, size).length > 0) return errno('EEXIST');
    if (this.space.mappings.length >= this.#most) return errno('ENOSPC');
    if (!this.space.allows(iova, size)) return errno('EINVAL');
    return this.#pin(caller, { iova, size, vaddr });
  }

  /** Memory that is not there is EFAULT; above the limit ENOMEM; and s390 takes no mapping while a function is blocked (EIO). */
  #pin(caller: Caller, mapping: { iova: bigint; size: bigint; vaddr: bigint }): number {
    if (!caller.memory.at(mapping.vaddr, Number(mapping.size))) return errno('EFAULT');
    if (this.space.exceeds(mapping.size)) return errno('ENOMEM');
    const functions = this.#container.groups.flatMap((group) => group.machine.functions);
    if (functions.some(({ silence }) => silence === 'blocked')) return errno('EIO');
    this.space.add(mapping);
    return 0;
  }

  #unmap(bytes: Uint8Array | undefined): number {
    const { order } = this.#context.kernel;
    const asked = copyIn(UNMAP, bytes, 'size', order);
    if (!asked || !bytes) return errno('EFAULT');
    const { argsz, flags, iova, size } = asked;
    if (argsz < sizeOf(UNMAP) || !onlyBits(flags, UNMAP_FLAGS)) return errno('EINVAL');
    if ((flags & ~UAPI.VFIO_DMA_UNMAP_FLAG_ALL) !== 0) throw notPlayed('dirty bitmaps and VADDR of UNMAP_DMA');
    const gone = this.#covered(iova, size, (flags & UAPI.VFIO_DMA_UNMAP_FLAG_ALL) !== 0);
    if (typeof gone === 'number') return gone;
    this.space.remove(gone);
    const unmapped = gone.reduce((sum, each) => sum + each.size, 0n);
    copyOut(UNMAP, bytes, { size: unmapped }, order);
    return 0;
  }

  /** Which mappings a request takes away: v2 wants them whole, v1 takes those that begin within it. */
  #covered(iova: bigint, size: bigint, all: boolean): ReturnType<IovaSpace['within']> | number {
    if (!this.space.aligned(iova)) return errno('EINVAL');
    if (all) return iova === 0n && size === 0n ? this.space.mappings : errno('EINVAL');
    if (size === 0n || !this.space.aligned(size)) return errno('EINVAL');
    if (iova + size > TOP) return errno('EOVERFLOW');
    const touched = this.space.within(iova, size);
    if (!this.#v2) return touched[0] && touched[0].iova < iova ? [] : touched;
    const whole = touched.every((each) => each.iova >= iova && each.iova + each.size <= iova + size);
    return whole ? touched : errno('EINVAL');
  }
}
