import { type IoctlArgument } from '../../seam/syscalls.js';

interface Range {
  readonly start: bigint;
  readonly length: bigint;
  readonly buffer: WeakRef<ArrayBufferLike>;
}

/** Where memory begins, and the gap behind each buffer, in which every access fails. */
const FIRST_ADDRESS = 0x7f00_0000_0000n;

/** Memory of the heap does not begin at a page: who maps it for DMA gets EINVAL, as in a real process. */
const HEAP_OFFSET = 0x10n;

/** Dead ranges are swept when there are this many. */
const SWEEP_AT = 4096;

/**
 * The addresses of one process: every buffer has a made-up one, so that the kernel can follow pointers in structures, and
 * fail with EFAULT where they lead nowhere.
 */
export class UserMemory {
  readonly #pageSize: bigint;
  readonly #addresses = new WeakMap<ArrayBufferLike, bigint>();
  #ranges: Range[] = [];
  #next = FIRST_ADDRESS;

  constructor(pageSize = 4096) {
    this.#pageSize = BigInt(pageSize);
  }

  /** The address of a view; 0 for an empty one. */
  addressOf(view: Uint8Array): bigint {
    if (view.byteLength === 0) return 0n;
    return this.#baseOf(view.buffer, HEAP_OFFSET) + BigInt(view.byteOffset);
  }

  /** Gives a mapping its address, at a page. */
  place(buffer: ArrayBuffer): bigint {
    return this.#baseOf(buffer, 0n);
  }

  /** All memory from an address on to the end of its buffer; undefined where there is none (any more). */
  from(address: bigint): Uint8Array | undefined {
    for (const { start, length, buffer } of this.#ranges) {
      if (address < start || address >= start + length) continue;
      const alive = buffer.deref();
      // A detached buffer has no bytes.
      if (alive && alive.byteLength > 0) return new Uint8Array(alive, Number(address - start));
    }
    return undefined;
  }

  /** `length` bytes at an address; undefined unless all of them are there. */
  at(address: bigint, length: number): Uint8Array | undefined {
    const found = this.from(address);
    return found && found.byteLength >= length ? found.subarray(0, length) : undefined;
  }

  /** The memory that an argument of ioctl(2) names; undefined: any access fails. */
  argument(argument: IoctlArgument): Uint8Array | undefined {
    if (typeof argument === 'object') return argument;
    return argument === undefined ? undefined : this.from(BigInt(argument));
  }

  #baseOf(buffer: ArrayBufferLike, offset: bigint): bigint {
    const known = this.#addresses.get(buffer);
    if (known !== undefined) return known;
    const start = this.#next + offset;
    const length = BigInt(buffer.byteLength);
    const pages = (length + offset + this.#pageSize - 1n) / this.#pageSize + 1n;
    this.#next += pages * this.#pageSize;
    this.#addresses.set(buffer, start);
    if (this.#ranges.length >= SWEEP_AT) this.#ranges = this.#ranges.filter((range) => range.buffer.deref());
    this.#ranges.push({ start, length, buffer: new WeakRef(buffer) });
    return start;
  }
}
