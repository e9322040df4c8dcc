import { type IommuDescription } from '../machine/description.js';

/** A piece of DMA address space that leads to memory of a process. Bytes. */
export interface DmaMapping {
  readonly iova: bigint;
  readonly size: bigint;
  readonly vaddr: bigint;
}

/** Addresses of an x86 machine with 39-bit IOMMU: everything but the window of the MSIs. */
const X86_RANGES = [
  { start: 0n, end: 0xfedf_ffffn },
  { start: 0xfef0_0000n, end: 0x7f_ffff_ffffn },
] as const;
const X86_PAGE_SIZES = 0xffff_ffff_ffff_f000n;

/** The mappings of one address space, none of which overlap. */
export class IovaSpace {
  readonly ranges: readonly { readonly start: bigint; readonly end: bigint }[];
  /** Page sizes, one bit each. */
  readonly pageSizes: bigint;
  readonly memlock: bigint | undefined;
  #mappings: DmaMapping[] = [];

  constructor(description: IommuDescription = {}) {
    this.ranges = description.ranges ?? X86_RANGES;
    this.pageSizes = description.pageSizes ?? X86_PAGE_SIZES;
    this.memlock = description.memlock === undefined ? undefined : BigInt(description.memlock);
  }

  /** In the order in which they were made. */
  get mappings(): readonly DmaMapping[] {
    return this.#mappings;
  }

  /** The smallest page: everything is aligned to it. */
  get pageSize(): bigint {
    return this.pageSizes & -this.pageSizes;
  }

  /** Bytes that are mapped, and so locked in memory. */
  get locked(): bigint {
    return this.#mappings.reduce((sum, { size }) => sum + size, 0n);
  }

  aligned(...values: readonly bigint[]): boolean {
    return values.every((value) => (value & (this.pageSize - 1n)) === 0n);
  }

  /** Whether a range lies within one of those that may be used. */
  allows(iova: bigint, size: bigint): boolean {
    return this.ranges.some(({ start, end }) => iova >= start && iova + size - 1n <= end);
  }

  /** Mappings that touch a range, by address. */
  within(iova: bigint, size: bigint): readonly DmaMapping[] {
    const touching = this.#mappings.filter((each) => each.iova < iova + size && iova < each.iova + each.size);
    return touching.sort((a, b) => (a.iova < b.iova ? -1 : 1));
  }

  /** Whether so many bytes more would be above RLIMIT_MEMLOCK. */
  exceeds(size: bigint): boolean {
    return this.memlock !== undefined && this.locked + size > this.memlock;
  }

  add(mapping: DmaMapping): void {
    this.#mappings.push(mapping);
  }

  remove(gone: readonly DmaMapping[]): void {
    this.#mappings = this.#mappings.filter((each) => !gone.includes(each));
  }
}
