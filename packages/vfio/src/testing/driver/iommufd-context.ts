import { type IoctlArgument } from '../../seam/syscalls.js';
import { viewOf } from '../../uapi/struct/decode.js';
import { writeNumber } from '../../uapi/struct/encode.js';
import { decodeStruct } from '../../uapi/struct/decode.js';
import { fieldOf, sizeOf, type FieldName, type StructName, type StructValues } from '../../uapi/struct/tables.js';
import { type Caller, type KernelFile } from '../kernel/open-file.js';
import { errno, type Outcome } from '../kernel/outcome.js';
import { type VfioContext } from './context.js';
import { type VfioDevice } from './device.js';
import { byNumber, dispatch, type Handler } from './dispatch.js';
import { Ioas } from './ioas.js';

type IommufdObject =
  | { readonly type: 'ioas'; readonly ioas: Ioas; users: number }
  | { readonly type: 'hwpt'; readonly ioas: number; users: number }
  | { readonly type: 'device'; readonly device: VfioDevice; users: number };

/** Errnos of iommufd's ioctls: a structure longer than the kernel knows must be zero behind what it knows (copy_struct_from_user). */
function commandIn<S extends StructName>(
  struct: S,
  bytes: Uint8Array | undefined,
  context: VfioContext,
): StructValues<S> | number {
  const { order } = context.kernel;
  if (!bytes || bytes.byteLength < 4) return errno('EFAULT');
  const size = viewOf(bytes).getUint32(0, order === 'LE');
  if (size < sizeOf(struct)) return errno('EINVAL');
  if (bytes.byteLength < size) return errno('EFAULT');
  if (bytes.subarray(sizeOf(struct), size).some((byte) => byte !== 0)) return errno('E2BIG');
  return decodeStruct(struct, bytes, order);
}

/** `/dev/iommu` (drivers/iommu/iommufd): address spaces and the devices bound to it, numbered from 1 on. */
export class IommufdContext implements KernelFile {
  readonly kind = 'iommufd';
  readonly name = '/dev/iommu';
  readonly #context: VfioContext;
  readonly #objects = new Map<number, IommufdObject>();
  readonly #handlers: ReadonlyMap<number, Handler>;
  #next = 1;

  constructor(context: VfioContext) {
    this.#context = context;
    this.#handlers = byNumber(context.kernel.numbers, {
      IOMMU_IOAS_ALLOC: (_, bytes) => this.#allocate(bytes),
      IOMMU_DESTROY: (_, bytes) => this.#destroy(bytes),
      IOMMU_IOAS_MAP: (caller, bytes) => this.#map(caller, bytes),
      IOMMU_IOAS_UNMAP: (_, bytes) => this.#unmap(bytes),
      IOMMU_IOAS_IOVA_RANGES: (caller, bytes) => this.#ranges(caller, bytes),
    });
  }

  ioctl(caller: Caller, request: number, argument: IoctlArgument): Outcome {
    // The VFIO compatibility of iommufd is not played: its requests are unknown here as others are.
    return dispatch(this.#handlers, caller, request, argument, errno('ENOTTY'));
  }

  release(): void {
    this.#objects.clear();
  }

  /** iommufd_device_bind: the device's number here. */
  bind(device: VfioDevice): number {
    const claimed = device.group.claimForDevice(this);
    if (claimed < 0) return claimed;
    return this.#add({ type: 'device', device, users: 1 });
  }

  unbind(device: VfioDevice): void {
    this.detach(device);
    this.#objects.delete(device.devid);
    device.group.release();
  }

  /** iommufd_device_attach: an address space gets a page table of its own, whose number comes back. */
  attach(device: VfioDevice, id: number): number {
    const target = this.#objects.get(id);
    if (!target) return errno('ENOENT');
    if (target.type === 'device') return errno('EINVAL');
    this.detach(device);
    const hwpt = target.type === 'hwpt' ? id : (this.#tableOf(id) ?? this.#addTable(id, target));
    this.#objects.get(hwpt)!.users++;
    device.hwpt = hwpt;
    return hwpt;
  }

  detach(device: VfioDevice): void {
    const hwpt = device.hwpt;
    device.hwpt = undefined;
    const table = hwpt === undefined ? undefined : this.#objects.get(hwpt);
    if (table?.type !== 'hwpt' || --table.users > 0) return;
    this.#objects.delete(hwpt!);
    const ioas = this.#objects.get(table.ioas);
    if (ioas) ioas.users--;
  }

  #add(object: IommufdObject): number {
    const id = this.#next++;
    this.#objects.set(id, object);
    return id;
  }

  #tableOf(ioas: number): number | undefined {
    for (const [id, object] of this.#objects) if (object.type === 'hwpt' && object.ioas === ioas) return id;
    return undefined;
  }

  #addTable(ioas: number, target: IommufdObject): number {
    target.users++;
    return this.#add({ type: 'hwpt', ioas, users: 0 });
  }

  #ioas(id: number): Ioas | undefined {
    const object = this.#objects.get(id);
    return object?.type === 'ioas' ? object.ioas : undefined;
  }

  #reply<S extends StructName>(struct: S, bytes: Uint8Array, field: FieldName<S>, value: number | bigint): void {
    writeNumber(viewOf(bytes), fieldOf(struct, field), BigInt(value), this.#context.kernel.order);
  }

  #allocate(bytes: Uint8Array | undefined): number {
    const command = commandIn('iommu_ioas_alloc', bytes, this.#context);
    if (typeof command === 'number') return command;
    if (command.flags !== 0) return errno('EOPNOTSUPP');
    const id = this.#add({ type: 'ioas', ioas: new Ioas(this.#context.machine.description.dma), users: 0 });
    this.#reply('iommu_ioas_alloc', bytes!, 'out_ioas_id', id);
    return 0;
  }

  #destroy(bytes: Uint8Array | undefined): number {
    const command = commandIn('iommu_destroy', bytes, this.#context);
    if (typeof command === 'number') return command;
    const object = this.#objects.get(command.id);
    if (!object) return errno('ENOENT');
    if (object.users > 0) return errno('EBUSY');
    this.#objects.delete(command.id);
    return 0;
  }

  #map(caller: Caller, bytes: Uint8Array | undefined): number {
    const command = commandIn('iommu_ioas_map', bytes, this.#context);
    if (typeof command === 'number') return command;
    const mapped = Ioas.map(command, (id) => this.#ioas(id), caller.memory);
    if (typeof mapped === 'number') return mapped;
    this.#reply('iommu_ioas_map', bytes!, 'iova', mapped);
    return 0;
  }

  #unmap(bytes: Uint8Array | undefined): number {
    const command = commandIn('iommu_ioas_unmap', bytes, this.#context);
    if (typeof command === 'number') return command;
    const unmapped = this.#ioas(command.ioas_id)?.unmap(command.iova, command.length) ?? errno('ENOENT');
    if (typeof unmapped === 'number') return unmapped;
    this.#reply('iommu_ioas_unmap', bytes!, 'length', unmapped);
    return 0;
  }

  #ranges(caller: Caller, bytes: Uint8Array | undefined): number {
    const command = commandIn('iommu_ioas_iova_ranges', bytes, this.#context);
    if (typeof command === 'number') return command;
    if (command.__reserved !== 0) return errno('EOPNOTSUPP');
    const ioas = this.#ioas(command.ioas_id);
    if (!ioas) return errno('ENOENT');
    const { ranges } = ioas;
    const written = ioas.writeRanges(caller.memory, command, this.#context.kernel.order);
    if (written < 0) return written;
    this.#reply('iommu_ioas_iova_ranges', bytes!, 'num_iovas', ranges.length);
    this.#reply('iommu_ioas_iova_ranges', bytes!, 'out_iova_alignment', ioas.pageSize);
    return ranges.length > command.num_iovas ? errno('EMSGSIZE') : 0;
  }
}
