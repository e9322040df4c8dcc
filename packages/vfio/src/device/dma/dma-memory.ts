import { failedWith, syscallError } from '../../seam/errno.js';
import { refusedCall } from '../../seam/refused-call.js';
import { type Mapping, type Syscalls } from '../../seam/syscalls.js';
import { MEMORY_IN_USE } from '../regions/memory-in-use.js';
import { badDma } from './dma-space.js';

/** PROT_READ | PROT_WRITE (asm-generic/mman-common.h: the same on all architectures here). */
export const READ_WRITE = 3;

/** The largest page that kernels of an architecture are built with, in bytes: lengths are rounded up to it. */
const largestPage = (arch: string): number => (arch === 'ppc64' || arch === 'arm64' ? 65_536 : 4096);

/**
 * Anonymous memory of whole pages with an address that stays, for DMA. Filled with zeros. It is to be unmapped from the
 * devices before it is let go of.
 */
export class DmaMemory implements Disposable {
  readonly #syscalls: Syscalls;
  readonly #mapping: Mapping;
  #free = false;

  private constructor(syscalls: Syscalls, mapping: Mapping) {
    this.#syscalls = syscalls;
    this.#mapping = mapping;
  }

  /**
   * @param bytes at least 1; rounded up to whole pages
   * @throws PciRecoveryError `ERR_PCI_BAD_DMA`, `ERR_PCI_LIMIT`
   */
  static allocate(syscalls: Syscalls, bytes: number, arch: string = process.arch): DmaMemory {
    if (!Number.isSafeInteger(bytes) || bytes < 1) throw badDma(`DMA memory has at least 1 byte, not ${bytes}.`);
    const page = largestPage(arch);
    const mapping = syscalls.mmap(-1, Math.ceil(bytes / page) * page, READ_WRITE, 0n);
    if (typeof mapping === 'number') throw syscallError('mmap', mapping, { bytes });
    return new DmaMemory(syscalls, mapping);
  }

  /** Reads as zero length once it is let go of. */
  get memory(): ArrayBuffer {
    return this.#mapping.memory;
  }

  /** All of it. */
  get bytes(): Uint8Array {
    return new Uint8Array(this.#mapping.memory);
  }

  /** Address in this process. */
  get address(): bigint {
    return this.#mapping.address;
  }

  /** Bytes, in whole pages. */
  get size(): bigint {
    return BigInt(this.#mapping.memory.byteLength);
  }

  /**
   * munmap(2); idempotent.
   * @throws PciRecoveryError `ERR_PCI_BUSY` while a call in a thread uses it: then it stays, and can be disposed of later
   */
  [Symbol.dispose](): void {
    if (this.#free) return;
    const result = this.#syscalls.munmap(this.#mapping.memory);
    if (failedWith(result, 'EBUSY')) throw refusedCall('munmap', result, { size: String(this.size) }, MEMORY_IN_USE);
    this.#free = true;
  }
}
