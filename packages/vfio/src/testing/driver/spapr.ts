import { UAPI } from '../../uapi/abi/constants.js';
import { type IoctlArgument } from '../../seam/syscalls.js';
import { endOf, sizeOf } from '../../uapi/struct/tables.js';
import { type Caller } from '../kernel/open-file.js';
import { errno, type Outcome } from '../kernel/outcome.js';
import { type Container, type IommuBackend } from './container.js';
import { type VfioContext } from './context.js';
import { byNumber, dispatch, type Handler } from './dispatch.js';
import { eehPeOp } from './eeh.js';
import { type VfioGroup } from './group-state.js';
import { copyIn, copyOut, onlyBits } from './structs.js';
import { TceWindows } from './tce-windows.js';

const INFO = 'vfio_iommu_spapr_tce_info';
const MEMORY = 'vfio_iommu_spapr_register_memory';
const CREATE = 'vfio_iommu_spapr_tce_create';
const REMOVE = 'vfio_iommu_spapr_tce_remove';
const MAP = 'vfio_iommu_type1_dma_map';
const UNMAP = 'vfio_iommu_type1_dma_unmap';
const ACCESS = UAPI.VFIO_DMA_MAP_FLAG_READ | UAPI.VFIO_DMA_MAP_FLAG_WRITE;
const DEFAULT_WINDOW = { start: 0, size: 0x8000_0000 };

/** tce_iommu_ioctl(VFIO_CHECK_EXTENSION): EEH where it is enabled. */
export function spaprExtension(context: VfioContext, number: number): number {
  const known: readonly number[] = [UAPI.VFIO_SPAPR_TCE_IOMMU, UAPI.VFIO_SPAPR_TCE_v2_IOMMU];
  if (number === UAPI.VFIO_EEH) return context.machine.description.eeh === 'off' ? 0 : 1;
  return known.includes(number) ? 1 : 0;
}

/** The SPAPR TCE IOMMU of a container (drivers/vfio/vfio_iommu_spapr_tce.c). */
export class SpaprTce implements IommuBackend {
  readonly #context: VfioContext;
  readonly #container: Container;
  readonly #v2: boolean;
  readonly #windows: TceWindows;
  readonly #handlers: ReadonlyMap<number, Handler>;
  #enabled = false;
  #attached = 0;

  private constructor(context: VfioContext, container: Container, v2: boolean) {
    const { dma, pageSize = 4096 } = context.machine.description;
    this.#context = context;
    this.#container = container;
    this.#v2 = v2;
    this.#windows = new TceWindows(dma?.window ?? DEFAULT_WINDOW, BigInt(pageSize), dma?.memlock);
    const both = {
      VFIO_IOMMU_SPAPR_TCE_GET_INFO: (_: Caller, bytes?: Uint8Array) => this.#info(bytes),
      VFIO_IOMMU_MAP_DMA: (caller: Caller, bytes?: Uint8Array) => this.#map(caller, bytes),
      VFIO_IOMMU_UNMAP_DMA: (_: Caller, bytes?: Uint8Array) => this.#unmap(bytes),
      VFIO_EEH_PE_OP: (_: Caller, bytes?: Uint8Array) => eehPeOp(context, this.#container.groups, bytes),
    };
    const v1Only = { VFIO_IOMMU_ENABLE: () => this.#enable(), VFIO_IOMMU_DISABLE: () => this.#disable() };
    const v2Only = {
      VFIO_IOMMU_SPAPR_REGISTER_MEMORY: (caller: Caller, bytes?: Uint8Array) => this.#register(caller, bytes),
      VFIO_IOMMU_SPAPR_UNREGISTER_MEMORY: (_: Caller, bytes?: Uint8Array) => this.#unregister(bytes),
      VFIO_IOMMU_SPAPR_TCE_CREATE: (_: Caller, bytes?: Uint8Array) => this.#create(bytes),
      VFIO_IOMMU_SPAPR_TCE_REMOVE: (_: Caller, bytes?: Uint8Array) => this.#remove(bytes),
    };
    this.#handlers = byNumber(context.kernel.numbers, { ...both, ...(v2 ? v2Only : v1Only) });
  }

  static open(context: VfioContext, container: Container, type: number): SpaprTce | number {
    const known: readonly number[] = [UAPI.VFIO_SPAPR_TCE_IOMMU, UAPI.VFIO_SPAPR_TCE_v2_IOMMU];
    if (!known.includes(type)) return errno('EINVAL');
    return new SpaprTce(context, container, type === UAPI.VFIO_SPAPR_TCE_v2_IOMMU);
  }

  extension(number: number): number {
    return spaprExtension(this.#context, number);
  }

  /** A version 1 container takes one group (tce_iommu_attach_group). */
  attach(_group: VfioGroup): number {
    if (!this.#v2 && this.#attached > 0) return errno('EBUSY');
    this.#attached++;
    return 0;
  }

  detach(): void {
    this.#attached--;
  }

  ioctl(caller: Caller, request: number, argument: IoctlArgument): Outcome {
    return dispatch(this.#handlers, caller, request, argument, errno('ENOTTY'));
  }

  #info(bytes: Uint8Array | undefined): number {
    const { order } = this.#context.kernel;
    const asked = copyIn(INFO, bytes, 'dma32_window_size', order);
    if (!asked || !bytes) return errno('EFAULT');
    const least = endOf(INFO, 'dma32_window_size');
    if (asked.argsz < least) return errno('EINVAL');
    const { start, size } = this.#windows.default;
    const windows = this.#v2
      ? { 'ddw.pgsizes': 0x101_1000n, 'ddw.max_dynamic_windows_supported': 2, 'ddw.levels': 5 }
      : { 'ddw.pgsizes': 0n, 'ddw.max_dynamic_windows_supported': 0, 'ddw.levels': 0 };
    const within = asked.argsz >= sizeOf(INFO) ? sizeOf(INFO) : least;
    const flags = this.#v2 ? UAPI.VFIO_IOMMU_SPAPR_INFO_DDW : 0;
    copyOut(INFO, bytes, { flags, dma32_window_start: start, dma32_window_size: size, ...windows }, order, within);
    return 0;
  }

  /** The whole window is charged at once: ENOMEM when it does not fit below RLIMIT_MEMLOCK (account_locked_vm). */
  #enable(): number {
    if (this.#enabled) return errno('EBUSY');
    if (this.#windows.default.size === 0) return errno('EPERM');
    if (this.#windows.exceeds(BigInt(this.#windows.default.size))) return errno('ENOMEM');
    this.#enabled = true;
    return 0;
  }

  #disable(): number {
    this.#enabled = false;
    return 0;
  }

  #map(caller: Caller, bytes: Uint8Array | undefined): number {
    if (!this.#enabled) return errno('EPERM');
    const asked = copyIn(MAP, bytes, 'size', this.#context.kernel.order);
    if (!asked) return errno('EFAULT');
    const { flags, vaddr, iova, size } = asked;
    if (asked.argsz < sizeOf(MAP) || !onlyBits(flags, ACCESS)) return errno('EINVAL');
    const there = (from: bigint, length: bigint): boolean => caller.memory.at(from, Number(length)) !== undefined;
    return this.#windows.map({ iova, size, vaddr }, flags !== 0, this.#v2, there);
  }

  #unmap(bytes: Uint8Array | undefined): number {
    if (!this.#enabled) return errno('EPERM');
    const asked = copyIn(UNMAP, bytes, 'size', this.#context.kernel.order);
    if (!asked) return errno('EFAULT');
    if (asked.argsz < sizeOf(UNMAP) || asked.flags !== 0) return errno('EINVAL');
    return this.#windows.unmap(asked.iova, asked.size);
  }

  #register(caller: Caller, bytes: Uint8Array | undefined): number {
    const asked = copyIn(MEMORY, bytes, 'size', this.#context.kernel.order);
    if (!asked) return errno('EFAULT');
    if (asked.argsz < sizeOf(MEMORY) || asked.flags !== 0) return errno('EINVAL');
    const there = caller.memory.at(asked.vaddr, Number(asked.size)) !== undefined;
    const registered = this.#windows.register(asked.vaddr, asked.size, there);
    if (registered === 0) this.#enabled = true;
    return registered;
  }

  #unregister(bytes: Uint8Array | undefined): number {
    const asked = copyIn(MEMORY, bytes, 'size', this.#context.kernel.order);
    // Nothing was registered yet: the container belongs to no process.
    if (!this.#enabled) return errno('EPERM');
    if (!asked) return errno('EFAULT');
    if (asked.argsz < sizeOf(MEMORY) || asked.flags !== 0) return errno('EINVAL');
    return this.#windows.unregister(asked.vaddr, asked.size);
  }

  #create(bytes: Uint8Array | undefined): number {
    const { order } = this.#context.kernel;
    const asked = copyIn(CREATE, bytes, 'start_addr', order);
    if (!asked || !bytes) return errno('EFAULT');
    if (asked.argsz < sizeOf(CREATE) || asked.flags !== 0) return errno('EINVAL');
    const start = this.#windows.create(asked.page_shift, asked.window_size);
    if (start < 0n) return Number(start);
    copyOut(CREATE, bytes, { start_addr: start }, order);
    return 0;
  }

  #remove(bytes: Uint8Array | undefined): number {
    const asked = copyIn(REMOVE, bytes, 'start_addr', this.#context.kernel.order);
    if (!asked) return errno('EFAULT');
    if (asked.argsz < sizeOf(REMOVE) || asked.flags !== 0) return errno('EINVAL');
    return this.#windows.remove(asked.start_addr);
  }
}
