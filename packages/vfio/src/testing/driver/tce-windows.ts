import { errno } from '../kernel/outcome.js';
import { type DmaMapping } from './iova-space.js';

interface Window {
  readonly start: bigint;
  readonly size: bigint;
  readonly pageShift: number;
}

interface Registered {
  readonly vaddr: bigint;
  readonly size: bigint;
}

const MOST_WINDOWS = 2;
/** Where PowerNV puts the second window (arch/powerpc/platforms/powernv/pci-ioda.c: bit 59). */
const SECOND_WINDOW = 1n << 59n;
const PAGE_SIZES = 0x101_1000n;

/** DMA windows, registered memory and entries of a SPAPR TCE container. */
export class TceWindows {
  readonly default: { readonly start: number; readonly size: number };
  readonly #pageSize: bigint;
  readonly #memlock: bigint | undefined;
  #windows: Window[];
  #registered: Registered[] = [];
  #entries: DmaMapping[] = [];

  constructor(
    window: { readonly start: number; readonly size: number },
    pageSize: bigint,
    memlock: number | undefined,
  ) {
    this.default = window;
    this.#pageSize = pageSize;
    this.#memlock = memlock === undefined ? undefined : BigInt(memlock);
    this.#windows = [{ start: BigInt(window.start), size: BigInt(window.size), pageShift: 12 }];
  }

  exceeds(size: bigint): boolean {
    const locked = this.#registered.reduce((sum, each) => sum + each.size, 0n);
    return this.#memlock !== undefined && locked + size > this.#memlock;
  }

  /** ENXIO outside of every window; v2 maps only memory that was registered. */
  map(entry: DmaMapping, access: boolean, v2: boolean, there: (from: bigint, length: bigint) => boolean): number {
    const { iova, size, vaddr } = entry;
    const window = this.#at(iova);
    if (!window) return errno('ENXIO');
    const mask = (1n << BigInt(window.pageShift)) - 1n;
    if ((size & mask) !== 0n || (vaddr & mask) !== 0n || !access) return errno('EINVAL');
    if ((iova & mask) !== 0n) return errno('EINVAL');
    if (v2 && !this.#isRegistered(vaddr, size)) return errno('EINVAL');
    if (!there(vaddr, size)) return errno('EFAULT');
    this.unmap(iova, size);
    this.#entries.push(entry);
    return 0;
  }

  unmap(iova: bigint, size: bigint): number {
    const window = this.#at(iova);
    if (!window) return errno('ENXIO');
    if ((size & ((1n << BigInt(window.pageShift)) - 1n)) !== 0n) return errno('EINVAL');
    this.#entries = this.#entries.filter((each) => each.iova >= iova + size || each.iova + each.size <= iova);
    return 0;
  }

  register(vaddr: bigint, size: bigint, there: boolean): number {
    if (!this.#aligned(vaddr, size) || vaddr + size >= 1n << 64n) return errno('EINVAL');
    const same = this.#registered.some((each) => each.vaddr === vaddr && each.size === size);
    if (same) return errno('EBUSY');
    const overlaps = this.#registered.some((each) => each.vaddr < vaddr + size && vaddr < each.vaddr + each.size);
    if (overlaps) return errno('EINVAL');
    if (this.exceeds(size)) return errno('ENOMEM');
    if (!there) return errno('EFAULT');
    this.#registered.push({ vaddr, size });
    return 0;
  }

  /** EBUSY while entries lead into it. */
  unregister(vaddr: bigint, size: bigint): number {
    if (!this.#aligned(vaddr, size)) return errno('EINVAL');
    const found = this.#registered.find((each) => each.vaddr === vaddr && each.size === size);
    if (!found) return errno('ENOENT');
    const used = this.#entries.some((each) => each.vaddr >= vaddr && each.vaddr < vaddr + size);
    if (used) return errno('EBUSY');
    this.#registered = this.#registered.filter((each) => each !== found);
    return 0;
  }

  /** The new window's address, or a negative errno. */
  create(pageShift: number, size: bigint): bigint {
    if (this.#windows.length >= MOST_WINDOWS) return BigInt(errno('ENOSPC'));
    if (pageShift > 63 || (PAGE_SIZES & (1n << BigInt(pageShift))) === 0n) return BigInt(errno('EINVAL'));
    const power = size > 0n && (size & (size - 1n)) === 0n;
    if (!power) return BigInt(errno('EINVAL'));
    const start = this.#at(0n) ? SECOND_WINDOW : 0n;
    this.#windows.push({ start, size, pageShift });
    return start;
  }

  remove(start: bigint): number {
    const found = this.#at(start);
    if (!found) return errno('EINVAL');
    this.unmap(found.start, found.size);
    this.#windows = this.#windows.filter((each) => each !== found);
    return 0;
  }

  #aligned(...values: readonly bigint[]): boolean {
    return values.every((value) => (value & (this.#pageSize - 1n)) === 0n);
  }

  #at(iova: bigint): Window | undefined {
    return this.#windows.find(({ start, size }) => iova >= start && iova < start + size);
  }

  #isRegistered(vaddr: bigint, size: bigint): boolean {
    return this.#registered.some((each) => vaddr >= each.vaddr && vaddr + size <= each.vaddr + each.size);
  }
}
