import { type Capability, PciRecoveryError } from '@pci-recovery/core';
import { failedWith, syscallError } from '../../seam/errno.js';
import { refusedCall } from '../../seam/refused-call.js';
import { MEMORY_IN_USE } from './memory-in-use.js';
import { type Mapping, type SyscallResult } from '../../seam/syscalls.js';
import { type MmapArea, type RegionCapability, type RegionInfo } from '../../uapi/region-info.js';
import { type KernelFile } from '../kernel-file.js';
import { RegionAccess } from './region-access.js';

const PROT_READ = 1;
const PROT_WRITE = 2;

/**
 * Device memory in this process. Reads as zero length once it is disposed of, at the latest with the device. Disposing throws
 * `ERR_PCI_BUSY` while a call in a thread uses the memory: then it stays, and can be disposed of later.
 */
export interface MappedArea extends Disposable {
  /** Access it by aligned words of the width that the device wants, and never while memory decode is off (SIGBUS). */
  readonly memory: ArrayBuffer;
  /** Bytes from the region's start to that of the memory. */
  readonly offset: number;
}

/** What to map. Bytes, relative to the region; multiples of the page size. */
export interface MapOptions {
  /** Default: 0. */
  readonly offset?: number;
  /** Default: up to the end of the region. */
  readonly length?: number;
  /** Default: true. */
  readonly write?: boolean;
}

const within = ({ offset, size }: MmapArea, start: bigint, end: bigint): boolean =>
  start >= offset && end <= offset + size;

const isMsixMappable = ({ kind }: RegionCapability): boolean => kind === 'msix-mappable';

/** One region of a device: a BAR, the ROM, configuration space, or what a vendor's driver adds. */
export class VfioRegion {
  readonly info: RegionInfo;
  readonly #file: KernelFile;
  readonly #access: RegionAccess;
  readonly #mappings: Set<Disposable>;

  /** @param mappings where mappings are noted: whoever owns the device unmaps them before it is closed */
  constructor(file: KernelFile, info: RegionInfo, mappings: Set<Disposable>) {
    this.info = info;
    this.#file = file;
    this.#access = new RegionAccess(file, info, `region ${info.index}`);
    this.#mappings = mappings;
  }

  /** Parts that can be mapped; none: pread and pwrite are the way. */
  get areas(): readonly MmapArea[] {
    if (!this.info.flags.has('mmap')) return [];
    const sparse = this.info.capabilities.find(({ kind }) => kind === 'sparse-mmap');
    return sparse?.kind === 'sparse-mmap' ? sparse.areas : [{ offset: 0n, size: this.info.size }];
  }

  /** Whether pages with the MSI-X table may be mapped too: older kernels leave them out. */
  get msixMappable(): boolean {
    return this.info.capabilities.some(isMsixMappable);
  }

  /** Whether a part can be mapped. */
  mappable(offset: number, length: number): Capability {
    if (this.areas.length === 0) return { absent: `region ${this.info.index} cannot be mapped` };
    if (![offset, length].every(Number.isSafeInteger) || offset < 0 || length < 1) {
      return { absent: `${length} bytes at ${offset} are no part of region ${this.info.index}` };
    }
    const end = BigInt(offset) + BigInt(length);
    if (this.areas.some((area) => within(area, BigInt(offset), end))) return true;
    return { absent: `bytes ${offset} to ${end} of region ${this.info.index} are in no part that can be mapped` };
  }

  /**
   * Reads device memory, in the widths that the kernel chooses (at most 8 bytes, aligned). The MSI-X table reads all ones.
   * @throws PciRecoveryError as `RegionAccess.read`
   */
  read(offset: number, length: number): Promise<Uint8Array> {
    return this.#access.read(offset, length);
  }

  /** Writes device memory; writes to the MSI-X table are dropped. Throws as {@link read}. */
  write(offset: number, bytes: Uint8Array): Promise<void> {
    return this.#access.write(offset, bytes);
  }

  /**
   * Maps a part. The kernel takes the pages away while the device is reset, and gives them back at the next access.
   * @throws PciRecoveryError `ERR_PCI_UNSUPPORTED` when the part cannot be mapped; what the kernel refused
   */
  map({ offset = 0, length = Number(this.info.size) - offset, write = true }: MapOptions = {}): MappedArea {
    const allowed = this.mappable(offset, length);
    if (allowed !== true) {
      throw new PciRecoveryError('ERR_PCI_UNSUPPORTED', `It is not mapped: ${allowed.absent}.`, {
        context: { ...this.#file.context, region: this.info.index, offset, length },
      });
    }
    const protection = write ? PROT_READ | PROT_WRITE : PROT_READ;
    const mapping = this.#file.mmap(length, protection, this.info.offset + BigInt(offset));
    if (typeof mapping === 'number') {
      throw syscallError('mmap', mapping, { ...this.#file.context, region: this.info.index, offset, length });
    }
    return this.#noted(mapping, offset);
  }

  #inUse(result: SyscallResult, offset: number): PciRecoveryError {
    const context = { ...this.#file.context, region: this.info.index, offset };
    return refusedCall('munmap', result, context, MEMORY_IN_USE);
  }

  #noted({ memory }: Mapping, offset: number): MappedArea {
    const { syscalls } = this.#file;
    const area = {
      memory,
      offset,
      [Symbol.dispose]: (): void => {
        if (!this.#mappings.has(area)) return;
        const result = syscalls.munmap(memory);
        if (failedWith(result, 'EBUSY')) throw this.#inUse(result, offset);
        this.#mappings.delete(area);
      },
    };
    this.#mappings.add(area);
    return area;
  }
}
