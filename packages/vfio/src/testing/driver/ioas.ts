import { UAPI } from '../../uapi/abi/constants.js';
import { type ByteOrder } from '../../uapi/byte-order.js';
import { sizeOf, type StructValues } from '../../uapi/struct/tables.js';
import { errno } from '../kernel/outcome.js';
import { type UserMemory } from '../kernel/user-memory.js';
import { type IommuDescription } from '../machine/description.js';
import { IovaSpace } from './iova-space.js';
import { copyOut, onlyBits } from './structs.js';

const RANGE = 'iommu_iova_range';
const ULONG_MOST = (1n << 64n) - 1n;
const { IOMMU_IOAS_MAP_FIXED_IOVA: FIXED, IOMMU_IOAS_MAP_WRITEABLE: WRITE, IOMMU_IOAS_MAP_READABLE: READ } = UAPI;

/** An address space of an iommufd (drivers/iommu/iommufd/ioas.c, io_pagetable.c). */
export class Ioas extends IovaSpace {
  constructor(description: IommuDescription = {}) {
    super(description);
  }

  /** IOMMU_IOAS_MAP: the address, or an errno. */
  static map(
    command: StructValues<'iommu_ioas_map'>,
    ioasOf: (id: number) => Ioas | undefined,
    memory: UserMemory,
  ): bigint | number {
    const { flags, ioas_id, user_va: vaddr, length, iova } = command;
    if (!onlyBits(flags, FIXED | WRITE | READ) || command.__reserved !== 0) return errno('EOPNOTSUPP');
    if (iova === ULONG_MOST || length === ULONG_MOST) return errno('EOVERFLOW');
    if ((flags & (WRITE | READ)) === 0) return errno('EINVAL');
    const ioas = ioasOf(ioas_id);
    if (!ioas) return errno('ENOENT');
    return ioas.#place(flags, iova, length, vaddr, memory);
  }

  #place(flags: number, wanted: bigint, length: bigint, vaddr: bigint, memory: UserMemory): bigint | number {
    if (length === 0n || !this.aligned(length, vaddr)) return errno('EINVAL');
    const iova = (flags & FIXED) === 0 ? this.#free(length) : wanted;
    if (iova === undefined) return errno('ENOSPC');
    if (!this.aligned(iova)) return errno('EINVAL');
    if (iova + length > ULONG_MOST) return errno('EOVERFLOW');
    if (!this.allows(iova, length)) return errno('EINVAL');
    if (this.within(iova, length).length > 0) return errno('EEXIST');
    if (this.exceeds(length)) return errno('ENOMEM');
    if (!memory.at(vaddr, Number(length))) return errno('EFAULT');
    this.add({ iova, size: length, vaddr });
    return iova;
  }

  /** The first address where so many bytes are free; never 0. */
  #free(length: bigint): bigint | undefined {
    for (const { start, end } of this.ranges) {
      let at = start === 0n ? this.pageSize : start;
      for (const { iova, size } of this.within(start, end - start + 1n)) {
        if (at + length <= iova) break;
        at = iova + size;
      }
      if (at + length - 1n <= end) return at;
    }
    return undefined;
  }

  /** IOMMU_IOAS_UNMAP: the bytes that are gone, or an errno: only whole mappings. */
  unmap(iova: bigint, length: bigint): bigint | number {
    if (iova === 0n && length === ULONG_MOST) {
      const all = this.locked;
      this.remove(this.mappings);
      return all;
    }
    if (iova === ULONG_MOST || length === ULONG_MOST) return errno('EOVERFLOW');
    if (length === 0n) return errno('EINVAL');
    if (iova + length - 1n > ULONG_MOST) return errno('EOVERFLOW');
    const gone = this.within(iova, length);
    const whole = gone.every((each) => each.iova >= iova && each.iova + each.size <= iova + length);
    if (!whole || gone.length === 0) return errno('ENOENT');
    this.remove(gone);
    return gone.reduce((sum, { size }) => sum + size, 0n);
  }

  /** The ranges that fit go into memory of the caller. */
  writeRanges(memory: UserMemory, command: StructValues<'iommu_ioas_iova_ranges'>, order: ByteOrder): number {
    for (const [at, { start, end }] of this.ranges.slice(0, command.num_iovas).entries()) {
      const place = memory.at(command.allowed_iovas + BigInt(at * sizeOf(RANGE)), sizeOf(RANGE));
      if (!place) return errno('EFAULT');
      copyOut(RANGE, place, { start, last: end }, order);
    }
    return 0;
  }
}
